"""The errors, by whose fault they are: the sender's, the operator's or a handler's."""


class ReceiverError(Exception):
    """The base class of every error that this package raises on purpose."""


class WireError(ReceiverError):
    """The sender's bytes are malformed, or unsafe to parse."""


class PayloadError(ReceiverError):
    """The sender's values were parsed, but are not a known callback. `kind` is the callback's kind, if known."""

    kind = ""


class SettingsError(ReceiverError):
    """A setting cannot work; the message names it and says what to do."""


class HandlerError(ReceiverError):
    """A handler is missing, is defined wrongly, or raised an exception that would end the program."""


class SimulationError(ReceiverError):
    """A simulated call was asked to do what no caller and no provider can do."""
