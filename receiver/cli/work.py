"""`receiver work`: run deliveries, and receive nothing."""

import asyncio
import signal

from receiver.app import running_worker
from receiver.cli import logs, traces
from receiver.cli.banner import print_handlers
from receiver.cli.main import app, report_errors
from receiver.cli.options import DatabaseUrl, HandlerModules
from receiver.cli.output import console, print_prose
from receiver.components import load_components, open_database
from receiver.metrics import Metrics
from receiver.monitoring import Watched, running_monitoring
from receiver.server.http_server import leave
from receiver.settings import load


@app.command()
def work(database_url: DatabaseUrl = None, handlers: HandlerModules = None) -> None:
    """Run deliveries of a journal that other receivers store into, until Ctrl-C or SIGTERM. It receives nothing."""
    with report_errors():
        settings = load(database_url=database_url, handlers=handlers)
        logs.configure(settings)
        components = load_components(settings)
        database = open_database(settings)
        tracing = traces.start(settings)

    async def until_stopped() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        metrics = Metrics()
        watching = running_monitoring(Watched(settings, components.providers, database), metrics)
        async with running_worker(components, database, metrics, tracing=tracing), watching:
            console.print("Handlers:")
            print_handlers(components)
            print_prose(f"Deliveries of {database.place} run here. Stop with Ctrl-C.")
            console.file.flush()
            await stop.wait()

    with database:
        asyncio.run(until_stopped())
    traces.stop(tracing)
    leave(0)
