"""`receiver copy`: the commands of a move from SQLite to PostgreSQL."""

from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from receiver.cli import app
from storage.spool import Spool
from tests.scenarios.serving import serving
from tests.storage.support import new_callback
from tests.support import running


def _receiver(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


async def test_a_journal_moves_to_postgresql_while_its_receiver_runs(tmp_path: Path, postgres_url: str) -> None:
    """It says when to switch, what to run then, and what is verified; the next receiver recognises repeats."""
    sample = {"caller": "0501111111", "ivruniqueid": "1"}
    urls = ("--from", f"sqlite:///{tmp_path}/receiver.db", "--to", postgres_url)
    with serving(tmp_path, "--handlers", "") as server:
        httpx.post(f"{server.url}/voicenter", json=sample)
        printed = _receiver("copy", *urls)
        assert "1 row copied, up to callback 1." in printed
        assert f"2. Make the last pass: receiver copy {' '.join(urls)} --final 3." in printed
        httpx.post(f"{server.url}/voicenter", json=sample)
    printed = _receiver("copy", *urls, "--final")
    assert "callbacks 2" in printed
    assert "The copy is complete" in printed
    async with running(postgres_url) as receiver:
        await receiver.client.post("/voicenter", json=sample)
        assert [one.duplicate_of for one in receiver.callbacks()] == [None, 1, 1]
    assert "is no unfinished copy" in _receiver("copy", *urls, code=2)


async def test_callbacks_that_wait_in_the_spool_are_not_left_behind(tmp_path: Path, postgres_url: str) -> None:
    """A receiver on SQLite has no spool, so they would never move."""
    async with running(postgres_url):
        pass
    spool = Spool(tmp_path / "receiver-spool.db")
    spool.open()
    await spool.put([new_callback("a")])
    spool.close()
    urls = ("--from", postgres_url, "--to", f"sqlite:///{tmp_path}/new.db")
    assert "holds 1 callback" in _receiver("copy", *urls, "--final", code=2)
    assert "holds 1 callback" in _receiver("copy", *urls, code=2)


@pytest.mark.parametrize("to_postgresql", [True, False])
async def test_a_journal_that_no_receiver_uses_is_copied_at_once(
    tmp_path: Path, postgres_url: str, to_postgresql: bool
) -> None:
    """Nothing can change any more, so one command is enough."""
    source, target = (postgres_url, f"sqlite:///{tmp_path}/other.db")
    if to_postgresql:
        source, target = f"sqlite:///{tmp_path}/receiver.db", postgres_url
    async with running(source) as receiver:
        await receiver.client.post("/voicenter", json={"caller": "0501111111", "ivruniqueid": "1"})
    assert "The copy is complete" in _receiver("copy", "--from", source, "--to", target)
    async with running(target) as receiver:
        assert [one.call_id for one in receiver.callbacks()] == ["1"]


def test_a_missing_source_is_not_created(tmp_path: Path, postgres_url: str) -> None:
    """The folder may be the wrong one."""
    assert "there is no journal" in _receiver("copy", "--from", "sqlite:///no.db", "--to", postgres_url, code=2)
    assert list(tmp_path.iterdir()) == []
