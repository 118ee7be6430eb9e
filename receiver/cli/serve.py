"""`receiver serve`: receive callbacks."""

from typing import Annotated

import typer

from receiver.cli.main import app, report_errors
from receiver.cli.options import DatabaseUrl, HandlerModules
from receiver.errors import SettingsError
from receiver.settings import load


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option(metavar="HOST", help="The address to listen on.", show_default="setting host")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(metavar="PORT", help="The port to listen on; 0 takes a free one.", show_default="setting port"),
    ] = None,
    fd: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="FD",
            help="The descriptor of a listening socket to take over, in place of host and port.",
        ),
    ] = None,
    database_url: DatabaseUrl = None,
    handlers: HandlerModules = None,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Processes on one port and one journal. SIGHUP replaces them one after the other.",
            show_default="setting processes",
        ),
    ] = None,
    deliveries: Annotated[
        bool,
        typer.Option("--deliveries/--no-deliveries", help="Run deliveries here, or leave them to `receiver work`."),
    ] = True,
    reload: Annotated[
        bool, typer.Option("--reload", help="Load handlers and settings again when their files change.")
    ] = False,
    supervisor: Annotated[int | None, typer.Option(hidden=True, help="The process that supervises this one.")] = None,
    banner: Annotated[bool, typer.Option("--banner/--no-banner", hidden=True)] = True,
) -> None:
    """Receive callbacks, answer questions and run handlers, until Ctrl-C or SIGTERM."""
    given = {"host": host, "port": port, "database_url": database_url, "handlers": handlers, "processes": processes}
    with report_errors():
        settings = load(**given)
        several = supervisor is None and settings.processes > 1
        if several and reload:
            raise SettingsError("--reload is for one process: leave out --processes, or send SIGHUP instead")
    if several:
        from receiver.cli.serve_processes import serve_processes

        serve_processes(settings, given, fd=fd, deliveries=deliveries)
    from receiver.cli.serve_process import serve_process

    serve_process(
        settings,
        given,
        fd=fd,
        deliveries=deliveries,
        reload=reload,
        banner=banner,
        supervisor=supervisor,
    )
