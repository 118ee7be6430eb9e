"""Every input of the corpus, and a small part of a run of `make fuzz`."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete

from receiver.errors import WireError
from receiver.wire import read
from storage import Database
from storage.tables import callbacks
from tests.fuzz.checking import check_wire, started, wrong_reply
from tests.fuzz.chunks import fuzz
from tests.fuzz.inputs import Input, keep, read_corpus
from tests.fuzz.making import Maker

KEPT = list(read_corpus())


@pytest.mark.parametrize("made", [pytest.param(made, id=name) for name, made in KEPT])
def test_every_input_of_the_corpus_is_read_or_rejected(made: Input) -> None:
    """An input that once broke a rule breaks none now."""
    assert check_wire(made) == ""
    assert made.reason


async def test_every_input_of_the_corpus_is_answered_by_the_whole_receiver() -> None:
    """Each is sent twice: the second time it is a repeat."""
    async with started() as app:
        for _ in range(2):
            assert await app.check(made for _, made in KEPT) == []
    assert app.lost == []


def test_the_command_stops_in_time_and_says_that_nothing_was_found(tmp_path: Path) -> None:
    """However many inputs were requested; running work is finished."""
    options = ["--seconds=0.001", "--one-in=5000", "--reader-inputs=100", f"--corpus={tmp_path}"]
    command = [sys.executable, "-m", "tests.fuzz", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 finds" in done.stdout
    assert not list(tmp_path.iterdir())


async def test_an_answered_input_that_is_not_stored_is_found() -> None:
    """A receiver that acknowledges a callback and loses it fails the run."""
    made = Input("/voicenter", b'{"ivruniqueid": "1"}')
    async with started() as app:
        assert await app.check([made, made]) == []
        with Database(app.receiver.url) as database, database.begin() as connection:
            connection.execute(delete(callbacks).where(callbacks.c.original.is_(False)))
    assert app.lost == [(made, "answered, and not in the journal")]


@pytest.mark.parametrize("seed", ["1", "2"])
def test_a_small_run_finds_nothing(seed: str) -> None:
    """A thousand inputs for the parser, fifty for the whole receiver."""
    tally = fuzz(seed, 1_000, 20)
    assert (tally.inputs, tally.sent, tally.found) == (1_000, 50, [])


def test_a_seed_repeats_its_inputs() -> None:
    """A run can be repeated; another seed makes other inputs."""

    def made(seed: str) -> list[Input]:
        maker = Maker(seed)
        return [maker.make() for _ in range(50)]

    assert made("1") == made("1") != made("2")


def test_a_third_of_the_inputs_is_parsed_to_the_end() -> None:
    """Otherwise the inputs would only test the parsers' errors."""
    maker = Maker("1")
    count = sum(_is_read(maker.make()) for _ in range(600))
    assert 200 < count < 500


def _is_read(made: Input) -> bool:
    try:
        read(made.body, made.content_type)
    except WireError:
        return False
    return True


def test_a_find_is_kept_exactly(tmp_path: Path) -> None:
    """The file restores method, path, query, header and body."""
    found = Input("/voicenter", bytes(range(256)), "a/b; charset=\xff", b"a=%00&b=%20c", "GET")
    file = keep(found, "why\r\nnot", tmp_path)
    ((name, again),) = read_corpus(tmp_path)
    assert name == file.name
    assert again == Input(found.path, found.body, found.content_type, found.query, found.method, "why not")


def _reply(content: bytes, content_type: str = "application/json", status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=content, headers={"content-type": content_type})


def _in_xml(value: str) -> bytes:
    head = b'<?xml version="1.0" encoding="utf-8"?>\n'
    body = f"<methodResponse><params><param><value>{value}</value></param></params></methodResponse>"
    return head + body.encode()


@pytest.mark.parametrize(
    ("reply", "wrong"),
    [
        (_reply(b'{"err":"0","errdesc":"OK"}'), ""),
        (_reply(b'{"err":0,"errdesc":"OK"}'), "err is"),
        (_reply(b'{"err":"2","errdesc":"OK"}'), "err is"),
        (_reply(b'{"STATUS":0}'), ""),
        (_reply(b'{"STATUS":3}'), "shape"),
        (_reply(b'{"STATUS":0,}'), "broken"),
        (_reply(b'{"STATUS":NaN}'), "broken"),
        (_reply(b"Traceback", "text/plain"), "type"),
        (_reply(b'{"err":"0","errdesc":"OK"}', status=500), "status 500"),
        (_reply(b'{"err":"0","errdesc":"OK"}', status=503), "status 503"),
        (_reply(_in_xml("<struct></struct>"), "text/xml; charset=utf-8"), "shape"),
        (_reply(_in_xml("<i8>1</i8>"), "text/xml; charset=utf-8"), "tags"),
        (_reply(_in_xml("<string>&</string>"), "text/xml; charset=utf-8"), "broken"),
        (_reply(b"<methodResponse/>", "text/xml; charset=utf-8"), "broken"),
    ],
)
def test_a_reply_that_is_not_documented_is_found(reply: httpx.Response, wrong: str) -> None:
    """By its shape, types, syntax and status."""
    found = wrong_reply(Input("/voicenter", b""), reply)
    assert wrong in found
    assert bool(wrong) == bool(found)
