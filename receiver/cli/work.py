"""`receiver work`: run deliveries beside receivers on other machines."""

import asyncio
import signal

from receiver.app import load_components, open_database, running_worker
from receiver.cli import logs
from receiver.cli.main import app, report_errors
from receiver.cli.options import DatabaseUrl, HandlerModules
from receiver.cli.output import console
from receiver.cli.serve import handler_table, leave
from receiver.metrics import Metrics
from receiver.settings import load


@app.command()
def work(database_url: DatabaseUrl = None, handlers: HandlerModules = None) -> None:
    """Run deliveries until stopped, and receive nothing: for a journal on PostgreSQL that others receive into."""
    with report_errors():
        settings = load(database_url=database_url, handlers=handlers)
        logs.configure(settings)
        components = load_components(settings)
        database = open_database(settings)

    async def until_stopped() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with running_worker(components, database, Metrics()):
            console.print(handler_table(components))
            console.print(f"Deliveries of {database.place} are run here. Stop with Ctrl-C.", highlight=False)
            console.file.flush()
            await stop.wait()

    with database:
        asyncio.run(until_stopped())
    leave(0)
