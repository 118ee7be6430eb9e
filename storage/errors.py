"""What can go wrong with the journal."""


class StoreError(Exception):
    """The root of the journal's errors."""


class StoreUnavailableError(StoreError):
    """The database could not commit: it is away, its disk is full, or it is locked for too long."""


class StoreRejectedError(StoreError):
    """The database is fine, but what was to be written is not: a fault of ours."""


class JournalFullError(StoreError):
    """More callbacks wait to be stored than may wait: the sender should come again later."""


class DatabaseUrlError(StoreError):
    """The database URL cannot be used; the message says what to write."""
