"""The trace of a callback, stored among its notes, so that a later attempt on any machine continues it."""

from collections.abc import Sequence

_NOTE = "traceparent:"


def trace_note(traceparent: str) -> str:
    """The note of a callback whose request has this span, in the format of W3C's header `traceparent`."""
    return _NOTE + traceparent


def traceparent_in(notes: Sequence[str]) -> str:
    """The `traceparent` among the notes of a callback; empty if it was received without tracing."""
    return next((note.removeprefix(_NOTE) for note in notes if note.startswith(_NOTE)), "")


def trace_id_in(notes: Sequence[str]) -> str:
    """The id of a callback's trace, 32 hexadecimal digits; empty if it has none."""
    return traceparent_in(notes)[3:35]


def without_trace(notes: Sequence[str]) -> list[str]:
    """The notes on the callback itself."""
    return [note for note in notes if not note.startswith(_NOTE)]
