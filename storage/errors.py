"""The errors of the journal."""


class StoreError(Exception):
    """The base class of the journal's errors."""


class StoreUnavailableError(StoreError):
    """The database could not commit: it is unreachable, its disk is full, or it is locked for too long."""


class DatabaseFailedError(StoreUnavailableError):
    """The database could not be reached or used, for the reason that its driver gives."""


class StoreRejectedError(StoreError):
    """The database works but rejected a statement or a value: a fault of ours."""


class JournalFullError(StoreError):
    """Too many callbacks wait to be stored: the sender should retry later."""


class DatabaseUrlError(StoreError):
    """The database URL cannot be used; the message says what to write."""


class SchemaError(StoreUnavailableError):
    """The tables are not those of this version of the program; the message says what to run or to install."""


class BackupError(StoreError):
    """A backup cannot be made, read or restored; the message says what to do."""


class CopyError(StoreError):
    """A journal cannot be copied to another database; the message says what to do."""
