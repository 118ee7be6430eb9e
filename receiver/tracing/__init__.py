"""OpenTelemetry traces: spans of requests, commits and handlers, and the trace of a callback among its notes.

`spans` and `exporting` import OpenTelemetry; they are loaded only if the setting `tracing` is on. `tracing` is None
where it is off.
"""
