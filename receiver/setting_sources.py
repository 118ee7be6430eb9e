"""Where settings are written, read without the model that checks them: for commands that need a single one."""

import os
import tomllib
from pathlib import Path
from typing import Any

FILE = "receiver.toml"
PREFIX = "RECEIVER_"
TEST_PREFIX = "RECEIVER_TEST_"
"""Variables of the tests, not settings."""
DEFAULT_DATABASE_URL = "sqlite:///receiver.db"
"""The journal, where neither an option nor a source names another."""


def written(name: str) -> Any:
    """The value of one setting as its variable has it, else as the file has it; None where neither does.

    Raises OSError or ValueError if the file cannot be read, or is not valid TOML.
    """
    for variable, value in os.environ.items():
        if variable.upper() == PREFIX + name.upper():
            return value
    file = Path(FILE)
    return tomllib.loads(file.read_text(encoding="utf-8")).get(name) if file.is_file() else None
