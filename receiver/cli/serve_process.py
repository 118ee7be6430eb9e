"""One process of `receiver serve`."""

import os
import socket
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import uvicorn

from receiver.app import build_app
from receiver.cli import logs, traces
from receiver.cli.banner import print_banner
from receiver.cli.main import report_errors
from receiver.cli.output import console
from receiver.components import Components, load_components, open_for_receiving, open_spool
from receiver.server import sockets
from receiver.server.http_server import HttpServer, leave
from receiver.settings import Settings
from receiver.web.auth import access_policies, is_loopback, require_access_control
from receiver.web.http_protocol import RequestLimits, limited_protocol

if TYPE_CHECKING:
    from receiver.cli.reload import Reloader


def serve_process(
    settings: Settings,
    given: Mapping[str, Any],
    *,
    fd: int | None,
    deliveries: bool,
    reload: bool,
    banner: bool,
    supervisor: int | None,
) -> NoReturn:
    """Receive until a signal stops it, then end the process. `given` is what the command line has set."""
    with report_errors():
        logs.configure(settings, for_author=sys.stderr.isatty() and is_loopback(settings.host))
        components = load_components(settings)
        spool = open_spool(settings)
        require_access_control(settings, components.providers, access_policies(settings, components.providers))
        _allow_many_connections()
        listening = _sockets(settings, fd, is_supervised=supervisor is not None)
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
    reloader = _make_reloader(components, given) if reload else None

    def on_listening() -> None:
        if banner:
            print_banner(components, database, sockets.port_of(listening[0]))
        if reloader is not None:
            reloader.start()

    async def on_draining() -> None:
        front.readiness.drain()
        if reloader is not None:
            await reloader.stop()

    server = HttpServer(
        config,
        on_listening=on_listening,
        on_draining=on_draining,
        drain_seconds=settings.drain_seconds,
        supervisor=supervisor,
    )
    server.run(sockets=listening)
    traces.stop(tracing)
    leave(0 if server.started else 1)


def _sockets(settings: Settings, fd: int | None, *, is_supervised: bool) -> list[socket.socket]:
    """What to listen on: the descriptor, what systemd has passed, or the host and port of the settings."""
    passed = [fd] if fd is not None else sockets.activated(os.environ, os.getpid())
    if passed:
        return [sockets.from_descriptor(number, may_be_idle=is_supervised) for number in passed]
    return [sockets.listen(settings.host, settings.port, reuse_port=settings.reuse_port)]


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
