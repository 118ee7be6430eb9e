"""What commands add to the audit trail."""

import getpass
import os
import re

from receiver.cli.output import print_note
from storage import Database, StoreError, audit

SHOW, EXPORT, REPLAY, COMPARE, FORGET = "show", "export", "replay", "compare", "forget"
ACTIONS = (SHOW, EXPORT, REPLAY, COMPARE, FORGET)
_SHOWN_DIGITS = 3


def current_user() -> str:
    """The user of this process; behind sudo also who called it."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):
        name = f"user {os.getuid()}"  # it has no name, as in some containers
    caller = os.environ.get("SUDO_USER", "")
    return f"{name} (sudo by {caller})" if caller and caller != name else name


def record(database: Database, action: str, about: str, callbacks: int = 1) -> None:
    """Add a line to the audit trail. Where the journal can only be read, a note says that it is missing."""
    try:
        with database.begin() as connection:
            audit.add(connection, who=current_user(), action=action, about=about, callbacks=callbacks)
    except StoreError as error:
        print_note(f"The audit trail has no line of this: {error}")


def without_digits(number: str) -> str:
    """A phone number as the trail has it, which must not keep what `forget` erases: with its last digits alone."""
    digits = re.sub(r"\D", "", number)
    return "*" * (len(digits) - _SHOWN_DIGITS) + digits[-_SHOWN_DIGITS:]
