"""Calls of which something is missing, by the journal alone: of what came, and of what was placed."""

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
from storage import gaps, placed_calls
from storage.gaps import CallKinds


@dataclass(frozen=True, slots=True)
class Gap:
    """A call, and what is missing of it."""

    call: CallKinds
    missing: str
    placed_by: str = ""
    """For a call that was placed and left no callback: the API call. `first_at` and `last_at` say when."""


def find_gaps(
    connection: Connection, providers: Mapping[str, Provider[Any]], since: datetime, until: datetime
) -> list[Gap]:
    """The calls since then of which something is missing, and those that were placed and had no callback.

    The oldest come first. Calls that were placed, or whose last callback came, after `until` are left out: the rest may
    be on its way.
    """
    found = _never_returned(connection, providers, since, until)
    for call in gaps.kinds_of_calls(connection, since):
        provider = providers.get(call.provider)
        if provider is None or call.last_at > until:
            continue
        missing = provider.gap(call.kinds, partial(_events, connection, provider, call))
        if missing:
            found.append(Gap(call, missing))
    return sorted(found, key=lambda gap: (gap.call.last_at, gap.call.call_id))


def _never_returned(
    connection: Connection, providers: Mapping[str, Provider[Any]], since: datetime, until: datetime
) -> list[Gap]:
    return [
        Gap(CallKinds(one.provider, one.call_id, (), one.placed_at, one.placed_at), "no callback", one.placed_by)
        for one in placed_calls.without_callback(connection, since, until)
        if one.provider in providers
    ]


def _events(connection: Connection, provider: Provider[Any], call: CallKinds) -> Sequence[Event]:
    events: list[Event] = []
    for callback in gaps.of_call(connection, provider.name, call.call_id):
        with suppress(PayloadError):  # blanked, or never readable: it says nothing of legs
            events.append(reread(provider, callback))
    return events
