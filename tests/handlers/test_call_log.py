"""The call log: one line a call, in files that begin anew each day, month or size."""

import csv
import multiprocessing
import resource
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from handlers import call_log
from handlers.call_log import COLUMNS, append
from receiver import CallRecord, Context
from receiver.errors import SettingsError
from receiver.plugins.registry import Registry
from receiver.providers.voicenter import Cdr
from tests.support import eventually, running, states

JANUARY = datetime(2026, 1, 31, 22, 30, tzinfo=UTC)


def _record(call_id: str = "c1", **fields: Any) -> CallRecord:
    return CallRecord(provider="voicenter", call_id=call_id, event=Cdr(), **fields)


def _write(folder: Path, record: CallRecord, at: datetime = JANUARY, **settings: Any) -> None:
    context = Context(delivery_id="7", received_at=at, settings={"path": str(folder / "calls.csv"), **settings})
    append(record, context)


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.csv"))


def test_lines_go_below_one_heading(tmp_path: Path) -> None:
    """Without rotation all lines are in the file that is named."""
    _write(tmp_path, _record("c1"))
    _write(tmp_path, _record("c2"), JANUARY + timedelta(days=400))
    assert _names(tmp_path) == ["calls.csv"]
    rows = _rows(tmp_path / "calls.csv")
    assert [row["call_id"] for row in rows] == ["c1", "c2"]
    assert tuple(rows[0]) == COLUMNS


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=cmd()", "'=cmd()"),
        ("@sum", "'@sum"),
        ("-1+1", "'-1+1"),
        ("\t=cmd()", "'=cmd()"),
        ("\ufeff=cmd()", "'=cmd()"),
        ("+972540000000", "+972540000000"),
        ("שרה, מכירות", "שרה, מכירות"),
        ("one\r\ntwo\u2028three", "one  two three"),
        ("\ud800", ""),
    ],
)
def test_a_value_is_one_line_and_no_formula(tmp_path: Path, value: str, written: str) -> None:
    """Whatever a caller puts into a number; Hebrew stays as it is."""
    _write(tmp_path, _record(from_number=value))
    assert len((tmp_path / "calls.csv").read_bytes().splitlines()) == 2
    assert _rows(tmp_path / "calls.csv")[0]["from"] == written


@pytest.mark.parametrize(
    ("rotate", "zone", "name"),
    [
        ("daily", "UTC", "calls-2026-01-31.csv"),
        ("daily", "Asia/Jerusalem", "calls-2026-02-01.csv"),
        ("monthly", "UTC", "calls-2026-01.csv"),
        ("monthly", "Asia/Jerusalem", "calls-2026-02.csv"),
    ],
)
def test_a_file_is_named_after_the_day_or_month_in_the_time_zone_of_the_setting(
    tmp_path: Path, rotate: str, zone: str, name: str
) -> None:
    """The day is that of the receipt, so that a late attempt goes where an early one went."""
    _write(tmp_path, _record(), rotate=rotate, time_zone=zone)
    assert _names(tmp_path) == [name]


def test_a_full_file_is_put_aside_under_a_name_with_the_moment(tmp_path: Path) -> None:
    """No file is longer than the setting, each has a heading, and every line is in one of them."""
    for number in range(30):
        _write(tmp_path, _record(str(number), recording="https://example.com/" + "x" * 100), rotate="1 kB")
    files = [tmp_path / name for name in _names(tmp_path)]
    assert len(files) > 3
    assert all(file.stat().st_size <= 1000 for file in files)
    assert all(file.name == "calls.csv" or file.name.startswith("calls-20") for file in files)
    assert [row["call_id"] for file in files for row in _rows(file)] == [str(number) for number in range(30)]


def test_a_line_longer_than_the_size_has_a_file_of_its_own(tmp_path: Path) -> None:
    """The line is not shortened to fit."""
    for number in range(3):
        _write(tmp_path, _record(str(number), recording="x" * 2000), rotate="1 kB")
    assert [len(_rows(tmp_path / name)) for name in _names(tmp_path)] == [1, 1, 1]


def test_the_oldest_files_beyond_keep_are_removed_and_no_others(tmp_path: Path) -> None:
    """Files with similar names are kept."""
    for name in ("calls-old.csv", "calls-2020-01-01.txt", "mycalls-2020-01-01.csv"):
        (tmp_path / name).touch()
    for day in range(5):
        _write(tmp_path, _record(), JANUARY + timedelta(days=day), rotate="daily", keep=2)
    assert [path.name for path in sorted(tmp_path.glob("calls-2026*"))] == [
        "calls-2026-02-02.csv",
        "calls-2026-02-03.csv",
        "calls-2026-02-04.csv",
    ]
    assert {"calls-old.csv", "mycalls-2020-01-01.csv"} <= set(_names(tmp_path))
    assert (tmp_path / "calls-2020-01-01.txt").exists()


def test_a_line_of_an_old_call_is_not_removed_as_it_is_written(tmp_path: Path) -> None:
    """A replay writes to the file of its day, also if that day is older than the files that are kept."""
    for day in range(4):
        _write(tmp_path, _record(), JANUARY + timedelta(days=day), rotate="daily", keep=1)
    _write(tmp_path, _record("old"), JANUARY - timedelta(days=300), rotate="daily", keep=1)
    assert [row["call_id"] for row in _rows(tmp_path / "calls-2025-04-06.csv")] == ["old"]


def test_a_line_that_a_power_cut_left_without_its_end_does_not_swallow_the_next(tmp_path: Path) -> None:
    """The next line begins on a line of its own."""
    _write(tmp_path, _record("c1"))
    file = tmp_path / "calls.csv"
    file.write_bytes(file.read_bytes() + b"8,voicenter,c2")
    _write(tmp_path, _record("c3"))
    assert [row["call_id"] for row in _rows(file)] == ["c1", "c2", "c3"]


def _append_with_little_room(folder: Path, limit: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    with pytest.raises(OSError, match=r"File too large|a part of the line"):
        _write(folder, _record("c2"))


def test_a_part_of_a_line_that_a_full_disk_took_is_removed(tmp_path: Path) -> None:
    """The attempt fails, the file is as it was, and the next attempt writes the whole line."""
    _write(tmp_path, _record("c1"))
    before = (tmp_path / "calls.csv").read_bytes()
    _in_processes(_append_with_little_room, (tmp_path, len(before) + 5))
    assert (tmp_path / "calls.csv").read_bytes() == before


def _append_many(folder: Path, worker: int) -> None:
    for number in range(100):
        _write(folder, _record(f"{worker}-{number}", recording="x" * 200), rotate="5 kB")


def test_two_processes_lose_and_split_no_line(tmp_path: Path) -> None:
    """Also while both rotate: each line is there once, and each file has one heading."""
    _in_processes(_append_many, (tmp_path, 1), (tmp_path, 2))
    names = _names(tmp_path)
    rows = [row for name in names for row in _rows(tmp_path / name)]
    assert sorted(row["call_id"] for row in rows) == sorted(f"{w}-{n}" for w in (1, 2) for n in range(100))
    assert all(None not in row and row["provider"] == "voicenter" for row in rows)


def _in_processes(target: Any, *arguments: tuple[Any, ...]) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=target, args=one) for one in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def test_a_file_that_is_locked_is_waited_for_and_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attempt fails, and the delivery is retried."""
    monkeypatch.setattr(call_log, "LOCK_SECONDS", 0)
    with FileLock(tmp_path / "calls.csv.lock"), pytest.raises(TimeoutError):
        _write(tmp_path, _record())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "handler_settings.call_log.path is missing"),
        ({"path": ""}, "handler_settings.call_log.path: "),
        ({"path": "c", "rotate": "weekly"}, 'rotate: write "never", "daily", "monthly" or a size such as "10 MB"'),
        ({"path": "c", "rotate": 5}, "rotate: write"),
        ({"path": "c", "rotate": ["daily"]}, "rotate: write"),
        ({"path": "c", "rotate": "0 MB"}, "rotate: write"),
        ({"path": "c", "keep": -1}, "handler_settings.call_log.keep: "),
        ({"path": "c", "time_zone": "Israel/Nowhere"}, "handler_settings.call_log.time_zone: "),
    ],
)
def test_settings_that_cannot_work_stop_the_start(settings: dict[str, Any], message: str) -> None:
    """Each is named."""
    with pytest.raises(SettingsError, match=message):
        Registry(call_log.handlers, {}, handler_settings={"call_log": settings})


async def test_a_running_receiver_logs_each_call_once(tmp_path: Path) -> None:
    """A repeat of a callback adds no line."""
    settings = {"call_log": {"path": str(tmp_path / "calls.csv"), "rotate": "monthly"}}
    async with running(tmp_path, call_log.handlers, handler_settings=settings) as receiver:
        for call_id in ("c1", "c2", "c1"):
            await receiver.client.post("/voicenter", json={"ivruniqueid": call_id, "caller": "0540000000"})
        await eventually(lambda: states([*receiver.deliveries(1), *receiver.deliveries(2)]) == ["done", "done"])
    [file] = tmp_path.glob("calls-*.csv")
    assert sorted(row["call_id"] for row in _rows(file)) == ["c1", "c2"]
