"""The journal: what was received, how it was answered, and what is still to be delivered.

Storage knows bytes, names and states, but no provider and no web framework. It is synchronous: its functions take an
open SQLAlchemy connection, and `Database` runs them on threads, one hop for each transaction.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from storage.errors import JournalFullError, StoreError, StoreUnavailableError
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

if TYPE_CHECKING:
    from storage.database import Database
    from storage.group_commit import GroupCommit

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

_MODULES = {"Database": "storage.database", "GroupCommit": "storage.group_commit"}

if not TYPE_CHECKING:  # so that a type checker still reports names that do not exist

    def __getattr__(name: str) -> Any:
        """What needs SQLAlchemy or asyncio, loaded when it is first used: some commands do without a journal."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals().setdefault(name, getattr(import_module(_MODULES[name]), name))
