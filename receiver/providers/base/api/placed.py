"""Reporting the calls that an API has placed, by the id with which their callbacks come."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from receiver.providers.base.api.definition import ApiCall
from receiver.providers.base.api.parameters import Parameters

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallPlaced:
    """A provider has accepted a call."""

    provider: str
    call_id: str
    """The id that its callbacks carry."""
    placed_by: str
    """The API call, such as `click_to_call.call`."""


OnPlaced = Callable[[CallPlaced], None]
"""Called after each call that was placed, from any thread; must not block."""


def report_placed(
    on_placed: OnPlaced | None, provider: str, call: ApiCall[Any], parameters: Parameters, result: Any
) -> None:
    """Report what a call has placed, if it places calls. Never raises: the call was placed, whatever comes after."""
    if on_placed is None or call.placed_id is None:
        return
    try:
        if call_id := call.placed_id(parameters, result):
            on_placed(CallPlaced(provider, call_id, call.title))
    except Exception:
        logger.exception("the call that %s has placed could not be noted", provider)
