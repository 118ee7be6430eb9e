"""The argument of a flow's functions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from receiver.plugins.context import Context
from receiver.providers.base.event import Event


@dataclass(slots=True, kw_only=True)
class Caller:
    """The caller, and the state of the call. Changes of `values` and `language` are stored."""

    event: Event
    """The question, as the provider's event."""
    context: Context
    """The handler's context."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The settings of the handler module, with their defaults."""
    number: str = ""
    """The caller's phone number or extension code."""
    did: str = ""
    """The number that was called."""
    digits: str = ""
    """The keys that were pressed; empty after silence."""
    pressed_at: str = ""
    """The node in which they were pressed; empty at the start of the call."""
    node: str = ""
    """The current node."""
    language: str = ""
    """The current language; empty in a flow without languages."""
    values: dict[str, Any] = field(default_factory=dict)
    """JSON values, stored for the rest of the call."""
    is_complete: bool = True
    """False if the journal could not be read in time, or the call has no id: then `values` may be incomplete."""

    @property
    def now(self) -> datetime:
        """When the question was received: the clock of the flow."""
        return self.context.received_at
