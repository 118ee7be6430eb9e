"""Upgrades: the last release beside this one, on the tables of this one, under load."""

import io
import subprocess
import tarfile
from pathlib import Path

import httpx
import pytest

from storage import Database, journal
from storage.values import Filter
from tests.scenarios.serving import COMMAND, Receiver, serving
from tests.torture.callers import calling
from tests.torture.scenarios import stored_events

ROOT = Path(__file__).parents[2]
LAST_RELEASE = "e09bd9fc4910e416e4d9b68a13e4aa1dd90cc5d0"
"""The commit whose program is upgraded from."""
REVISION_OF_LAST_RELEASE = "0004"
"""The revision of its tables, which is all that it accepts when it starts."""


@pytest.fixture(scope="module")
def last_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of the last release, from the history."""
    if not (ROOT / ".git").exists():
        pytest.skip("there is no history to take the last release from: run this in a clone")
    packed = subprocess.run(
        ["git", "archive", LAST_RELEASE, "receiver", "storage", "handlers"], cwd=ROOT, capture_output=True, check=False
    )
    assert packed.returncode == 0, packed.stderr.decode()
    folder = tmp_path_factory.mktemp("release")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def test_the_last_release_goes_on_beside_this_one(tmp_path: Path, blank_url: str, last_release: Path) -> None:
    """This version migrates the tables under it; both receive, the old one stops, and nothing is lost or refused."""
    options = ("serve", "--port", "0", "--handlers", "handlers.demo", "--database-url", blank_url)
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    old = Receiver(tmp_path / "old", command=COMMAND, options=options, PYTHONPATH=str(last_release))
    with calling(old.url, callers=2, name="old") as seen_by_old:
        new = Receiver(tmp_path / "new", options=options)
        with calling(new.url, callers=2, name="new") as seen_by_new:
            before = len(seen_by_old.acknowledged)
            while len(seen_by_old.acknowledged) < before + 50 or len(seen_by_new.acknowledged) < 50:
                assert old.process.poll() is new.process.poll() is None, "".join(old.output + new.output)
    assert old.stop() == 0
    assert new.stop() == 0
    assert seen_by_old.failures == seen_by_new.failures == {}
    stored, _ = stored_events(blank_url)
    assert seen_by_old.acknowledged | seen_by_new.acknowledged == stored
    assert "Traceback" not in "".join(old.output + new.output)


def test_the_last_release_starts_again_after_an_upgrade(tmp_path: Path, last_release: Path) -> None:
    """A rollback by `receiver migrate --to`: it stores and delivers with this version's tables, which stay."""
    url = f"sqlite:///{tmp_path}/journal.db"
    options = ("serve", "--port", "0", "--handlers", "handlers.demo", "--database-url", url)
    with serving(tmp_path, options=options) as new:
        _post(new, "stored-by-new")
    with Database(url) as database:
        database.step_back(REVISION_OF_LAST_RELEASE)
    old = Receiver(tmp_path, command=COMMAND, options=options, PYTHONPATH=str(last_release))
    _post(old, "stored-by-old")
    assert old.stop() == 0
    with Database(url) as database:
        database.migrate()
        with database.read_only() as connection:
            stored = [callback.call_id for callback in journal.find(connection, Filter(), 10)]
    assert stored == ["stored-by-old", "stored-by-new"]


def _post(receiver: Receiver, call: str) -> None:
    """Send a call record, and wait until the demo handler has printed it."""
    record = {"caller": "0501111111", "ivruniqueid": call, "duration": 3}
    assert httpx.post(f"{receiver.url}/voicenter", json=record).json()["err"] == "0"
    receiver.wait_for(f"call {call} ")
