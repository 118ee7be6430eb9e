"""Receives phone providers' callbacks, stores each before acknowledging it, and hands it to your functions.

What a handler module needs from here: Handlers, Setting, CallRecord, Outcome, Direction, Context, RetryLater, Drop and
the function `international`; for tests and types also CallHistory and CallStep.
The events and replies of each provider are in `receiver.providers.NAME`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from receiver.plugins import CallHistory, CallStep, Context, Drop, Handlers, RetryLater, Setting
    from receiver.providers.base.record import CallRecord, Direction, Money, Outcome, international

__all__ = [
    "CallHistory",
    "CallRecord",
    "CallStep",
    "Context",
    "Direction",
    "Drop",
    "Handlers",
    "Money",
    "Outcome",
    "RetryLater",
    "Setting",
    "international",
]
_OF_RECORDS = ("CallRecord", "Direction", "Money", "Outcome", "international")

if not TYPE_CHECKING:  # so that a type checker still reports names that do not exist

    def __getattr__(name: str) -> Any:
        """A public name, loaded when it is first used: most commands start without them."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = import_module("receiver.providers.base.record" if name in _OF_RECORDS else "receiver.plugins")
        return globals().setdefault(name, getattr(module, name))
