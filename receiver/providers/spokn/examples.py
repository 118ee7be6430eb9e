"""Fields of a status post with values as they really come: for tests of handlers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from receiver.providers.base.event import Event
from receiver.providers.base.simulation import new_call_id
from receiver.providers.spokn.events import StatusPost


def examples() -> Mapping[type[Event], Mapping[str, Any]]:
    """By event class; each call of the function gives another token."""
    return {
        StatusPost: {
            "userid": "1234567",
            "aparty": "+18474255380",
            "bparty": "+919876543210",
            "leg": 1,
            "start": datetime(2025, 11, 25, 12, 0, tzinfo=UTC),
            "duration_seconds": 95,
            "token": new_call_id(),
            "rate": Decimal("1.5"),
            "cost": Decimal(3),
            "status": 0,
        }
    }
