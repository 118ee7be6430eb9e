"""The commands of docs/data.md, run in the order of the page."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from receiver.cli import app
from receiver.plugins import Handlers
from receiver.providers.voicenter import Cdr
from tests.postgres import make_database
from tests.support import running
from tests.test_docs import ROOT, blocks

PAGE = ROOT / "docs" / "data.md"
SAMPLE = {"caller": "0501234567", "ivruniqueid": "1", "duration": 42}
OTHER_PROGRAMS = {"systemctl"}
"""Their lines are for people: this test starts no service."""
USER = """
import sqlite3, sys
connection = sqlite3.connect("receiver.db")
connection.execute("SELECT id FROM callbacks").fetchall()
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def in_use(line: str) -> Iterator[None]:
    """While a journal is copied that is not the last time, another process has it open, as a receiver has."""
    if not line.startswith("receiver copy") or line.endswith("--final"):
        yield
        return
    with subprocess.Popen([sys.executable, "-c", USER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as user:
        assert user.stdout is not None
        user.stdout.readline()
        yield
        user.kill()


async def test_the_commands_of_the_page_succeed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_server: str
) -> None:
    """Each one, with the files and databases that the page names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "backups").mkdir()
    handlers = Handlers()

    @handlers.on(Cdr)
    def note(_cdr: Cdr) -> None:
        """Nothing is done."""

    async with running(f"sqlite:///{tmp_path}/receiver.db", handlers) as receiver:
        await receiver.client.post("/voicenter", json=SAMPLE)
    databases: dict[str, str] = {}
    ran = 0
    for line in "".join(blocks(PAGE, "sh")).splitlines():
        line = line.replace("/var/lib/receiver/backups", str(tmp_path / "backups"))
        for shown in re.findall(r"postgresql://\S+", line):
            if shown not in databases:
                databases[shown] = make_database(postgres_server)
            line = line.replace(shown, databases[shown])
        program, *arguments = shlex.split(line, comments=True) or [""]
        if program == "receiver":
            with in_use(line):
                done = CliRunner().invoke(app, arguments)
            assert done.exit_code == 0, f"$ {line}\n{done.output}"
            ran += 1
        else:
            assert program in {"", *OTHER_PROGRAMS}, line
    assert ran
