"""What a flow's functions get: who is on the line, what was pressed, and what the flow remembers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from receiver.plugins.context import Context
from receiver.providers.base.event import Event


@dataclass(slots=True, kw_only=True)
class Caller:
    """The caller of one question. A flow's functions take it; what they change in `values` and `language` is kept."""

    event: Event
    """The question, as the provider's event."""
    context: Context
    """The handler's context."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The settings of the handler module, with their defaults."""
    number: str = ""
    """Who calls: a phone number or an extension's code."""
    did: str = ""
    """The number that was called."""
    digits: str = ""
    """What was pressed; empty when nothing was."""
    pressed_at: str = ""
    """The node at which it was pressed; empty at the start of the call."""
    node: str = ""
    """The node that the call is at now."""
    language: str = ""
    """The caller's language, one of the flow's; empty in a flow without languages."""
    values: dict[str, Any] = field(default_factory=dict)
    """JSON values to remember for the rest of the call."""
    is_complete: bool = True
    """False where the journal could not be read in time, or the call has no id: `values` may lack something."""

    @property
    def now(self) -> datetime:
        """When the question came in. The flow's clock: opening hours are those of this moment."""
        return self.context.received_at
