"""Blanking one phone number in everything that is stored."""

from pathlib import Path
from time import process_time
from typing import Any

import pytest
from typer.testing import CliRunner

from receiver.cli import app
from receiver.operations.phone_numbers import NumberError, number_redactor, significant_digits
from receiver.plugins import Context, Handlers
from receiver.providers.voicenter import Cdr, Hangup, IvrRequest
from storage import queue
from tests.support import Running, eventually, running

NUMBER = "0501234567"


@pytest.mark.parametrize(
    ("number", "country_code", "digits"),
    [
        ("050-123 4567", "972", "501234567"),
        ("+972501234567", "972", "501234567"),
        ("00972501234567", "972", "501234567"),
        ("+1 (415) 555-0123", "972", "14155550123"),
        ("0501234567", "", "501234567"),
    ],
)
def test_all_notations_of_a_number_are_equal(number: str, country_code: str, digits: str) -> None:
    """With and without the country code."""
    assert significant_digits(number, country_code) == digits


@pytest.mark.parametrize("number", ["", "12345", "0 12345", "alice", "0501234567; rm", "٠٥٠١٢٣٤٥٦٧"])
def test_what_is_not_a_number_is_rejected(number: str) -> None:
    """A short one would also match times and sizes."""
    with pytest.raises(NumberError):
        number_redactor(number, "972")


@pytest.mark.parametrize(
    ("content", "format_", "masked"),
    [
        (b"caller=0501234567&x=1", "form", b"caller=**********&x=1"),
        (b"caller=%2B972501234567", "form", b"caller=%2B************"),
        (b"caller=050%20123%204567", "form", b"caller=***%20***%20****"),
        (b"<int>501234567</int>", "xmlrpc", b"<int>*********</int>"),
        (b"<string>+972-50-123-4567</string>", "xmlrpc", b"<string>+***-**-***-****</string>"),
        (b'{"a": 501234567, "b": [501234567]}', "json", b'{"a": "*********", "b": ["*********"]}'),
        (b'{"a": "say: 0501234567, or"}', "json", b'{"a": "say: **********, or"}'),
        ("0501234567".encode("utf-16-le"), "json", "**********".encode("utf-16-le")),
        (b"15012345678 5012345670 0050123456", "form", b"15012345678 5012345670 0050123456"),
        (b'{"a": 501234567, "b": "0501234567', "json", b'{"a": "*********", "b": "**********'),
        (b'{"a": 1501234567}', "json", b'{"a": 1501234567}'),
        (b'{"a": -501234567, "b": 501234567.5}', "json", b'{"a": "-*********", "b": "*********.*"}'),
        (
            rb'{"a": "050\u002d1234567", "b": "050\/1234567"}',
            "json",
            rb'{"a": "***\u002d*******", "b": "***\/*******"}',
        ),
        (rb'{"a": "\u00305\u003012\u00334567"}', "json", b'{"a": "**********"}'),
        (b"0&#53;01234567 &#43;972&#45;50&#45;1234567", "xmlrpc", b"********** &#43;***&#45;**&#45;*******"),
        (b"caller=%28050%29%20123-4567&x=%20501234567", "form", b"caller=%28***%29%20***-****&x=%20*********"),
        (b"caller=050%2D1234567&did=%30501234567", "form", b"caller=***%2D*******&did=**********"),
        ("050\u20111234567".encode(), "form", "***\u2011*******".encode()),
    ],
)
def test_each_digit_becomes_a_star(content: bytes, format_: str, masked: bytes) -> None:
    """In every notation, and only there; what could be parsed before still can."""
    assert number_redactor(NUMBER, "972")(content, format_) == masked


def test_a_string_that_never_ends_takes_no_longer_than_its_length_says() -> None:
    """Were each of its quotes the beginning of another one, this would take a minute."""
    content = b'{"a": "0501234567' + b'\\"' * 60_000
    began = process_time()
    assert number_redactor(NUMBER, "972")(content, "json") == content.replace(NUMBER.encode(), b"*" * 10)
    assert process_time() - began < 2


def _everything(receiver: Running) -> str:
    def read(connection: Any) -> str:
        deliveries = [queue.of_callback(connection, one.id) for one in receiver.callbacks()]
        return repr((receiver.callbacks(), deliveries))

    return receiver.query(read)


async def test_forget_blanks_a_number_everywhere(tmp_path: Path, database_url: str) -> None:
    """Bodies, queries, replies, reasons and tracebacks; other numbers, and what can be read, stay as they are."""
    handlers = Handlers("failing")

    @handlers.on(Cdr)
    def fail(cdr: Cdr) -> None:
        raise ValueError(f"no customer {cdr.caller}")

    async with running(database_url, handlers, attempts=1) as receiver:
        await receiver.client.post("/voicenter", json={"caller": NUMBER, "target": "0509999999", "ivruniqueid": "1"})
        await receiver.client.get(f"/voicenter/popup?phone={NUMBER}")
        await receiver.client.post("/voicenter", content=f"<broken {NUMBER}")
        await receiver.client.post("/voicenter", json={"caller": "0508888888", "ivruniqueid": "2"})
        await eventually(lambda: _everything(receiver).count("DEAD") == 2)
    before = {one.id: one for one in receiver.callbacks()}
    assert NUMBER in _everything(receiver)

    def forget(*options: str) -> str:
        return CliRunner().invoke(app, ["forget", "+972-50-1234567", "--database-url", database_url, *options]).output

    assert "would be blanked in 3 callbacks, 1 delivery, 1 failed attempt" in forget("--dry-run")
    assert NUMBER in _everything(receiver)
    assert "was blanked in 3 callbacks, 1 delivery, 1 failed attempt" in forget()
    assert NUMBER not in _everything(receiver)
    assert "blanked in 0 callbacks" in forget()
    after = {one.id: one for one in receiver.callbacks()}
    assert after[4] == before[4]
    assert after[1].body == before[1].body.replace(NUMBER.encode(), b"*" * 10)
    assert after[1].content_hash != before[1].content_hash
    assert b"0509999999" in after[1].body
    shown = CliRunner().invoke(app, ["callbacks", "show", "1", "--database-url", database_url])
    assert "**********" in shown.output


async def test_the_files_bytes_are_gone(tmp_path: Path) -> None:
    """Not only out of the rows: out of the file and its log."""
    async with running(tmp_path) as receiver:
        for number in range(50):
            await receiver.client.get(f"/voicenter/popup?phone={NUMBER}&n={number}")

    def is_on_disk() -> bool:
        return any(NUMBER.encode() in file.read_bytes() for file in tmp_path.iterdir())

    await eventually(is_on_disk)
    done = CliRunner().invoke(app, ["forget", NUMBER, "--database-url", receiver.url])
    assert done.exit_code == 0, done.output
    assert not is_on_disk()


async def test_ids_and_paths_are_blanked_too(tmp_path: Path) -> None:
    """Some switches make the call id of the caller's number."""
    handlers = Handlers("noting")
    handlers.on(Cdr, name="f")(lambda cdr: None)
    async with running(tmp_path, handlers) as receiver:
        await receiver.client.post("/voicenter", json={"caller": "1", "ivruniqueid": NUMBER})
        await receiver.client.post(f"/nowhere/{NUMBER}")
        await eventually(lambda: "DONE" in _everything(receiver))
    done = CliRunner().invoke(app, ["forget", NUMBER, "--database-url", receiver.url])
    assert "1 callback, 1 delivery, 0 failed attempts, 1 rejected request" in done.output
    assert not any(NUMBER.encode() in file.read_bytes() for file in tmp_path.iterdir())


def test_a_wrong_number_gets_one_clear_line(tmp_path: Path) -> None:
    """And nothing is searched."""
    done = CliRunner().invoke(app, ["forget", "12", "--database-url", f"sqlite:///{tmp_path}/journal.db"])
    assert done.exit_code == 2
    assert "too short" in done.output


async def test_a_number_in_the_state_of_a_call_is_blanked(tmp_path: Path, database_url: str) -> None:
    """It is shown and exported like the bytes of its callback, and goes with them."""
    handlers = Handlers()

    @handlers.answer(IvrRequest, history=True, name="remember")
    def remember(step: IvrRequest, ctx: Context) -> Hangup:
        ctx.call.state["caller"] = step.caller_id
        return Hangup()

    async with running(database_url, handlers) as receiver:
        data = {"MENU": "-1", "IVR_UNIQUE_ID": "x", "CALLER_ID": NUMBER}
        await receiver.client.post("/voicenter", json={"METHOD": "GET_IVR_ACTION", "DATA": data})

    def command(*arguments: str) -> str:
        done = CliRunner().invoke(app, [*arguments, "--database-url", database_url])
        assert done.exit_code == 0, done.output
        return done.output

    assert f'"call_state":{{"caller":"{NUMBER}"}}' in command("callbacks", "show", "1", "--json")
    assert f'state of the call\n{{"caller":"{NUMBER}"}}' in command("callbacks", "show", "1")
    assert "answered_by remember" in " ".join(command("callbacks", "show", "1").split())
    command("export", str(tmp_path / "all.jsonl"), "--what", "callbacks")
    assert f'{{\\"caller\\":\\"{NUMBER}\\"}}' in (tmp_path / "all.jsonl").read_text()
    command("forget", NUMBER)
    assert '"call_state":{"caller":"**********"}' in command("callbacks", "show", "1", "--json")
