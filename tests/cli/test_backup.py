"""`receiver backup` and `receiver restore`."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from receiver.cli import app
from receiver.plugins import Handlers
from receiver.providers.voicenter import Cdr
from storage.spool import Spool
from tests.journals import sqlite_journal
from tests.scenarios.serving import serving
from tests.storage.support import new_callback
from tests.support import Running, eventually, running, states


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _receiver(*arguments: object, code: int = 0) -> Result:
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == code, done.output
    return done


def _counting(seen: list[str]) -> Handlers:
    handlers = Handlers("counting")

    @handlers.on(Cdr, name="counting")
    def count(cdr: Cdr) -> None:
        seen.append(cdr.caller)

    return handlers


async def test_a_restored_journal_replays(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a handler got before the backup, it gets again from the restored journal."""
    seen: list[str] = []
    async with running(database_url, _counting(seen)) as receiver:
        await receiver.client.post("/voicenter", json={"caller": "0501111111", "ivruniqueid": "1"})
        await eventually(lambda: states(receiver.deliveries(1)) == ["done"])
        made = json.loads(_receiver("backup", "b", "--json", "--database-url", database_url).stdout)
        assert (made["callbacks"], made["file"]) == (1, "b")
        await receiver.client.post("/voicenter", json={"caller": "0502222222", "ivruniqueid": "2"})
        await eventually(lambda: len(seen) == 2)
    again = ("restore", "b", "--database-url", database_url)
    assert "--overwrite" in _receiver(*again, code=2).output
    assert "has 1 callback up to" in _receiver(*again, "--overwrite").output
    (tmp_path / "counting.py").write_text(_MODULE)
    replay = ("replay", "--kind", "CDR", "--handlers", "counting", "--database-url", database_url)
    monkeypatch.syspath_prepend(tmp_path)
    assert "1 delivery is due" in _receiver(*replay).output
    seen.clear()
    async with running(database_url, _counting(seen)):
        await eventually(lambda: seen == ["0501111111"])


_MODULE = """
from receiver import Handlers
from receiver.providers.voicenter import Cdr

handlers = Handlers("counting")


@handlers.on(Cdr, name="counting")
def count(cdr: Cdr) -> None:
    ...
"""


def test_a_backup_of_a_serving_receiver_has_what_was_acknowledged_before_it(tmp_path: Path) -> None:
    """The receiver of another process goes on acknowledging; none is refused, and the journal in use is kept."""
    with serving(tmp_path) as receiver, httpx.Client(base_url=receiver.url) as client:
        statuses: list[int] = []
        enough, stop = threading.Event(), threading.Event()

        def send() -> None:
            while not stop.is_set():
                reply = client.post("/voicenter/cdr", json={"caller": "0501111111", "ivruniqueid": str(len(statuses))})
                statuses.append(reply.status_code)
                if len(statuses) == 50:
                    enough.set()

        sender = threading.Thread(target=send)
        sender.start()
        try:
            assert enough.wait(30)
            before = len(statuses)
            _receiver("backup", "b.zst", "--database-url", f"sqlite:///{tmp_path}/receiver.db")
            in_use = _receiver("restore", "b.zst", "--overwrite", code=2)
            after = len(statuses)
        finally:
            stop.set()
            sender.join()
    assert "stop it" in in_use.output
    assert set(statuses) == {200}
    assert after > before
    copied = f"sqlite:///{tmp_path}/copy.db"
    _receiver("restore", "b.zst", "--database-url", copied)
    assert before <= len(Running(httpx.AsyncClient(), copied).callbacks()) <= after


async def test_what_waits_in_the_spool_is_named(tmp_path: Path, postgres_url: str) -> None:
    """It is not in the journal yet, so neither the backup nor the restored journal has it."""

    def settled(*arguments: Any) -> str:
        return " ".join(_receiver(*arguments, "--database-url", postgres_url).output.split())

    spool = Spool(tmp_path / "receiver-spool.db")
    spool.open()
    await spool.put([new_callback("a"), new_callback("b")])
    spool.close()
    async with running(postgres_url):
        pass
    assert "receiver-spool.db holds 2 callbacks that the backup does not have" in settled("backup", "b")
    assert "the next receiver moves those that the journal does not have" in settled("restore", "b")


def test_a_missing_journal_is_not_created(tmp_path: Path) -> None:
    """The folder may be the wrong one."""
    assert "there is no journal" in _receiver("backup", "b.zst", code=2).output
    assert list(tmp_path.iterdir()) == []


def _damaged(journal: Path) -> None:
    """Overwrite a file beyond SQLite's header, as a disk may do."""
    with journal.open("r+b") as opened:
        opened.seek(100)
        opened.write(b"\xab" * (journal.stat().st_size - 100))


@pytest.mark.parametrize("whole", [True, False])
def test_a_damaged_journal_is_replaced(tmp_path: Path, whole: bool) -> None:
    """It is what a backup is for; with --overwrite, since something may still be saved from the file."""
    sqlite_journal(tmp_path / "receiver.db")
    _receiver("backup", "b.zst")
    if whole:
        (tmp_path / "receiver.db").write_bytes(b"\xab" * 50_000)
    else:
        _damaged(tmp_path / "receiver.db")
    assert "replace this one with --overwrite" in " ".join(_receiver("restore", "b.zst", code=2).output.split())
    assert "has 0 callbacks" in _receiver("restore", "b.zst", "--overwrite").output
    assert json.loads(_receiver("backup", "c.zst", "--json").stdout)["callbacks"] == 0


_HOLDER = """
import sqlite3, sys
held = sqlite3.connect("receiver.db")
held.execute("SELECT count(*) FROM callbacks").fetchone()
print(flush=True)
sys.stdin.read()
"""


def test_a_damaged_journal_in_use_is_not_replaced(tmp_path: Path) -> None:
    """The receiver would go on writing to the file that is gone."""
    sqlite_journal(tmp_path / "receiver.db")
    _receiver("backup", "b.zst")
    with subprocess.Popen([sys.executable, "-c", _HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        _damaged(tmp_path / "receiver.db")
        before = (tmp_path / "receiver.db").read_bytes()
        assert "stop it, then restore" in " ".join(_receiver("restore", "b.zst", "--overwrite", code=2).output.split())
        assert (tmp_path / "receiver.db").read_bytes() == before


def test_errors_say_what_to_do_next(tmp_path: Path) -> None:
    """Whatever the file or the database is."""

    def said(*arguments: str) -> str:
        return " ".join(_receiver(*arguments, code=2).output.split())

    assert "run this in the folder of the receiver" in said("backup", "b.zst")
    (tmp_path / "empty.db").touch()
    assert "name the journal with --database-url" in said("backup", "b", "--database-url", "sqlite:///empty.db")
    assert "see that it can be reached" in said("migrate", "--database-url", "sqlite:///no/journal.db")
    sqlite_journal(tmp_path / "receiver.db")
    assert "create the folder no first" in said("backup", "no/b.zst")
    _receiver("backup", "b.zst")
    assert f"create the folder {tmp_path}/no first" in said(
        "restore", "b.zst", "--database-url", "sqlite:///no/journal.db"
    )
    assert "name another file" in said("restore", "no.zst", "--database-url", "sqlite:///new.db")
    assert "`receiver backup` has written" in said("restore", "empty.db", "--database-url", "sqlite:///new.db")
    (tmp_path / "folder.db").mkdir()
    assert "name another" in said("restore", "b.zst", "--overwrite", "--database-url", "sqlite:///folder.db")


@pytest.mark.parametrize(("option", "code"), [("--check", 1), ("--sql", 0)])
def test_looking_at_migrations_creates_no_journal(option: str, code: int, tmp_path: Path) -> None:
    """They are options that change nothing, also in an empty folder."""
    assert "0001" in _receiver("migrate", option, code=code).output
    assert list(tmp_path.iterdir()) == []


async def test_a_backup_of_sqlite_is_restored_to_an_empty_postgresql(tmp_path: Path, postgres_url: str) -> None:
    """With its numbers, so that a receiver goes on there; what has callbacks is left alone."""
    url = sqlite_journal(tmp_path / "receiver.db")
    async with running(url) as receiver:
        for number in range(3):
            await receiver.client.post("/voicenter", json={"caller": "0501111111", "ivruniqueid": str(number)})
    _receiver("backup", "b.zst")
    restored = ("restore", "b.zst", "--database-url", postgres_url)
    assert "has 3 callbacks up to" in _receiver(*restored).output
    assert "to an empty database" in " ".join(_receiver(*restored, "--overwrite", code=2).output.split())
    async with running(postgres_url) as receiver:
        await receiver.client.post("/voicenter", json={"caller": "0501111111", "ivruniqueid": "4"})
        assert [one.id for one in receiver.callbacks()] == [1, 2, 3, 4]
