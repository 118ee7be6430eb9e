"""Reconcile with a sandbox and receivers as processes: what is lost is fetched, and nothing comes twice."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner, Result

from receiver.cli import app
from storage import Database
from storage.tables import callbacks, deliveries
from tests.api.serving import Scripted, providing
from tests.scenarios.serving import COMMAND, Receiver, free_port, serving

CALLS = int(os.environ.get("RECEIVER_TEST_RECONCILE_CALLS", "200"))
"""`make reconcile` plays 2,000."""
PAUSE = 0.1
"""Seconds between two looks at another process."""
FAULTS = ("--drop", "0.05", "--repeat", "0.05", "--late", "0.03", "--reorder", "0.05", "--seed", "7")
HANDLERS = '''
"""Two handlers that note each record."""

from pathlib import Path

from receiver import Handlers
from receiver.providers.voicenter import Cdr

handlers = Handlers()


def note(name: str, cdr: Cdr) -> None:
    with Path(f"{name}.txt").open("a", encoding="utf-8") as file:
        file.write(f"{cdr.call_id} {cdr.type}\\n")


@handlers.on(Cdr)
def first(cdr: Cdr) -> None:
    """Note it."""
    note("first", cdr)


@handlers.on(Cdr)
def second(cdr: Cdr) -> None:
    """Note it too."""
    note("second", cdr)
'''


@dataclass
class World:
    """A sandbox, a receiver that it calls, and the journal."""

    folder: Path
    url: str
    port: int
    sandbox: httpx.Client
    receiver: Receiver

    def reconcile(self, *options: str, code: int = 0) -> list[dict[str, Any]]:
        """What `receiver reconcile` prints, run in this process."""
        with chdir(self.folder):
            done = typed("reconcile", "--since", "1d", "--json", *options, code=code)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def place(self, count: int) -> None:
        """Place calls to extensions, a fifth of them click-to-calls with two legs."""
        for number in range(count // 5):
            query = {"phone": "0501111111", "target": f"05400{number:05}", "code": "x", "action": "call"}
            assert self.sandbox.get("/voicenter/ForwardDialer/click2call.aspx", params=query).status_code == 200
        wanted = {"play": "extension", "did": "AAPINFzL", "count": count - count // 5}
        assert self.sandbox.post("/sandbox/calls", json=wanted).status_code < 300

    def settle(self) -> Counter[str]:
        """Wait until all calls are over; what became of their callbacks."""
        state = self.sandbox.get("/sandbox/idle", params={"timeout": "200"}).json()
        assert state["idle"]
        return Counter(state["callbacks"])

    def delivered(self) -> None:
        """Wait until no delivery is due."""
        deadline = time.monotonic() + 90
        waiting = select(func.count()).select_from(deliveries).where(deliveries.c.due_at.is_not(None))
        with Database(self.url) as database:
            left = 1
            while left and time.monotonic() < deadline:
                with database.read_only() as connection:
                    left = connection.execute(waiting).scalar_one()
                time.sleep(PAUSE)
        assert not left

    def in_log(self) -> Counter[str]:
        """The records of the call log."""
        rows = self.sandbox.get("/voicenter/hub/cdr/?code=x").json()["CDR_LIST"]
        return Counter(f"{row['CallID']} {row['Type']}" for row in rows)

    def originals(self) -> int:
        """How many CDRs the journal has, without repeats."""
        wanted = select(func.count()).where(callbacks.c.kind == "CDR", callbacks.c.duplicate_of.is_(None))
        with Database(self.url) as database, database.read_only() as connection:
            return int(connection.execute(wanted).scalar_one())

    def noted(self, handler: str) -> Counter[str]:
        """What a handler has seen."""
        return Counter((self.folder / f"{handler}.txt").read_text(encoding="utf-8").splitlines())


@contextmanager
def world(folder: Path, url: str, *faults: str, settings: str = "", receivers: int = 1) -> Iterator[World]:
    """The sandbox calls the first receiver; the others share its journal."""
    port, api_port = free_port(), free_port()
    (folder / "tally.py").write_text(HANDLERS, encoding="utf-8")
    api = f'[providers.voicenter.api]\ncode = "sandbox"\nbase_url = "http://127.0.0.1:{api_port}/voicenter"\n'
    top = f'database_url = "{url}"\nhandlers = ["tally"]\nretry_first_pause = 0.1\n{settings}\n'
    (folder / "receiver.toml").write_text(top + api, encoding="utf-8")
    played = ("sandbox", "--port", str(api_port), "--receiver", f"http://127.0.0.1:{port}", "--speed", "500", *faults)
    with ExitStack() as stack:
        first = stack.enter_context(serving(folder, "--port", str(port)))
        for number in range(1, receivers):
            stack.enter_context(serving(folder, RECEIVER_SPOOL=f"spool-{number}.db"))
        sandbox = stack.enter_context(serving(folder, options=played))
        client = stack.enter_context(httpx.Client(base_url=sandbox.url, timeout=240))
        yield World(folder, url, port, client, first)


def each_once(world: World) -> None:
    """Every record of the log is in the journal once, and each handler has seen it once."""
    log = world.in_log()
    assert world.originals() == log.total()
    world.delivered()
    assert world.noted("first") == log
    assert world.noted("second") == log


def test_what_is_lost_is_fetched_once_while_the_receiver_is_killed(tmp_path: Path, database_url: str) -> None:
    """With lost, repeated, late and reordered callbacks; on PostgreSQL with two receivers and two reconciles."""
    receivers = 2 if database_url.startswith("postgresql") else 1
    with world(tmp_path, database_url, *FAULTS, receivers=receivers) as played, ExitStack() as stack:
        played.place(CALLS // 2)
        played.receiver.wait_for("Stop with Ctrl-C")
        played.receiver.kill()  # what comes now is lost
        played.place(CALLS // 10)
        stack.enter_context(serving(tmp_path, "--port", str(played.port)))
        played.place(CALLS - CALLS // 2 - CALLS // 10)
        sent = played.settle()
        assert sent["dropped"]

        found = played.reconcile(code=1)
        assert found[-1]["summary"]["missing"] == sum(row["result"] == "missing" for row in found[:-1]) > 0
        assert found[-1]["summary"]["only_here"] == 0

        again = [*COMMAND, "reconcile", "--since", "1d", "--fetch", "--json"]
        other = subprocess.Popen(again, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=_environment())
        fetched = played.reconcile("--fetch")[-1]["summary"]["fetched"]
        printed, _ = other.communicate(timeout=120)
        fetched += json.loads(printed.splitlines()[-1])["summary"]["fetched"]
        assert fetched >= found[-1]["summary"]["missing"]
        each_once(played)
        left = played.reconcile()[-1]["summary"]
        assert left["missing"] == left["only_here"] == 0
        print(f"\n{CALLS} calls, {receivers} receivers, one killed: callbacks {dict(sent)}, {fetched} records fetched")


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECEIVER_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.mark.parametrize("order", ["original first", "fetched first"])
def test_a_late_original_is_not_delivered_again(order: str, tmp_path: Path) -> None:
    """Nor is it fetched when it came first; lists name the source of what was fetched."""
    url = f"sqlite:///{tmp_path}/journal.db"
    with world(tmp_path, url, "--drop", "1" if order == "fetched first" else "0") as played:
        played.place(5)
        played.settle()
        fetched = played.reconcile("--fetch")[-1]["summary"]["fetched"]
        assert fetched == (6 if order == "fetched first" else 0)
        listed = played.receiver.callbacks("--kind", "CDR")
        assert Counter(one["source"] for one in listed) == {"call log" if fetched else "provider": 6}
        for row in played.sandbox.get("/voicenter/hub/cdr/?code=x").json()["CDR_LIST"]:
            late = {"ivruniqueid": row["CallID"], "type": row["Type"], "status": "ANSWER", "duration": 61, "time": 1}
            for _ in range(2):  # repeated, as providers do
                assert httpx.post(f"{played.receiver.url}/voicenter/cdr", json=late).status_code == 200
        if fetched:
            each_once(played)


def test_the_receiver_reconciles_in_the_background(tmp_path: Path) -> None:
    """With `reconcile_every`, in one receiver of a cluster; /metrics has the figures."""
    url = f"sqlite:///{tmp_path}/journal.db"
    with world(tmp_path, url, settings='reconcile_every = "1s"\nmetrics = true') as played:
        deadline = time.monotonic() + 60
        text = ""
        while 'receiver_reconcile_runs_total{result="done"}' not in text and time.monotonic() < deadline:
            text = httpx.get(f"{played.receiver.url}/metrics").text
            time.sleep(PAUSE)
        assert 'receiver_reconcile_runs_total{result="done"}' in text
        assert 'receiver_records_missing{provider="voicenter"} 0.0' in text


def typed(*arguments: str, code: int = 0) -> Result:
    """A command as typed in the working folder, in this process: each process takes a second to start."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return done


def test_what_cannot_be_compared_is_an_error_that_says_what_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No API in the settings, another provider, or a time before what the journal keeps."""
    monkeypatch.chdir(tmp_path)
    settings = tmp_path / "receiver.toml"
    settings.write_text("keep_days = 1\n", encoding="utf-8")
    with Database(f"sqlite:///{tmp_path}/receiver.db") as database:
        database.migrate()
    assert "[providers.voicenter.api]" in typed("reconcile", "--since", "1h", code=2).stderr
    settings.write_text('keep_days = 1\n[providers.voicenter.api]\ncode = "x"\n', encoding="utf-8")
    wrong = typed("reconcile", "--since", "1h", "--provider", "spokn", code=2)
    assert "there is voicenter" in wrong.stderr
    assert "keep_days" in typed("reconcile", "--since", "2d", code=2).stderr
    settings.write_text('reconcile_every = "1h"\n', encoding="utf-8")
    assert "reconcile_every: no provider" in typed("check", code=2).stderr
    settings.write_text('reconcile_every = "often"\n', encoding="utf-8")
    assert "write one such as 30m" in typed("check", code=2).stderr


def test_the_tables_name_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both commands, with a hint at what to do."""
    url = f"sqlite:///{tmp_path}/journal.db"
    with world(tmp_path, url, "--drop", "1") as played:
        played.place(1)
        played.settle()
        monkeypatch.chdir(tmp_path)
        shown = typed("reconcile", "--since", "1d", code=1)
        assert "missing" in shown.stdout
        assert "In both: 0, of which 0 differ. Missing: 1. Fetched: 0. Only here: 0." in shown.stdout
        assert "receiver reconcile --fetch" in shown.stderr
        assert "Missing: 1." in typed("reconcile", "--since", "1d", "--fetch", "--dry-run", code=1).stdout
        hangup = {"METHOD": "HANGUP_CALL", "DATA": {"IVRUNIQUEID": "gap-1", "CALL_STATUS": "ANSWER"}}
        assert httpx.post(f"{played.receiver.url}/voicenter", json=hangup).status_code == 200
        [gap] = map(json.loads, typed("gaps", "--quiet", "0", "--json").stdout.splitlines())
        assert (gap["call_id"], gap["missing"], gap["kinds"]) == ("gap-1", "no CDR", ["HANGUP_CALL"])
        assert "gap-1" in typed("gaps", "--quiet", "0").stdout
        assert "No call has a gap" in typed("gaps").stderr


def test_a_click_to_call_that_left_no_callback_is_a_gap_until_it_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox loses its callbacks; the command notes the call, and the journal the records of both legs."""
    url = f"sqlite:///{tmp_path}/journal.db"
    with world(tmp_path, url, "--drop", "1") as played:
        monkeypatch.chdir(tmp_path)
        call = ("api", "voicenter", "click-to-call", "--phone", "0501111111", "--target", "0540000000", "--json")
        call_id = json.loads(typed(*call).stdout)["call_id"]
        played.settle()
        [gap] = map(json.loads, typed("gaps", "--quiet", "0", "--json").stdout.splitlines())
        found = {name: gap[name] for name in ("call_id", "missing", "kinds", "placed_by")}
        assert found == {
            "call_id": call_id, "missing": "no callback", "kinds": [], "placed_by": "click_to_call.call",
        }  # fmt: skip
        assert "placed by click_to_call.call" in typed("gaps", "--quiet", "0").stdout
        assert "0540000000" not in json.dumps(gap)
        assert "Fetched: 2." in typed("reconcile", "--since", "1d", "--fetch").stdout
        assert "No call has a gap" in typed("gaps", "--quiet", "0").stderr


async def test_an_interrupted_command_says_where_to_go_on(tmp_path: Path) -> None:
    """After Ctrl-C: what it has fetched is stored, and no window before that time is read again."""
    now = datetime.now(UTC)
    began = [(now - timedelta(hours=ago)).strftime("%Y-%m-%dT%H:%M:%S+00:00") for ago in (96, 72, 30)]
    hangs = asyncio.Event()

    async def hang() -> None:
        hangs.set()
        await asyncio.sleep(600)

    rows = [Scripted(orjson.dumps({"ERROR_NUMBER": 0, "ERROR_DESCRIPTION": "OK", "CDR_LIST": [
        {"CallID": f"c{number}", "Date": date, "Type": "cc", "DialStatus": "ANSWER", "Duration": 1}
    ]})) for number, date in enumerate(began)]  # fmt: skip
    async with providing(*rows, Scripted(before=hang)) as provider:
        api = f'[providers.voicenter.api]\ncode = "x"\nbase_url = "{provider.url}"\n'
        (tmp_path / "receiver.toml").write_text(api, encoding="utf-8")
        with Database(f"sqlite:///{tmp_path}/receiver.db") as database:
            database.migrate()
        command = [*COMMAND, "reconcile", "--since", "100h", "--fetch", "--json"]
        running = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=-1, stderr=-1, env=_environment())
        await hangs.wait()
        running.send_signal(signal.SIGINT)
        printed, errors = (text.decode() for text in await running.communicate())
    assert running.returncode == 130
    assert [json.loads(line)["call_id"] for line in printed.splitlines()] == ["c0", "c1"]
    [reached] = re.findall(r"its calls before (\S+) are compared; go on with --since \1", errors)
    assert reached == began[2]  # in the third window, but not far from its end: more of that call may come
    with Database(f"sqlite:///{tmp_path}/receiver.db") as database, database.read_only() as connection:
        assert connection.execute(select(callbacks.c.call_id)).scalars().all() == ["c0", "c1"]
