"""What can go wrong, sorted by whose fault it is."""


class ReceiverError(Exception):
    """The root of every error this package raises on purpose."""


class WireError(ReceiverError):
    """The sender's bytes are not what they claim to be, or are not safe to read."""


class PayloadError(ReceiverError):
    """The sender's values were read, but they are no callback we know. `kind` is the callback's, if it told that."""

    kind = ""


class SettingsError(ReceiverError):
    """The operator's settings cannot work; the message names the setting and what to do."""


class HandlerError(ReceiverError):
    """A handler is written wrongly, or did not do what its kind of callback asks of it."""


class SimulationError(ReceiverError):
    """A simulated call was asked for something that no caller and no provider can do."""
