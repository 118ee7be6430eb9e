"""Log why a callback could not be parsed: the provider's error reply seldom contains the reason."""

import logging
from typing import Any

from receiver.providers.base.contract import Provider
from storage import Appended

logger = logging.getLogger(__name__)

LONGEST_REASON = 300
"""Characters of a reason in the log; the journal has all of it."""


def log_unparsed(provider: Provider[Any], kind: str, reason: str, stored: Appended | None = None) -> None:
    """Log the reason once for each callback that could not be parsed, with its number in the journal if it has one.

    Reasons name what is wrong and where. They quote no values that were sent, only the name of an unknown method or
    root element.
    """
    repeat = f", a repeat of {stored.duplicate_of}" if stored and stored.duplicate_of else ""
    what = f"a {kind}" if kind else "a callback"
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in reason[:LONGEST_REASON])
    extra = {"callback": stored.id} if stored and stored.id else {}
    logger.warning("%s of %s could not be parsed%s: %s", what, provider.title, repeat, shown, extra=extra)
