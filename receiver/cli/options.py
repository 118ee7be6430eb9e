"""The options that several commands share."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

OUTCOMES = ("accepted", "duplicate", "unparsed", "answered", "fallback", "failed")

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str) -> datetime:
    """A point in time: ISO 8601, in local time unless it has an offset; or an age such as 90m, 24h or 7d."""
    try:
        if text[-1:] in _UNITS and text[:-1].isdigit():
            return datetime.now(UTC) - timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(
            f"{text!r} is no time: write one such as 2026-11-21T08:00, or an age such as 90m, 24h or 7d"
        ) from error


def outcome_word(text: str) -> str:
    """One of the outcomes, in any case."""
    if text.lower() not in {"", *OUTCOMES}:
        raise typer.BadParameter(f"there is no outcome {text!r}; there are {', '.join(OUTCOMES)}")
    return text.lower()


Provider = Annotated[str, typer.Option(help="Only callbacks of this provider, such as voicenter.", show_default=False)]
Kind = Annotated[
    str, typer.Option(help="Only callbacks of this kind, such as CDR or GET_IVR_ACTION.", show_default=False)
]
CallId = Annotated[str, typer.Option(help="Only callbacks with this call id.", show_default=False)]
Outcome = Annotated[
    str,
    typer.Option(
        help=f"Only callbacks with this outcome: {', '.join(OUTCOMES)}.",
        parser=outcome_word,
        metavar="OUTCOME",
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option(min=1, help="How many to list at most; the newest ones.")]
Since = Annotated[
    datetime | None,
    typer.Option(
        parser=moment,
        metavar="TIME",
        help="Only callbacks received at this time or later: ISO 8601, or an age such as 90m, 24h or 7d.",
    ),
]
Until = Annotated[
    datetime | None, typer.Option(parser=moment, metavar="TIME", help="Only callbacks received before this time.")
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        metavar="URL",
        help="The URL of the journal's database, such as sqlite:///receiver.db.",
        show_default="setting database_url",
    ),
]
HandlerModules = Annotated[
    list[str] | None,
    typer.Option(
        "--handlers",
        metavar="MODULES",
        help="Handler modules, such as handlers.demo. Separate several with commas, or repeat the option.",
        show_default="setting handlers",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]
