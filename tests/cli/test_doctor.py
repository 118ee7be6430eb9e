"""`receiver doctor`: what is wrong is found, and what is safe is repaired."""

import json
import sqlite3
from asyncio import to_thread
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from receiver.cli import app
from receiver.operations.contradictions import contradictions
from receiver.plugins import Handlers
from receiver.providers.voicenter import Cdr
from receiver.settings import Settings
from storage import Database
from storage.spool import Spool
from tests.storage.support import new_callback
from tests.support import running

SAMPLE = {"caller": "0501111111", "ivruniqueid": "1", "duration": 42, "target": "0722222222"}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _doctor(url: str, *options: str, code: int = 0) -> dict[str, list[str]]:
    """The findings by their level."""
    done = CliRunner().invoke(app, ["doctor", "--json", "--database-url", url, *options])
    assert done.exit_code == code, done.output
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        finding = json.loads(line)
        found.setdefault(finding["level"], []).append(f"{finding['topic']}: {finding['text']}")
    return found


async def _filled(url: str) -> None:
    handlers = Handlers()

    @handlers.on(Cdr)
    def fail(_cdr: Cdr) -> None:
        raise ValueError

    async with running(url, handlers, retry_first_pause=60) as receiver:
        for number in range(3):
            await receiver.client.post("/voicenter", json={**SAMPLE, "ivruniqueid": str(number)})
        await receiver.client.post("/voicenter", content="<broken")


async def test_a_sound_journal_passes(database_url: str) -> None:
    """On both databases, with the callbacks read again; nothing is wrong, so nothing is fixed."""
    await _filled(database_url)
    found = _doctor(database_url, "--all", "--fix")
    assert "wrong" not in found
    assert "fixed" not in found
    assert "contents: 4 of the callbacks read again: each hash is that of its bytes" in found["ok"]
    assert any(line.startswith("versions: Python") for line in found["ok"])
    assert any(line.startswith("revision: the tables are of revision") for line in found["ok"])


async def test_an_erased_number_is_no_damage(database_url: str) -> None:
    """Its callback has a hash of its own on purpose."""
    await _filled(database_url)
    assert CliRunner().invoke(app, ["forget", "0501111111", "--database-url", database_url]).exit_code == 0
    assert "wrong" not in _doctor(database_url)
    read_again = "contents: 4 of the newest callbacks read again: each hash is that of its bytes"
    assert read_again in _doctor(database_url)["ok"]


async def test_broken_rows_are_found_and_repaired_where_that_is_safe(tmp_path: Path) -> None:
    """Orphans and missing indexes are; lost and damaged contents are only reported."""
    url = f"sqlite:///{tmp_path}/receiver.db"
    await _filled(url)
    with closing(sqlite3.connect(tmp_path / "receiver.db")) as journal, journal:
        journal.execute("DELETE FROM callbacks WHERE id = 1")
        journal.execute("UPDATE callbacks SET body = x'' WHERE id = 2")
        journal.execute("UPDATE callbacks SET body = substr(body, 1, length(body) - 4) WHERE id = 3")
        journal.execute("UPDATE callbacks SET body = x'3c62' WHERE id = 4")
        journal.execute("DROP INDEX ix_callbacks_kind")
    wrong = _doctor(url, code=1)["wrong"]
    assert any("deliveries without their callback: 1, first 1;" in line for line in wrong)
    assert any("ix_callbacks_kind missing" in line for line in wrong)
    assert any("1 callbacks have lost their content, first 2" in line for line in wrong)
    assert any("read again: 3 cannot be decompressed" in line for line in wrong)
    again = _doctor(url, "--fix", code=1)
    assert "references: deliveries without their callback: 1 deleted" in again["fixed"]
    assert "indexes: created ix_callbacks_kind" in again["fixed"]
    assert all("content" in line for line in again["wrong"])
    assert "fixed" not in _doctor(url, "--fix", code=1)


async def test_changed_bytes_are_noticed(tmp_path: Path) -> None:
    """The hash is that of the bytes that were stored."""
    url = f"sqlite:///{tmp_path}/receiver.db"
    await _filled(url)
    with closing(sqlite3.connect(tmp_path / "receiver.db")) as journal, journal:
        changed = b'{"caller": "0509999999", "ivruniqueid": "1"}'
        journal.execute("UPDATE callbacks SET body = ? WHERE id = 2", [changed])
    assert any("2 have another hash than their bytes" in line for line in _doctor(url)["note"])


async def test_callbacks_in_a_spool_move_to_the_journal(database_url: str, tmp_path: Path) -> None:
    """On SQLite no receiver does that, so it is wrong; on PostgreSQL it is worth a note."""
    await _filled(database_url)
    spool = Spool(tmp_path / "receiver-spool.db")
    spool.open()
    await spool.put([new_callback("a"), new_callback("b")])
    spool.close()
    on_sqlite = database_url.startswith("sqlite")
    found = _doctor(database_url, code=1 if on_sqlite else 0)["wrong" if on_sqlite else "note"]
    assert any("receiver-spool.db holds 2 callbacks" in line for line in found)
    command = ["doctor", "--fix", "--json", "--database-url", database_url]

    def fix() -> str:
        return CliRunner().invoke(app, command).output

    assert "2 callbacks moved" in await to_thread(fix)
    assert "moved" not in await to_thread(fix)


def test_a_damaged_file_is_found(tmp_path: Path) -> None:
    """By SQLite's own check."""
    file = tmp_path / "receiver.db"
    with Database(f"sqlite:///{file}") as database:
        database.migrate()
    content = bytearray(file.read_bytes())
    for page in range(3, len(content) // 4096):
        content[page * 4096 : page * 4096 + 60] = b"\xff" * 60
    file.write_bytes(content)
    found = _doctor(f"sqlite:///{file}", code=1)["wrong"]
    assert any("damage" in line or "cannot be read" in line for line in found)


def test_what_cannot_be_reached_or_used_is_wrong(tmp_path: Path) -> None:
    """A journal that does not exist yet is not, and none is created; nor are newer tables that suit this version."""
    assert any("connection" in line for line in _doctor("postgresql://nobody@127.0.0.1:1/no", code=1)["wrong"])
    assert any("no journal yet" in line for line in _doctor(f"sqlite:///{tmp_path}/new.db")["note"])
    assert not (tmp_path / "new.db").exists()
    with Database(f"sqlite:///{tmp_path}/receiver.db") as database:
        database.migrate()
        with database.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        assert any("newer than this version's" in line for line in _doctor(f"sqlite:///{tmp_path}/receiver.db")["ok"])
        with database.begin() as connection:
            connection.exec_driver_sql("UPDATE schema_compatibility SET oldest_program = '9999'")
    assert any("install the version" in line for line in _doctor(f"sqlite:///{tmp_path}/receiver.db", code=1)["wrong"])


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"keep_days": 30, "keep_bodies_days": 30}, "keep_bodies_days = 30 has no effect"),
        ({"keep_days": 1, "call_history_hours": 48}, "call_history_hours = 48"),
        ({"max_pending_bytes": 1024}, "max_pending_bytes = 1024"),
        ({"max_transcript_bytes": 1024}, "max_transcript_bytes is below"),
        ({"journal_batch": 20_000}, "journal_batch is above"),
        ({"allow_anyone": True, "secrets": ["correct-horse"]}, "allow_anyone has no effect"),
        ({"allow_from": ["203.0.113.0/24"], "public_url": "https://a.example"}, "trusted_proxies"),
        ({"retry_first_pause": 10, "retry_longest_pause": 5}, "retry_first_pause is above"),
        ({"handler_concurrency": 99}, "handler_concurrency is above"),
        ({"spool": "receiver.db"}, "same file receiver.db"),
    ],
)
def test_settings_that_contradict_each_other_are_named(settings: dict[str, Any], named: str) -> None:
    """Each one alone is valid."""
    [found] = contradictions(Settings(**settings), on_loopback=True)
    assert named in found


def test_the_default_settings_do_not_contradict_each_other() -> None:
    """Nor do they on a public address."""
    assert contradictions(Settings(), on_loopback=True) == contradictions(Settings(), on_loopback=False) == []
