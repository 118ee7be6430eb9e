"""What a handler author imports, and the loading and running of handlers."""

from receiver.plugins.call_history import CallHistory, CallStep
from receiver.plugins.context import Context
from receiver.plugins.handlers import Drop, Handler, Handlers, RetryLater
from receiver.plugins.module_settings import Setting

__all__ = ["CallHistory", "CallStep", "Context", "Drop", "Handler", "Handlers", "RetryLater", "Setting"]
