"""The subjects of a callback, which handlers get: its event and its call record, each made once."""

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from functools import cached_property
from typing import Any

from receiver.providers.base.contract import Provider
from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord


class Subjects:
    """The event and the call record of one callback. Each is made on first use and cached."""

    def __init__(self, provider: Provider[Any], make_event: Callable[[], Event]) -> None:
        self._provider = provider
        self._make_event = make_event

    @cached_property
    def event(self) -> Event:
        """The event. Raises what making it raises."""
        return self._make_event()

    @cached_property
    def record(self) -> CallRecord | None:
        """The call record; None for an event that ends no call."""
        return self._provider.record(self.event)

    def of(self, subject: type[Event] | type[CallRecord]) -> Event | CallRecord | None:
        """What a handler of this subject gets."""
        return self.record if subject is CallRecord else self.event

    def copy_for(self, subject: type[Event] | type[CallRecord]) -> "Subjects":
        """A copy of what a handler of this subject gets, so that a handler's changes do not reach the next handler.

        If making it fails, it also fails in the copy.
        """
        other = Subjects(self._provider, self._make_event)
        with suppress(Exception):
            if subject is CallRecord:
                other.__dict__["record"] = deepcopy(self.record)
            else:
                other.__dict__["event"] = deepcopy(self.event)
        return other
