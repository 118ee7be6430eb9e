"""The journal: what was received, what became of it, and what is still to be delivered.

Storage knows bytes, names and states; never a provider, never the web. It is synchronous: its functions take an open
SQLAlchemy connection, and `Database` runs them on threads, one hop a transaction.
"""

from storage.database import Database
from storage.errors import JournalFullError, StoreError, StoreUnavailableError
from storage.group_commit import GroupCommit
from storage.values import (
    Appended,
    Attempt,
    Claim,
    Delivery,
    Finish,
    LeaseRequest,
    NewCallback,
    State,
    StoredCallback,
)

__all__ = [
    "Appended",
    "Attempt",
    "Claim",
    "Database",
    "Delivery",
    "Finish",
    "GroupCommit",
    "JournalFullError",
    "LeaseRequest",
    "NewCallback",
    "State",
    "StoreError",
    "StoreUnavailableError",
    "StoredCallback",
]
