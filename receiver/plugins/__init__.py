"""What a handler author imports, and how handler modules are found."""

from receiver.plugins.call_history import CallHistory, CallStep
from receiver.plugins.context import Context
from receiver.plugins.handlers import Drop, Handler, Handlers, RetryLater

__all__ = ["CallHistory", "CallStep", "Context", "Drop", "Handler", "Handlers", "RetryLater"]
