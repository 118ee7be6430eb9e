"""The path of one callback: stored or answered, then replied to."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest

from receiver import CallRecord, Handlers
from receiver.intake import ask
from receiver.providers.voicenter import Cdr, GoToLayer, HangupCall, IvrRequest, Menu, PopupRequest, Voicenter
from receiver.wire import xmlrpc
from storage import Database, GroupCommit, JournalFullError, StoreUnavailableError
from tests.support import eventually, running, states

CDR = {"caller": "0540000000", "target": "0500000000", "ivruniqueid": "call-1", "status": "ANSWER", "duration": 12}
IVR = {"METHOD": "GET_IVR_ACTION", "DATA": {"DID": "072", "MENU": "-1", "PREVIOUS_MENU": "-1", "IVR_UNIQUE_ID": "c"}}
LAYER = {"METHOD": "IVR_LAYER_INPUT", "DATA": {"DID": "072", "DTMF": "1", "LAYER_ID": 8}}


def _answering(question: Any, reply: Any) -> Handlers:
    handlers = Handlers()
    handlers.answer(question, name="answer")(lambda step: reply)
    return handlers


async def test_a_notification_is_in_the_journal_when_it_is_acknowledged(tmp_path: Path) -> None:
    """With its bytes, its headers, its call id and its reply."""
    async with running(tmp_path) as receiver:
        reply = await receiver.client.post("/voicenter", json=CDR, headers={"Authorization": "Basic c2VjcmV0"})
        assert reply.json() == {"err": "0", "errdesc": "OK"}
        [stored] = receiver.callbacks()
    assert (stored.outcome, stored.kind, stored.call_id, stored.format) == ("accepted", "CDR", "call-1", "json")
    assert orjson.loads(stored.body) == CDR
    assert stored.reply_body == reply.content
    assert stored.peer == "127.0.0.1"
    assert ("content-type", "application/json") in stored.headers
    assert not any(name.lower() == "authorization" for name, _ in stored.headers)
    assert stored.took_us > 0


async def test_a09_a_repeat_gets_the_same_reply_and_is_not_delivered_again(tmp_path: Path) -> None:
    """Also in another format: the content decides, not the bytes."""
    handlers = Handlers()
    received: list[Cdr] = []
    handlers.on(Cdr, name="note")(received.append)
    async with running(tmp_path, handlers) as receiver:
        for _ in range(2):
            assert (await receiver.client.post("/voicenter", json=CDR)).json() == {"err": "0", "errdesc": "OK"}
        call = xmlrpc.write_call("CDR", CDR)
        assert xmlrpc.read_response((await receiver.client.post("/voicenter", content=call)).text).value == {
            "err": 0,
            "errdesc": "OK",
        }
        await eventually(lambda: states(receiver.deliveries(1)) == ["done"])
    assert [(one.outcome, one.duplicate_of) for one in receiver.callbacks()] == [
        ("accepted", None),
        ("duplicate", 1),
        ("duplicate", 1),
    ]
    assert len(received) == 1


async def test_b25_two_legs_with_one_call_id_are_two_records(tmp_path: Path) -> None:
    """The call id alone is not the key."""
    async with running(tmp_path) as receiver:
        for leg in ("Click2Call leg1", "Click2Call leg2"):
            await receiver.client.post("/voicenter", json={**CDR, "type": leg})
        assert [one.outcome for one in receiver.callbacks(call_id="call-1")] == ["accepted", "accepted"]


async def test_b26_a_cdr_and_a_hangup_of_one_call_may_come_in_any_order(tmp_path: Path) -> None:
    """Both are independent records of the same call (D-12)."""
    hangup = {"METHOD": "HANGUP_CALL", "DATA": {"IVR_UNIQUE_ID": "call-1", "CALL_STATUS": "ANSWERED"}}
    async with running(tmp_path) as receiver:
        assert (await receiver.client.post("/voicenter", json=hangup)).json() == {"STATUS": 0}
        await receiver.client.post("/voicenter", json=CDR)
        assert [one.kind for one in receiver.callbacks(call_id="call-1")] == ["HANGUP_CALL", "CDR"]


async def test_a23_each_record_of_a_list_is_stored_and_delivered_on_its_own(tmp_path: Path) -> None:
    """There is one reply for all; the body is stored once and read with each."""
    handlers, received = Handlers(), []
    handlers.on(Cdr, name="note")(lambda cdr: received.append(cdr.caller))
    body = [CDR, {**CDR, "caller": "0541111111", "ivruniqueid": "call-2"}]
    async with running(tmp_path, handlers) as receiver:
        assert (await receiver.client.post("/voicenter", json=body)).json() == {"err": "0", "errdesc": "OK"}
        await eventually(lambda: sorted(received) == ["0540000000", "0541111111"])
    assert [(one.call_id, one.part) for one in receiver.callbacks()] == [("call-1", 0), ("call-2", 1)]
    assert all(orjson.loads(one.body) == body for one in receiver.callbacks())


async def test_an_unreadable_record_of_a_list_does_not_lose_the_others(tmp_path: Path) -> None:
    """The reply is an error; the readable records are accepted."""
    async with running(tmp_path) as receiver:
        assert (await receiver.client.post("/voicenter", json=[CDR, 7])).json()["err"] == "1"
        assert [one.outcome for one in receiver.callbacks()] == ["accepted", "unparsed"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"<methodCall>", "XML is broken"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><methodCall/>', "DTD"),
        (b'{"caller": ', "JSON is broken"),
        (b'{"test": true}', "names no method"),
        (b'{"METHOD": "NO_SUCH"}', "unknown method"),
        (b"\xff\xfe\x00", ""),
    ],
)
async def test_a24_what_cannot_be_parsed_is_stored_with_its_reason(tmp_path: Path, body: bytes, reason: str) -> None:
    """The reply is the documented parse error with HTTP 200 (A-06), and the bytes are in the journal."""
    async with running(tmp_path) as receiver:
        reply = await receiver.client.post("/voicenter", content=body)
        assert reply.status_code == 200
        assert b"Traceback" not in reply.content
        [stored] = receiver.callbacks()
    assert (stored.outcome, stored.body) == ("unparsed", body)
    assert reason in stored.reason


async def test_a_fault_of_ours_in_parsing_stores_the_callback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The status is never 500, and nothing is lost: a repaired parser can parse it again."""

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Voicenter, "read", broken)
    async with running(tmp_path) as receiver:
        reply = await receiver.client.post("/voicenter", json=CDR)
        assert (reply.status_code, reply.json()["err"]) == (200, "2")
        [stored] = receiver.callbacks()
    assert (stored.outcome, orjson.loads(stored.body)) == ("unparsed", CDR)


@pytest.mark.parametrize("error", [StoreUnavailableError("the disk is full"), JournalFullError("too many")])
@pytest.mark.parametrize(
    ("body", "values"),
    [
        (CDR, {"err": "2", "errdesc": "the callback could not be stored; send it again"}),
        ({"METHOD": "HANGUP_CALL", "DATA": {"IVR_UNIQUE_ID": "x"}}, {"STATUS": 1}),
    ],
)
async def test_b31_d13_what_cannot_be_stored_is_rejected_with_503(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, body: dict[str, Any], values: dict[str, Any]
) -> None:
    """The provider resends it; only what is on disk is acknowledged."""

    def refuse(*_: object, **__: object) -> None:
        raise error

    async with running(tmp_path) as receiver:
        monkeypatch.setattr(GroupCommit, "submit", refuse)
        reply = await receiver.client.post("/voicenter", json=body)
        assert (reply.status_code, reply.json()) == (503, values)


async def test_what_cannot_be_stored_is_never_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the error reply fails; the next record is received."""

    def refuse(*_: object, **__: object) -> None:
        raise JournalFullError("too many")

    def fails(*_: object) -> None:
        raise ValueError("a fault of ours")

    async with running(tmp_path) as receiver:
        with monkeypatch.context() as patched:
            patched.setattr(GroupCommit, "submit", refuse)
            patched.setattr(Voicenter, "fault_reply", fails)
            replies = await asyncio.gather(*(receiver.client.post("/voicenter", json=CDR) for _ in range(5)))
        assert [reply.status_code for reply in replies] == [503] * 5
        assert (await receiver.client.post("/voicenter", json=CDR)).json()["err"] == "0"


async def test_a_record_that_cannot_even_be_stored_unparsed_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply is 503 without a traceback, so that the provider resends it."""

    def fails(*_: object, **__: object) -> None:
        raise ValueError("a fault of ours")

    async with running(tmp_path) as receiver:
        monkeypatch.setattr("receiver.intake.notify.journal_row", fails)
        assert (await receiver.client.post("/voicenter", json=CDR)).status_code == 503


async def test_a_question_is_answered_while_nothing_can_be_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database never affects the answer to a caller."""

    def refuse(*_: object, **__: object) -> None:
        raise StoreUnavailableError("the disk is full")

    async with running(tmp_path, _answering(IvrRequest, Menu(menu="main", rec="hi", size=1))) as receiver:
        monkeypatch.setattr(GroupCommit, "submit", refuse)
        reply = await receiver.client.post("/voicenter", json=IVR)
        assert (reply.status_code, reply.json()["ACTION"]) == (200, "MENU")


async def test_the_handlers_return_value_is_the_reply(tmp_path: Path) -> None:
    """The journal has it with the outcome "answered"."""
    async with running(tmp_path, _answering(IvrRequest, Menu(menu="main", rec="hi", size=1))) as receiver:
        reply = await receiver.client.post("/voicenter", json=IVR)
    assert reply.json()["DATA"]["MENU"] == "main"
    [stored] = receiver.callbacks()
    assert (stored.outcome, stored.call_id, stored.reply_body) == ("answered", "c", reply.content)


async def test_the_same_question_twice_is_asked_twice(tmp_path: Path) -> None:
    """A caller may press the same key in the same menu twice."""
    handlers, asked = Handlers(), []

    @handlers.answer(IvrRequest)
    def menu(step: IvrRequest) -> Menu:
        asked.append(step)
        return Menu(menu="main", rec="hi", size=1)

    async with running(tmp_path, handlers) as receiver:
        for _ in range(2):
            await receiver.client.post("/voicenter", json=IVR)
    assert len(asked) == 2
    assert [one.outcome for one in receiver.callbacks()] == ["answered", "answered"]


def _late(step: object) -> None:
    threading.Event().wait(2)


async def _late_and_stubborn(step: object) -> None:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(2)


def _raising(step: object) -> None:
    raise ValueError("my fault")


def _raising_lines(step: object) -> None:
    raise ValueError("my fault\nand yours")


def _failing_in_a_library(step: object) -> None:
    json.loads("nonsense")


def _invalid(step: object) -> Menu:
    return Menu(menu="m", rec="r", size="secret", sise=1)  # type: ignore[arg-type, call-arg]  # an author's mistake


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (_late, "no reply within 0.2 s"),
        (_late_and_stubborn, "no reply within 0.2 s"),
        (_raising, "ValueError: my fault (tests/intake/test_receive.py, line {line})"),
        (_raising_lines, "ValueError: my fault and yours (tests/intake/test_receive.py, line {line})"),
        (_failing_in_a_library, "column 1 (char 0) (tests/intake/test_receive.py, line {line})"),
        (
            _invalid,
            "size: write a whole number; Menu.sise: there is no such field (tests/intake/test_receive.py, line {line})",
        ),
        (lambda step: None, "returned NoneType, which is none of Menu"),
        (lambda step: GoToLayer(layer=1), "returned GoToLayer"),
    ],
)
async def test_a08_a_bad_handler_is_replaced_by_the_fallback_in_time(
    tmp_path: Path, function: Any, reason: str
) -> None:
    """A late, raising or wrong reply is replaced by the configured one; the journal has the reason and its place."""
    handlers = Handlers()
    handlers.answer(IvrRequest, name="bad")(function)
    fallback = {"kind": "GET_IVR_ACTION", "action": "HANGUP", "fields": {"rec": "sorry"}}
    settings: dict[str, Any] = {"deadline": 0.2, "providers": {"voicenter": {"fallbacks": [fallback]}}}
    async with running(tmp_path, handlers, **settings) as receiver:
        reply = await asyncio.wait_for(receiver.client.post("/voicenter", json=IVR), 1.5)
        assert reply.json() == {"STATUS": 0, "ACTION": "HANGUP", "LANGUAGE": "HE", "DATA": {"HANGUP_REC": "sorry"}}
    [stored] = receiver.callbacks()
    assert stored.outcome == "fallback"
    assert reason.format(line=function.__code__.co_firstlineno + 1) in stored.reason


async def test_the_first_fallback_that_matches_is_used(tmp_path: Path) -> None:
    """A fallback may be for one number only."""
    fallbacks = [
        {"kind": "GET_IVR_ACTION", "did": "072", "action": "VO", "fields": {"layer": 1}},
        {"kind": "GET_IVR_ACTION", "action": "HANGUP"},
    ]
    async with running(tmp_path, providers={"voicenter": {"fallbacks": fallbacks}}) as receiver:
        assert (await receiver.client.post("/voicenter", json=IVR)).json()["ACTION"] == "VO"
        other = {**IVR, "DATA": {"DID": "073"}}
        assert (await receiver.client.post("/voicenter", json=other)).json()["ACTION"] == "HANGUP"


@pytest.mark.parametrize(
    ("path", "body", "values"),
    [
        ("/voicenter", IVR, {"STATUS": 1, "ACTION": "HANGUP", "LANGUAGE": "HE", "DATA": {}}),
        ("/voicenter", LAYER, {"STATUS": 1}),
        (
            "/voicenter/popup",
            {"phone": "072"},
            {"STATUS": "OK", "URL": "", "CLIENTNAME": "", "TOTAL": "0", "COMPANY": ""},
        ),
    ],
)
async def test_c26_e18_f04_without_handler_and_fallback_the_error_reply_is_sent(
    tmp_path: Path, path: str, body: dict[str, Any], values: dict[str, Any]
) -> None:
    """The journal says that no handler answered."""
    async with running(tmp_path) as receiver:
        assert (await receiver.client.post(path, json=body)).json() == values
    [stored] = receiver.callbacks()
    assert stored.outcome == "failed"
    assert "no handler answers" in stored.reason


async def test_a_filter_that_raises_still_leads_to_a_reply(tmp_path: Path) -> None:
    """It counts as a failure of the handler."""
    handlers = Handlers()
    handlers.answer(IvrRequest, did=lambda did: did.no_such_thing)(lambda step: Menu(menu="m", rec="r", size=1))
    async with running(tmp_path, handlers) as receiver:
        assert (await receiver.client.post("/voicenter", json=IVR)).json()["STATUS"] == 1


async def test_the_pop_up_is_answered_before_the_providers_timeout(tmp_path: Path) -> None:
    """The provider's three seconds limit a longer deadline (A-08, E-22)."""
    handlers = Handlers()
    handlers.answer(PopupRequest, name="slow")(_late_and_stubborn)
    async with running(tmp_path, handlers, deadline=30) as receiver:
        reply = await asyncio.wait_for(receiver.client.get("/voicenter/popup?phone=1"), 3.0)
        assert reply.json()["TOTAL"] == "0"


async def test_a_record_and_its_event_both_reach_their_listeners(tmp_path: Path) -> None:
    """A CDR reaches listeners of Cdr and of CallRecord; a HANGUP_CALL likewise."""
    handlers, received = Handlers(), []
    for subject in (Cdr, HangupCall, CallRecord):
        handlers.on(subject, name=subject.__name__)(lambda one: received.append(type(one).__name__))
    async with running(tmp_path, handlers) as receiver:
        await receiver.client.post("/voicenter", json=CDR)
        hangup = {"METHOD": "HANGUP_CALL", "DATA": {"IVR_UNIQUE_ID": "x"}}
        await receiver.client.post("/voicenter", json=hangup)
        await eventually(lambda: sorted(received) == ["CallRecord", "CallRecord", "Cdr", "HangupCall"])
        await eventually(lambda: states(receiver.deliveries(1)) == ["done", "done"])


async def test_a_handler_that_cancels_itself_still_leads_to_a_reply(tmp_path: Path) -> None:
    """The error reply is sent, and the callback is stored."""

    async def cancels(step: IvrRequest) -> Menu:
        raise asyncio.CancelledError

    handlers = Handlers()
    handlers.answer(IvrRequest)(cancels)
    async with running(tmp_path, handlers) as receiver:
        reply = await receiver.client.post("/voicenter", json=IVR)
        assert (reply.status_code, reply.json()["STATUS"]) == (200, 1)
    assert [one.outcome for one in receiver.callbacks()] == ["failed"]


@pytest.mark.parametrize("agent", ["a\x85b", "a\x0bb", "a\x1cb", "", ": :"])
async def test_an_odd_header_has_no_effect(tmp_path: Path, agent: str) -> None:
    """It is stored as one line of text, and the callback is delivered."""
    handlers, received = Handlers(), []
    handlers.on(Cdr)(lambda cdr: received.append(cdr.caller))
    async with running(tmp_path, handlers) as receiver:
        headers = [(b"User-Agent", agent.encode("latin-1"))]
        await receiver.client.post("/voicenter", json=CDR, headers=headers)
        await eventually(lambda: received == ["0540000000"])
        [stored] = receiver.callbacks()
    assert len(dict(stored.headers)["user-agent"].splitlines()) <= 1


async def test_a_list_with_too_many_records_is_rejected(tmp_path: Path) -> None:
    """It is stored as one unparsed callback."""
    async with running(tmp_path) as receiver:
        for path in ("/voicenter", "/spokn"):
            await receiver.client.post(path, json=[CDR] * 1001)
        assert [one.outcome for one in receiver.callbacks()] == ["unparsed", "unparsed"]
        assert (await receiver.client.post("/voicenter", json=[CDR] * 1000)).json()["err"] == "0"


async def test_a_large_body_is_parsed_like_any_other(tmp_path: Path) -> None:
    """It is parsed on a thread; transcripts make records large."""
    async with running(tmp_path) as receiver:
        body = {**CDR, "aiData": {"transcript": "x" * 500_000}}
        assert (await receiver.client.post("/voicenter", json=body)).json()["err"] == "0"
        assert (await receiver.client.post("/voicenter", content=b"<" * 500_000)).status_code == 200
    assert [one.outcome for one in receiver.callbacks()] == ["accepted", "unparsed"]


async def test_a_head_request_is_never_a_question(tmp_path: Path) -> None:
    """Monitors send HEAD, also with a query (A-24)."""
    async with running(tmp_path) as receiver:
        assert (await receiver.client.head("/voicenter/popup?phone=072")).status_code == 200
        assert receiver.callbacks() == []


async def test_questions_are_not_answered_faster_than_they_can_be_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reply waits briefly while the journal is far behind; every question is stored."""
    monkeypatch.setattr(ask, "RESERVED_FOR_ANSWERS", 0)
    write = Database.write

    async def slowly(database: Database, work: Any) -> Any:
        await asyncio.sleep(0.02)
        return await write(database, work)

    monkeypatch.setattr(Database, "write", slowly)
    options: dict[str, Any] = {"journal_capacity": 100, "journal_batch": 10}
    async with running(tmp_path, _answering(IvrRequest, Menu(menu="main", rec="hi", size=1)), **options) as receiver:

        async def caller() -> None:
            for _ in range(15):
                assert (await receiver.client.post("/voicenter", json=IVR)).json()["ACTION"] == "MENU"

        await asyncio.gather(*(caller() for _ in range(20)))
    assert len(receiver.callbacks()) == 300
