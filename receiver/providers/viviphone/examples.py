"""Fields of a past call with values as they really come: for tests of handlers."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from random import SystemRandom
from typing import Any

from receiver.providers.base.event import Event
from receiver.providers.viviphone.events import PastCall


def examples() -> Mapping[type[Event], Mapping[str, Any]]:
    """By event class; each call of the function gives another button, and so another call id."""
    return {
        PastCall: {
            "button": str(SystemRandom().randrange(10**8, 10**9)),
            "number": "2125551234",
            "is_international": False,
            "name": "Ann Smith",
            "duration_seconds": 61,
            "date": datetime.fromisoformat("2010-01-30 17:07:11"),
            "type": "inbound",
            "cost_cents": Decimal("2.5"),
        }
    }
