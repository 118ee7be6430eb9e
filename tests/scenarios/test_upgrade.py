"""Upgrades: the last release beside this one, on the tables of this one, under load."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.scenarios.serving import COMMAND, Receiver
from tests.torture.callers import calling
from tests.torture.scenarios import stored_events

ROOT = Path(__file__).parents[2]
LAST_RELEASE = "e09bd9fc4910e416e4d9b68a13e4aa1dd90cc5d0"
"""The commit whose program is upgraded from."""


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
