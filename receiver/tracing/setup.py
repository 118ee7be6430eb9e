"""Check and start tracing, as the setting `tracing` says."""

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from receiver.errors import SettingsError

if TYPE_CHECKING:
    from receiver.tracing.spans import Tracing

_NEEDED = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http.trace_exporter")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def require_tracing() -> None:
    """Check that spans can be exported. Raises SettingsError, which says what to install or to set."""
    if not all(map(_is_installed, _NEEDED)):
        raise SettingsError("tracing: it needs more packages: pip install 'callback-receiver[otel]'")
    for variable in _PROTOCOLS:
        if os.environ.get(variable) not in {None, "", "http/protobuf"}:
            raise SettingsError(f"{variable}: traces are sent by http/protobuf alone; write that, or leave it out")


def start_tracing() -> "Tracing":
    """Start to export spans, as the OTEL_… variables of the environment say. Raises SettingsError."""
    require_tracing()
    from receiver.tracing.exporting import export_spans

    return export_spans()


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even its package is there
        return False
