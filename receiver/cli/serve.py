"""`receiver serve`: receive callbacks."""

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

from receiver.app import Components, build_app, load_components, open_for_receiving, open_spool
from receiver.cli import logs, traces
from receiver.cli.main import app, report_errors
from receiver.cli.options import DatabaseUrl, HandlerModules
from receiver.cli.output import Column, Table, console, print_facts, print_prose
from receiver.errors import SettingsError
from receiver.settings import Settings, load
from receiver.web.auth import AccessPolicy, access_policies, is_loopback, require_access_control
from receiver.web.callback_app import url_path
from receiver.web.http_protocol import RequestLimits, limited_protocol
from storage import Database

if TYPE_CHECKING:
    from receiver.cli.reload import Reloader


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.", show_default="setting host")] = None,
    port: Annotated[
        int | None, typer.Option(help="The port to listen on; 0 takes a free one.", show_default="setting port")
    ] = None,
    database_url: DatabaseUrl = None,
    handlers: HandlerModules = None,
    deliveries: Annotated[
        bool,
        typer.Option("--deliveries/--no-deliveries", help="Run deliveries here, or leave them to `receiver work`."),
    ] = True,
    reload: Annotated[
        bool, typer.Option("--reload", help="Load handlers and settings again when their files change.")
    ] = False,
) -> None:
    """Receive callbacks, answer questions and run handlers, until Ctrl-C or SIGTERM."""
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
        tracing = traces.start(settings)
    front = build_app(components, database, spool=spool, deliver=deliveries, tracing=tracing)
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
    traces.stop(tracing)
    leave(0 if server.started else 1)


def _make_reloader(components: Components, given: Mapping[str, Any]) -> "Reloader":
    from receiver.cli.reload import Reloader
    from receiver.cli.scenario_run import scenario_run

    return Reloader(components, given, console=console, run_scenarios=scenario_run(given))


def _allow_many_connections() -> None:
    """Raise the limit on open files to what the system allows: idle connections could use up the default."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listen(settings: Settings) -> socket.socket:
    """A bound socket. Raises SettingsError where the address or the port cannot be bound."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}. "
            "Is another receiver running? Choose another port with --port"
        ) from error
    return listening


class _Server(uvicorn.Server):
    """Prints the banner as soon as it listens, and reloads from then on if that is wanted."""

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
            _print_banner(self._components, self._database, port)
            if self._reloader is not None:
                self._reloader.start()

    async def shutdown(self, sockets: Any = None) -> None:
        """Reload no more, then stop."""
        if self._reloader is not None:
            await self._reloader.stop()
        await super().shutdown(sockets)


SWITCH_SECONDS = 0.0005
"""How long one thread may keep the interpreter: callers wait for the event loop while rows are written."""


def _settle_memory() -> None:
    """Exclude what is loaded by now from garbage collection, and collect less often than by default."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    sys.setswitchinterval(SWITCH_SECONDS)


def _print_banner(components: Components, database: Database, port: int) -> None:
    settings = components.settings
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base = settings.public_url.rstrip("/") or f"http://{host}:{port}"
    console.print(f"The receiver listens on [bold]http://{host}:{port}[/]", highlight=False, soft_wrap=True)
    console.print("\nURLs to paste into the provider's panel:")
    policies = access_policies(settings, components.providers)
    _url_table(components, base, policies).print()
    if any(policy.secrets for policy in policies.values()):
        print_prose("  SECRET stands for one of the secrets in your settings.", indent=2)
    console.print("\nHandlers:")
    print_handlers(components)
    print_prose(f"The journal is in {database.place}. Stop with Ctrl-C.")
    console.print()
    console.file.flush()


def _url_table(components: Components, base: str, policies: Mapping[str, AccessPolicy]) -> Table:
    table = Table(Column(), Column(), Column(), indent=2)
    for provider in components.providers.values():
        secret = "/SECRET" if policies[provider.name].secrets else ""
        for endpoint in provider.endpoints:
            address = f"{base}{secret}{url_path(provider, endpoint)}"
            table.add(provider.title, endpoint.kind or "all callbacks", address)
    return table


def print_handlers(components: Components) -> None:
    """Print each handler with what it answers or listens to."""
    if not list(components.registry):
        print_prose("  none: callbacks are stored and acknowledged, and questions get their fallback", indent=2)
        return
    print_facts(
        (
            (handler.name, f"{'answers' if handler.answers else 'listens to'} {handler.describe()}")
            for handler in components.registry
        ),
        indent=2,
    )


def leave(code: int) -> None:
    """End the process even if a handler's thread hangs: Python would wait for it forever."""
    sys.stdout.flush()
    sys.stderr.flush()
    if any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate()):
        os._exit(code)
    raise typer.Exit(code)
