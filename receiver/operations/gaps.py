"""Calls of which something is missing, by the journal alone."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from receiver.errors import PayloadError
from receiver.intake.reread import reread
from receiver.providers.base.contract import Provider
from receiver.providers.base.event import Event
from storage import gaps
from storage.gaps import CallKinds


@dataclass(frozen=True, slots=True)
class Gap:
    """A call, and what is missing of it."""

    call: CallKinds
    missing: str


def find_gaps(
    connection: Connection, providers: Mapping[str, Provider[Any]], since: datetime, until: datetime
) -> list[Gap]:
    """The calls with callbacks since then of which something is missing, the oldest first.

    Calls whose last callback came after `until` are left out: the rest may be on its way.
    """
    found = []
    for call in gaps.kinds_of_calls(connection, since):
        provider = providers.get(call.provider)
        if provider is None or call.last_at > until:
            continue
        missing = provider.gap(call.kinds, partial(_events, connection, provider, call))
        if missing:
            found.append(Gap(call, missing))
    return sorted(found, key=lambda gap: (gap.call.last_at, gap.call.call_id))


def _events(connection: Connection, provider: Provider[Any], call: CallKinds) -> Sequence[Event]:
    events: list[Event] = []
    for callback in gaps.of_call(connection, provider.name, call.call_id):
        with suppress(PayloadError):  # blanked, or never readable: it says nothing of legs
            events.append(reread(provider, callback))
    return events
