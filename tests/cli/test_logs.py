"""The log and its privacy; each test has its own process, because the log is configured once in each."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import json, logging, sys
from receiver.cli import logs
from receiver.settings import Settings

logs.configure(Settings(**json.loads(sys.argv[1])))
logger = logging.getLogger("receiver.some.module")
try:
    raise ValueError("no customer 0501234567")
except ValueError as error:
    logger.error("%s failed", "a.handler", exc_info=error, extra={"call_id": "abc", "delivery": 7})
logger.info("done\\nwell")
"""


_TEXT_TIME = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d "
_JSON_TIME = r'"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00"'


def _log(**settings: Any) -> str:
    command = [sys.executable, "-c", PROGRAM, json.dumps(settings)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def test_text_is_for_people() -> None:
    """With the time, the level, the logger, the message and the ids."""
    first = _log().splitlines()[0]
    assert first.startswith("20")
    assert first.endswith(" ERROR   receiver.some.module: a.handler failed call_id=abc delivery=7")


@pytest.mark.parametrize(("format_", "moment"), [("text", _TEXT_TIME), ("json", _JSON_TIME)])
def test_every_line_has_a_time_with_its_offset(format_: str, moment: str) -> None:
    """Two machines in two zones can be compared."""
    assert re.search(moment, _log(log_format=format_).splitlines()[0])


def test_json_is_one_object_a_line() -> None:
    """The ids are fields."""
    first, second = map(json.loads, _log(log_format="json").splitlines())
    assert first.pop("time").startswith("20")
    assert first == {
        "level": "ERROR",
        "logger": "receiver.some.module",
        "message": "a.handler failed",
        "call_id": "abc",
        "delivery": 7,
        "error": "ValueError at <string>:9",
    }
    assert second["message"] == "done\nwell"


@pytest.mark.parametrize("format_", ["text", "json"])
@pytest.mark.parametrize("personal", [False, True])
def test_the_text_of_an_error_is_logged_only_with_log_personal_data(format_: str, personal: bool) -> None:
    """It may contain a caller's number; without the setting the log has only the class and the line."""
    log = _log(log_format=format_, log_personal_data=personal)
    assert ("0501234567" in log) is personal
    assert ("Traceback" in log) is personal
    assert "ValueError" in log


def test_the_level_is_a_setting() -> None:
    """Lower levels are not logged."""
    assert "done" in _log()
    assert "done" not in _log(log_level="warning")
