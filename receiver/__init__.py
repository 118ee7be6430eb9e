"""Receives phone providers' callbacks, stores each before acknowledging it, and hands it to your functions.

What a handler module needs from here: Handlers, Setting, CallRecord, Outcome, Direction, Context, RetryLater, Drop and
the function `international`; for tests and types also CallHistory and CallStep.
The events and replies of each provider are in `receiver.providers.NAME`.
"""

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
