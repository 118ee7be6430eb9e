"""The filters that several commands share."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

OUTCOMES = ("accepted", "duplicate", "unparsed", "answered", "fallback", "failed")

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str) -> datetime:
    """A point in time: ISO 8601, with its zone or else in local time, or a time ago such as 90m, 24h or 7d."""
    try:
        if text[-1:] in _UNITS and text[:-1].isdigit():
            return datetime.now(UTC) - timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter("write a time like 2026-11-21T08:00, or a time ago like 90m, 24h or 7d") from error


def outcome_word(text: str) -> str:
    """One of the outcomes, in any case."""
    if text.lower() not in {"", *OUTCOMES}:
        raise typer.BadParameter(f"write one of {', '.join(OUTCOMES)}")
    return text.lower()


Provider = Annotated[str, typer.Option(help="Only this provider's, such as voicenter.", show_default=False)]
Kind = Annotated[str, typer.Option(help="Only this kind, such as CDR or GET_IVR_ACTION.", show_default=False)]
CallId = Annotated[str, typer.Option(help="Only this call's.", show_default=False)]
Outcome = Annotated[
    str,
    typer.Option(
        help="Only those that ended so.",
        parser=outcome_word,
        metavar="|".join(OUTCOMES),
        show_default=False,
    ),
]
Since = Annotated[
    datetime | None,
    typer.Option(parser=moment, metavar="TIME", help="Received at this time or later: ISO 8601, or 90m, 24h, 7d ago."),
]
Until = Annotated[datetime | None, typer.Option(parser=moment, metavar="TIME", help="Received before this time.")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database-url", help="The journal, such as sqlite:///receiver.db.", show_default=False),
]
HandlerModules = Annotated[
    list[str] | None,
    typer.Option(
        "--handlers",
        help="Handler modules such as handlers.demo; several with commas, or with the option again.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
