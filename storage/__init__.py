"""The journal: what was received, how it was answered, and what is still to be delivered.

Storage knows bytes, names and states, but no provider and no web framework. It is synchronous: its functions take an
open SQLAlchemy connection, and `Database` runs them on threads, one hop for each transaction.
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
