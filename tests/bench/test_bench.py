"""The benchmarks without their load: their requests are accepted, and their figures are computed correctly."""

import asyncio
import os
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Select, select

from receiver.providers.base.samples import find_samples
from storage import Database, journal
from storage.tables import callbacks, deliveries
from tests.bench import (
    cases,
    filling,
    growth,
    journals,
    machine,
    measuring,
    overload,
    payloads,
    ratios,
    reader,
    report,
    servers,
    steady,
    tables,
    wrk,
)
from tests.bench.cases import Bench, Case, all_cases
from tests.bench.handlers import answers, nothing
from tests.bench.measuring import Figures, Summary
from tests.bench.payloads import PLACE, Payload
from tests.bench.wrk import Load
from tests.support import running

CASES = {case.name: case for case in all_cases()}
PAYLOADS = {case.payload.name: case for case in CASES.values() if case.name.startswith("receiver")}


def send(payload: Payload, url: str, folder: Path, seconds: float, connections: int) -> Load:
    """A substitute for wrk: three requests, whatever the arguments."""
    codes = []
    for number in range(3):
        body = payload.body(f"{folder.name[-8:]:0>8}{seconds:06.1f}{number:04}")
        headers = {"Content-Type": payload.content_type}
        codes.append(httpx.post(url + payload.path, content=body, headers=headers).status_code)
    refused = sum(code != httpx.codes.OK for code in codes)
    return Load(len(codes), 0.3, 1000, 2000, refused, broken=0, generator_busy=0.5)


def summary(name: str, *rates: float, **others: Any) -> Summary:
    """The summary of a case with these rates."""
    plain = {"p50_ms": 1.0, "p99_ms": 4.0, "cpu_us": 100.0, "server_busy": 1.0, "generator_busy": 0.1, "peak_mb": 90.0}
    rounds = [Figures(**{"rate": rate, "errors": 0, **plain, **others}) for rate in rates]
    return Summary(CASES[name], rounds)


def test_requests_are_the_documents_own_bytes() -> None:
    """With its blanks and empty elements; only the call id is replaced."""
    [sample] = find_samples("voicenter", "cdr", "xmlrpc")
    payload = CASES[cases.RECEIVER].payload
    assert payload.before + b"sdfsdfsdfsfsf" + payload.after == sample.body
    assert sample.documented
    assert b"<string />" in sample.body


@pytest.mark.parametrize("name", PAYLOADS)
async def test_every_request_is_accepted_as_its_kind(name: str, tmp_path: Path) -> None:
    """No request is unparsed or a repeat, and handlers answer the questions."""
    case = PAYLOADS[name]
    async with running(tmp_path, answers.handlers, nothing.handlers) as started:
        for number in range(3):
            content, headers = case.payload.body(f"{number:018}"), {"Content-Type": case.payload.content_type}
            reply = await started.client.post(case.payload.path, content=content, headers=headers)
            assert reply.status_code == httpx.codes.OK
            assert case.reply in reply.text
    stored = started.callbacks()
    assert {one.outcome for one in stored} <= {"accepted", "answered"}
    assert len({one.call_id for one in stored} if name != "Spokn form" else stored) == 3
    assert stored[0].body == case.payload.body("0" * len(PLACE))


def test_the_script_for_wrk_makes_exact_requests() -> None:
    """Its halves with a number between them are a whole request, also for a body with quotes."""
    payload = CASES["receiver: CDR JSON"].payload
    script = wrk.make_script(payload, "http://127.0.0.1:8000", "abcdef01")
    before, after = (line.split('"')[1] for line in _halves(script))
    request = _unescaped(before) + b"0" * 10 + _unescaped(after)
    head, _, body = request.partition(b"\r\n\r\n")
    assert body == payload.body("abcdef01" + "0" * 10)
    assert f"Content-Length: {len(body)}".encode() in head


def _halves(script: str) -> tuple[str, str]:
    line = next(line for line in script.splitlines() if line.startswith("local before"))
    before, after = line.removeprefix("local before, after, number = ").removesuffix(", 0").split('", "')
    return f'{before}"', f'"{after}'


def _unescaped(lua: str) -> bytes:
    parts = lua.split("\\")
    return b"".join([parts[0].encode(), *(bytes([int(part[:3])]) + part[3:].encode() for part in parts[1:])])


def test_what_the_script_prints_is_read() -> None:
    """The script's line follows wrk's own report."""
    line = '{"requests": 100, "micros": 2000000, "p50": 1500, "p99": 9000, "status": 3, "socket": 1}'
    load = wrk.parse(f"Running 2s test\n  Requests/sec: 50\n{line}\n", cpu_seconds=0.5)
    assert (load.accepted, load.errors, load.seconds, load.generator_busy) == (97, 4, 2.0, 0.25)


def test_ratios_come_from_medians() -> None:
    """One outlier does not change a ratio."""
    found = {
        cases.RECEIVER: summary(cases.RECEIVER, 4000, 100, 4200),
        cases.STARLETTE: summary(cases.STARLETTE, 8000, p99_ms=1.0),
        cases.HANDWRITTEN: summary(cases.HANDWRITTEN, 400),
    }
    made = {ratio.name: ratio for ratio in ratios.of_rates(found)}
    assert len(made) == 3
    assert made["receiver / Starlette echo"].value == 0.5
    assert made["receiver / Starlette echo"].met
    assert not made["receiver / FastAPI + SQLAlchemy by hand"].met
    assert made["receiver's p99 / Starlette echo's"].value == 4
    assert made["receiver's p99 / Starlette echo's"].met


def test_the_tables_have_a_cell_for_each_heading() -> None:
    """Every Markdown row has as many cells as the heading; a case that was left out has its reason."""
    found = {cases.WITH_HANDLER: summary(cases.WITH_HANDLER, 1000, beside={cases.SECONDS_UNTIL_NONE: 0.5})}
    grids = [
        report.rates(found, {cases.WEBHOOK: servers.WEBHOOK_MISSING}),
        report.backlogs(found),
        report.ratios(ratios.of_rates(found)),
        report.payloads(list(CASES.values())),
        report.readers(reader.compare(calls=1, repeats=1)),
    ]
    for grid in grids:
        assert grid.rows
        assert {len(row) for row in grid.rows} == {len(grid.headings)}
        assert len({line.count("|") for line in grid.markdown().splitlines()[2:]}) == 1
        assert grid.rich().row_count == len(grid.rows)
    assert "apt-get install webhook" in grids[0].markdown()


def test_a_part_of_the_page_is_replaced(tmp_path: Path) -> None:
    """The text around it is unchanged."""
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nbelow\n")
    for _ in range(2):
        tables.rewrite("bench", "new", page)
    assert page.read_text() == "above\n<!-- bench: begin -->\n\nnew\n\n<!-- bench: end -->\nbelow\n"
    with pytest.raises(ValueError, match="no part"):
        tables.rewrite("other", "new", page)


def test_the_patch_of_defusedxml_is_undone() -> None:
    """Comparing the parsers leaves the standard library unpatched."""
    before = getattr(xmlrpc.client, "FastParser", None), xmlrpc.client.ExpatParser
    reader.compare(calls=1, repeats=1)
    assert (getattr(xmlrpc.client, "FastParser", None), xmlrpc.client.ExpatParser) == before


def test_the_machine_is_described(tmp_path: Path) -> None:
    """Including the measured disk."""
    described = machine.describe(tmp_path)
    assert "µs" in described["disk"]
    assert "uvicorn" in described["versions"]


def test_the_use_of_other_programs_is_a_share_of_the_machine() -> None:
    """The processor time of this process is not part of it."""
    neighbours = machine.Neighbours()
    subprocess.run([sys.executable, "-c", "sum(range(10**7))"], check=True)
    assert 0 <= neighbours.share() <= 1.1


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An empty folder and one core."""
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        yield Bench(Path(folder), max(machine.allowed_cores()))


@pytest.mark.parametrize("name", [cases.RECEIVER, cases.IVR, cases.WITH_HANDLER, cases.XMLRPC_SERVER, cases.ASGI])
def test_a_round_of_a_real_server_counts_what_it_stored(name: str, bench: Bench) -> None:
    """No acknowledged callback is missing."""
    figures = measuring.measure(CASES[name], bench, 0.3, send)
    assert figures.errors == 0
    assert (figures.rate, figures.p99_ms) == (10.0, 2.0)
    assert figures.peak_mb > 5
    if name == cases.WITH_HANDLER:
        assert figures.beside[cases.SECONDS_UNTIL_NONE] < journals.PATIENCE_SECONDS


def test_an_acknowledgement_of_what_is_not_stored_is_an_error(bench: Bench) -> None:
    """A generator that counts one more request than it sent shows as an error."""

    def overcounting(payload: Payload, url: str, folder: Path, seconds: float, connections: int) -> Load:
        load = send(payload, url, folder, seconds, connections)
        return Load(load.requests + 1, load.seconds, load.p50_us, load.p99_us, 0, 0, 0.5)

    assert measuring.measure(CASES[cases.RECEIVER], bench, 0.3, overcounting).errors == 2


def test_every_case_is_measured_in_each_round_and_in_turn(bench: Bench) -> None:
    """Every second round is in reverse order."""
    chosen: list[Case] = [CASES[cases.ASGI], CASES[cases.STARLETTE]]
    order: list[str] = []
    for found in measuring.rounds(chosen, bench, 2, 0.3, lambda case, _: order.append(case.name), send):
        last = found
    assert order == [cases.ASGI, cases.STARLETTE, cases.STARLETTE, cases.ASGI]
    assert [len(one.rounds) for one in last.values()] == [2, 2]


# --- in a large journal ---


async def test_a_filled_journal_has_the_rows_that_the_receiver_writes(tmp_path: Path) -> None:
    """The rows equal those of received callbacks, except the kind of the rare ones."""
    like = await filling.received_callback(payloads.cdr_xmlrpc())
    maker = filling.Maker(like, 20)
    received, filled = (f"sqlite:///{tmp_path}/{name}.db" for name in ("received", "filled"))
    for url in (received, filled):
        with Database(url) as database:
            database.migrate()
    with Database(received) as database, database.begin() as connection:
        journal.append(connection, [maker.new(number) for number in range(1, 21)])
    assert list(filling.fill(filled, 20, maker.callback_rows, callbacks)) == [20]
    assert list(filling.fill(filled, 20, maker.delivery_rows, deliveries)) == [20]
    assert _rows(received, select(callbacks).where(callbacks.c.id > filling.RARE)) == _rows(
        filled, select(callbacks).where(callbacks.c.id > filling.RARE)
    )
    wanted = select(deliveries.c.id, deliveries.c.callback_id, deliveries.c.handler, deliveries.c.call_key)
    assert _rows(received, wanted) == _rows(filled, wanted)


def _rows(url: str, wanted: Select[Any]) -> list[Any]:
    with Database(url) as database, database.read_only() as connection:
        return list(connection.execute(wanted).all())


def test_a_small_journal_is_measured_in_every_way(tmp_path: Path) -> None:
    """Each figure of the table has a value, and the measured commands do their work."""
    like = asyncio.run(filling.received_callback(payloads.cdr_xmlrpc()))
    found = growth.measure(tmp_path, 300, 50, like)
    assert {name for name, figure in found.items() if not figure} == set()
    assert len((tmp_path / "callbacks.jsonl").read_text().splitlines()) == 50
    grid = growth.table({300: found})
    assert len(grid.rows) == len(found)


def test_a_disk_that_is_too_small_is_noticed_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message says how much space is needed, and what to change."""
    with pytest.raises(SystemExit) as ended:
        growth.check_room(tmp_path, 10**12, 10**6)
    assert ended.value.code == 2
    assert "--sizes" in capsys.readouterr().err


# --- under overload ---


def test_questions_are_asked_evenly_and_answered_beside_a_load(bench: Bench) -> None:
    """Handlers that hang delay no answer; the ratios compare both periods."""
    alone = overload.measure(bench.folder, bench.core, 0.4, 0, send)
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        beside = overload.measure(Path(folder), bench.core, 0.4, 32, send)
    for period in (alone, beside):
        assert period.answers.failed == 0
        assert len(period.answers.took_ms) == 0.4 * steady.RATE
        assert period.outcomes == {"answered": 1.4 * steady.RATE}
    assert beside.load is not None
    assert beside.load.errors == 0
    assert [ratio.value > 0 for ratio in overload.ratios([alone], [beside])] == [True, True]
    grid = overload.table({"alone": [alone], "beside": [beside]})
    assert {len(row) for row in grid.rows} == {len(grid.headings)}


@pytest.mark.parametrize("module", ["tests.bench", "tests.bench.overload"])
def test_without_wrk_the_error_says_how_to_install_it(module: str, tmp_path: Path) -> None:
    """Nothing is measured."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "apt-get install wrk" in done.stderr
