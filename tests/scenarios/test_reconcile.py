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
from receiver.sandbox import load_settings
from receiver.sandbox.server import RunningSandbox
from storage import Database
from storage.tables import callbacks, deliveries
from tests.api.serving import Scripted, providing
from tests.scenarios.serving import COMMAND, Receiver, free_port, serving
from tests.storage.support import append, new_callback

CALLS = int(os.environ.get("RECEIVER_TEST_RECONCILE_CALLS", "200"))
"""`make reconcile` plays 2,000."""
PAUSE = 0.1
"""Seconds between two looks at another process."""
FAULTS = ("--drop", "0.05", "--repeat", "0.05", "--late", "0.03", "--reorder", "0.05", "--seed", "7")
HANDLERS = '''
"""Two handlers that note each record."""

from pathlib import Path

from receiver import Context, Handlers
from receiver.providers.voicenter import Cdr

handlers = Handlers()


def note(name: str, cdr: Cdr, ctx: Context) -> None:
    with Path(f"{name}.txt").open("a", encoding="utf-8") as file:
        file.write(f"{ctx.delivery_id} {cdr.call_id} {cdr.type}\\n")


@handlers.on(Cdr)
def first(cdr: Cdr, ctx: Context) -> None:
    """Note it."""
    note("first", cdr, ctx)


@handlers.on(Cdr)
def second(cdr: Cdr, ctx: Context) -> None:
    """Note it too."""
    note("second", cdr, ctx)
'''


@dataclass
class World:
    """A sandbox, a receiver that it calls, and the journal."""

    folder: Path
    url: str
    port: int
    sandbox: httpx.Client
    receivers: list[Receiver]

    @property
    def receiver(self) -> Receiver:
        """The one that the sandbox calls."""
        return self.receivers[0]

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
        """What a handler has seen; a delivery that was repeated, because its receiver was killed in it, counts once."""
        lines = set((self.folder / f"{handler}.txt").read_text(encoding="utf-8").splitlines())
        return Counter(line.partition(" ")[2] for line in lines)


@contextmanager
def world(folder: Path, url: str, *, settings: str = "", receivers: int = 1, **faults: float) -> Iterator[World]:
    """A sandbox in a thread of this process, which starts sooner, and receivers; without any an empty journal."""
    port = free_port()
    playing = load_settings(None, receiver=f"http://127.0.0.1:{port}", speed=1000, **faults)
    with RunningSandbox(playing) as sandbox, _world(folder, url, port, sandbox.url, settings, receivers) as made:
        yield made


@contextmanager
def world_of_processes(folder: Path, url: str, *options: str, receivers: int = 1) -> Iterator[World]:
    """The sandbox, with these options, is a process too."""
    port = free_port()
    played = ("sandbox", "--port", "0", "--receiver", f"http://127.0.0.1:{port}", "--speed", "500", *options)
    with serving(folder, options=played) as sandbox, _world(folder, url, port, sandbox.url, "", receivers) as made:
        yield made


@contextmanager
def _world(folder: Path, url: str, port: int, api: str, settings: str, receivers: int) -> Iterator[World]:
    """The sandbox calls the first receiver; the others share its journal."""
    (folder / "tally.py").write_text(HANDLERS, encoding="utf-8")
    top = f'database_url = "{url}"\nhandlers = ["tally"]\nretry_first_pause = 0.1\n{settings}\n'
    called = f'[providers.voicenter.api]\ncode = "sandbox"\nbase_url = "{api}/voicenter"\n'
    (folder / "receiver.toml").write_text(top + called, encoding="utf-8")
    with ExitStack() as stack:
        if receivers == 0:
            with Database(url) as database:
                database.migrate()
        running = [stack.enter_context(serving(folder, "--port", str(port)))] if receivers else []
        for number in range(1, receivers):
            running.append(stack.enter_context(serving(folder, RECEIVER_SPOOL=f"spool-{number}.db")))
        client = stack.enter_context(httpx.Client(base_url=api, timeout=240))
        yield World(folder, url, port, client, running)


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
    with world_of_processes(tmp_path, database_url, *FAULTS, receivers=receivers) as played, ExitStack() as stack:
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


def test_a_late_original_is_not_delivered_again(tmp_path: Path) -> None:
    """Nor is a record fetched whose original came first; lists name the source of what was fetched."""
    with world(tmp_path, f"sqlite:///{tmp_path}/journal.db") as played:
        played.place(5)
        played.settle()
        came = played.in_log()
        assert played.reconcile("--fetch")[-1]["summary"]["fetched"] == 0
        assert played.sandbox.put("/sandbox/callbacks", json={"drop": 1}).status_code == 200
        played.place(5)
        played.settle()
        assert played.reconcile("--fetch")[-1]["summary"]["fetched"] == 6
        with chdir(tmp_path):
            listed = [json.loads(line) for line in typed("callbacks", "list", "--json").stdout.splitlines()]
        assert Counter(one["source"] for one in listed) == {"call log": 6, "provider": 6}
        for row in played.sandbox.get("/voicenter/hub/cdr/?code=x").json()["CDR_LIST"]:
            late = {"ivruniqueid": row["CallID"], "type": row["Type"], "status": "ANSWER", "duration": 61, "time": 1}
            for _ in range(0 if f"{row['CallID']} {row['Type']}" in came else 2):  # repeated, as providers do
                assert httpx.post(f"{played.receiver.url}/voicenter/cdr", json=late).status_code == 200
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
    with world(tmp_path, url, drop=1, receivers=0) as played:
        played.place(1)
        played.settle()
        monkeypatch.chdir(tmp_path)
        shown = typed("reconcile", "--since", "1d", code=1)
        assert "missing" in shown.stdout
        assert "In both: 0, of which 0 differ. Missing: 1. Fetched: 0. Only here: 0." in shown.stdout
        assert "receiver reconcile --fetch" in shown.stderr
        assert "Missing: 1." in typed("reconcile", "--since", "1d", "--fetch", "--dry-run", code=1).stdout


def test_a_gap_shows_at_once_and_a_young_one_can_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its age; a note says that the rest may come yet."""
    monkeypatch.chdir(tmp_path)
    now = datetime.now(UTC)
    with Database(f"sqlite:///{tmp_path}/receiver.db") as database:
        database.migrate()
        for name, age in (("young", timedelta()), ("old", timedelta(hours=3))):
            append(database, new_callback(name, kind="HANGUP_CALL", call_id=name, received_at=now - age))
    old, young = map(json.loads, typed("gaps", "--json").stdout.splitlines())
    assert (old["call_id"], old["missing"], old["kinds"]) == ("old", "no CDR", ["HANGUP_CALL"])
    assert (young["call_id"], old["age_seconds"] // 3600, young["age_seconds"] // 3600) == ("young", 3, 0)
    shown = typed("gaps")
    assert "young" in shown.stdout
    assert "1 call of the last 10 minutes: the rest may come yet" in shown.stderr
    assert "young" not in typed("gaps", "--quiet", "10").stdout


def test_a_click_to_call_that_left_no_callback_is_a_gap_until_it_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox loses its callbacks; the command notes the call, and the journal the records of both legs."""
    url = f"sqlite:///{tmp_path}/journal.db"
    with world(tmp_path, url, drop=1, receivers=0) as played:
        monkeypatch.chdir(tmp_path)
        call = ("api", "voicenter", "click-to-call", "--phone", "0501111111", "--target", "0540000000", "--json")
        call_id = json.loads(typed(*call).stdout)["call_id"]
        played.settle()
        [gap] = map(json.loads, typed("gaps", "--json").stdout.splitlines())
        found = {name: gap[name] for name in ("call_id", "missing", "kinds", "placed_by")}
        assert found == {
            "call_id": call_id, "missing": "no callback", "kinds": [], "placed_by": "click_to_call.call",
        }  # fmt: skip
        assert "placed by click_to_call.call" in typed("gaps").stdout
        assert "0540000000" not in json.dumps(gap)
        assert "Fetched: 2." in typed("reconcile", "--since", "1d", "--fetch").stdout
        assert "No call has a gap" in typed("gaps").stderr


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
