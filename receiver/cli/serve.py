"""`receiver serve`: listen, and say what is where."""

import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
import uvicorn
from rich.console import Console
from rich.table import Table

from receiver.app import Components, build_app, load_components, open_for_receiving, open_spool
from receiver.cli import logs
from receiver.cli.main import app, report_errors
from receiver.cli.options import DatabaseUrl, HandlerModules
from receiver.errors import SettingsError
from receiver.settings import Settings, load
from receiver.web.auth import access_policies, is_loopback, require_access_control
from receiver.web.callback_app import url_path
from receiver.web.http_protocol import RequestLimits, limited_protocol
from storage import Database

if TYPE_CHECKING:
    from receiver.cli.reload import Reloader


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one.", show_default="8000")
    ] = None,
    database_url: DatabaseUrl = None,
    handlers: HandlerModules = None,
    deliveries: Annotated[
        bool, typer.Option("--deliveries/--no-deliveries", help="Run handlers here, or leave that to `receiver work`.")
    ] = True,
    reload: Annotated[
        bool, typer.Option("--reload", help="Load handlers and settings again when their files change.")
    ] = False,
) -> None:
    """Receive callbacks until stopped."""
    given = {"host": host, "port": port, "database_url": database_url, "handlers": handlers}
    with report_errors():
        settings = load(**given)
        logs.configure(settings, for_author=sys.stderr.isatty() and is_loopback(settings.host))
        components = load_components(settings)
        spool = open_spool(settings)
        require_access_control(settings, components.providers, access_policies(settings, components.providers))
        _allow_many_connections()
        listening = _listen(settings)
        database = open_for_receiving(settings, spool)
    front = build_app(components, database, spool=spool, deliver=deliveries)
    limits = RequestLimits(settings.request_seconds, settings.max_header_bytes, settings.max_headers)
    config = uvicorn.Config(
        front,
        lifespan="on",
        http=limited_protocol(limits, front.note_cut_off),
        ws="none",
        timeout_keep_alive=settings.idle_seconds,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(settings.shutdown_seconds) + 1,
    )
    server = _Server(config, components, database, _make_reloader(components, given) if reload else None)
    server.run(sockets=[listening])
    leave(0 if server.started else 1)


def _make_reloader(components: Components, given: Mapping[str, Any]) -> "Reloader":
    from receiver.cli.reload import Reloader
    from receiver.cli.scenario_run import scenario_run

    return Reloader(components, given, console=Console(file=sys.stdout), run_scenarios=scenario_run(given))


def _allow_many_connections() -> None:
    """Take as many open files as the system lets us have: silent strangers must not use up the few of the default."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listen(settings: Settings) -> socket.socket:
    """A socket that is bound. Raises SettingsError when the address or the port is not to be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}. "
            "Is another receiver running? --port takes another port"
        ) from error
    return listening


class _Server(uvicorn.Server):
    """Prints a banner as soon as it listens, and reloads from then on if that is wanted."""

    def __init__(
        self, config: uvicorn.Config, components: Components, database: Database, reloader: "Reloader | None"
    ) -> None:
        super().__init__(config)
        self._components = components
        self._database = database
        self._reloader = reloader

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT with exit code 0; uvicorn itself would end by the signal."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: Any = None) -> None:
        """Listen, then print the banner."""
        await super().startup(sockets)
        if self.started:
            _settle_memory()
            port = sockets[0].getsockname()[1]
            _print_banner(Console(file=sys.stdout, soft_wrap=True), self._components, self._database, port)
            if self._reloader is not None:
                self._reloader.start()

    async def shutdown(self, sockets: Any = None) -> None:
        """Reload no more, then stop."""
        if self._reloader is not None:
            await self._reloader.stop()
        await super().shutdown(sockets)


SWITCH_SECONDS = 0.0005
"""How long one thread may keep the others waiting: callers wait for the loop while rows are written."""


def _settle_memory() -> None:
    """What is loaded now stays: the garbage collector need not look at it again, nor as often as by default."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    sys.setswitchinterval(SWITCH_SECONDS)


def _print_banner(console: Console, components: Components, database: Database, port: int) -> None:
    settings = components.settings
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base = settings.public_url.rstrip("/") or f"http://{host}:{port}"
    trust = access_policies(settings, components.providers)
    console.print(f"The receiver listens on [bold]http://{host}:{port}[/]", highlight=False)
    console.print("\nURLs to paste into the provider's panel:")
    for provider in components.providers.values():
        for endpoint in provider.endpoints:
            what = endpoint.kind or "all callbacks"
            secret = "/SECRET" if trust[provider.name].secrets else ""
            address = f"{base}{secret}{url_path(provider, endpoint)}"
            console.print(f"  {provider.title:<10} {what:<16} {address}", highlight=False)
    if any(asked.secrets for asked in trust.values()):
        console.print("  SECRET stands for one of the secrets in your settings.", highlight=False)
    console.print("\nHandlers:")
    console.print(handler_table(components))
    console.print(f"The journal is in {database.place}. Stop with Ctrl-C.\n", highlight=False)
    console.file.flush()


def handler_table(components: Components) -> Table:
    """Which handler listens to what."""
    table = Table(box=None, show_header=False, padding=(0, 2))
    for handler in components.registry:
        table.add_row("answers" if handler.answers else "is told of", handler.describe(), handler.name)
    if not list(components.registry):
        table.add_row("none", "callbacks are stored and acknowledged; questions get their fallback", "")
    return table


def leave(code: int) -> None:
    """End the process, also when a handler's thread hangs: Python would wait for it for ever."""
    sys.stdout.flush()
    sys.stderr.flush()
    if any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate()):
        os._exit(code)
    raise typer.Exit(code)
