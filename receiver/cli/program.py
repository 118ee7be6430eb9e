"""How this program was called, for the units and the processes that start it again."""

import os
import sys
from pathlib import Path


def called() -> str:
    """The `receiver` command as it was called; empty for `python -m receiver`.

    A link stays one, so that whatever starts the command again starts the release that the link points to by then.
    """
    command = Path(sys.argv[0])
    return str(command) if command.is_absolute() and command.name == "receiver" and os.access(command, os.X_OK) else ""
