"""Recognition: whether a request is a question is decided once, also for aliases and under overload."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from receiver.intake.receive import Intake
from receiver.metrics import Metrics
from receiver.plugins import Handlers
from receiver.providers.base.contract import CallbackRequest
from receiver.providers.voicenter import GoToLayer, Hangup, IvrRequest, LayerInput, Voicenter
from receiver.wire.xmlrpc import write_call
from tests.providers.support import request, voicenter
from tests.support import running

IVR = {"MENU": "-1", "PREVIOUS_MENU": "-1", "IVR_UNIQUE_ID": "c", "DID": "072"}
LAYER = {"LAYER_ID": 8, "DTMF": "1", "IVR_UNIQUE_ID": "c"}
CDR = {"ivruniqueid": "c", "caller": "054", "queuename": "POPUP team"}


def _json(method: str, data: dict[str, Any]) -> bytes:
    return orjson.dumps({"METHOD": method, "DATA": data})


QUESTIONS = {
    "C-03 in lower case": _json("get_ivr_action", IVR),
    "C-03 IVR_MENU": _json("IVR_MENU", IVR),
    "E-01 IvrExternalLayerInput": _json("IvrExternalLayerInput", LAYER),
    "E-01 IVR_EXTERNAL_LAYER_INPUT": _json("IVR_EXTERNAL_LAYER_INPUT", LAYER),
    "XML with an alias": write_call("IVR_MENU", IVR),
    "XML with a prefix": write_call("x.get_ivr_action", IVR),
    "UTF-16": write_call("GET_IVR_ACTION", IVR).decode().replace("utf-8", "utf-16").encode("utf-16"),
    "UTF-16 JSON": _json("GET_IVR_ACTION", IVR).decode().encode("utf-16-le"),
    "DATA before METHOD": orjson.dumps({"DATA": IVR, "METHOD": "GET_IVR_ACTION"}),
    "without METHOD": orjson.dumps(IVR),
    "a layer without METHOD": orjson.dumps(LAYER),
    "a pop-up form": b"phone=054&ivrid=1&did=072&status=Ringing",
    "far below": b" " * 2000 + _json("GET_IVR_ACTION", IVR),
}
RECORDS = {
    "a queue named like a question": orjson.dumps(CDR),
    "the same in XML": write_call("CDR", CDR),
    "a word of a question in a value": write_call("CDR", {**CDR, "queuename": "GET_IVR_ACTION"}),
    "a hangup": _json("HANGUP_CALL", {"IVR_UNIQUE_ID": "c", "CALL_STATUS": "ANSWERED"}),
    "what cannot be read": b"{",
}


def _intake() -> Intake:
    return Intake(None, None, None, metrics=Metrics())  # type: ignore[arg-type]  # recognition needs none of them


@pytest.mark.parametrize("body", QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_is_recognised_whatever_its_spelling(body: bytes) -> None:
    """At the common URL, where only the content decides."""
    assert _intake().recognise(voicenter(), request(voicenter(), body)).asks


@pytest.mark.parametrize("body", RECORDS.values(), ids=RECORDS)
def test_a_record_is_not_a_question_whatever_its_values(body: bytes) -> None:
    """A queue may have any name."""
    assert not _intake().recognise(voicenter(), request(voicenter(), body)).asks


@pytest.mark.parametrize("body", [*QUESTIONS.values(), *RECORDS.values()], ids=[*QUESTIONS, *RECORDS])
async def test_no_body_is_parsed_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """The result of recognition is used to the end of the path."""
    parsed: list[bytes] = []
    read = Voicenter.read

    def count(provider: Voicenter, request: CallbackRequest) -> Any:
        parsed.append(request.body)
        return read(provider, request)

    monkeypatch.setattr(Voicenter, "read", count)
    async with running(tmp_path) as receiver:
        assert (await receiver.client.post("/voicenter", content=body)).status_code == 200
    assert parsed == [body]


OVERLOAD = {
    **{name: ("/voicenter", QUESTIONS[name], {"STATUS": 1}) for name in QUESTIONS if "pop-up" not in name},
    "a pop-up": ("/voicenter/popup", b'{"phone": "1"}', {"STATUS": "1"}),
    "a CDR": ("/voicenter", RECORDS["a queue named like a question"], {"err": "2"}),
    "a hangup": ("/voicenter", RECORDS["a hangup"], {"STATUS": 1}),
    "a hangup at its URL": ("/voicenter/hangup", b'{"IVR_UNIQUE_ID": "c"}', {"STATUS": 1}),
    "broken JSON of a question": ("/voicenter", b'{"METHOD": "IVR_MENU", "DATA": {', {"STATUS": 1}),
}


@pytest.mark.parametrize(("path", "body", "error"), OVERLOAD.values(), ids=OVERLOAD)
async def test_overload_gets_the_error_reply_of_the_callback(
    tmp_path: Path, path: str, body: bytes, error: dict[str, Any]
) -> None:
    """A question never gets a CDR's `err`; here the room for questions is used up as well."""
    held = asyncio.Event()
    handlers = Handlers("held")

    @handlers.answer(IvrRequest)
    async def wait(_: IvrRequest) -> Hangup:
        await held.wait()
        return Hangup()

    async with running(tmp_path, handlers, max_requests=4) as receiver, asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(receiver.client.post("/voicenter/ivr", json=IVR)) for _ in range(4)]
        await asyncio.sleep(0.2)
        reply = await receiver.client.post(path, content=body)
        held.set()
        assert [(await one).status_code for one in waiting] == [200] * 4
    assert reply.status_code == 503
    values = reply.json() if not reply.text.startswith("<") else {"STATUS": 1 if "STATUS" in reply.text else None}
    assert error.items() <= values.items()


@pytest.mark.parametrize("name", [name for name in QUESTIONS if "pop-up" not in name])
async def test_questions_have_room_under_every_spelling(tmp_path: Path, name: str) -> None:
    """A quarter of the room is reserved for questions, also at the common URL."""
    held = asyncio.Event()
    handlers = Handlers("held")

    @handlers.answer(IvrRequest)
    async def wait(_: IvrRequest) -> Hangup:
        await held.wait()
        return Hangup()

    handlers.answer(LayerInput, name="layer")(lambda _: GoToLayer(layer=1))
    async with running(tmp_path, handlers, max_requests=4) as receiver, asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(receiver.client.post("/voicenter/ivr", json=IVR)) for _ in range(3)]
        await asyncio.sleep(0.2)
        record = await receiver.client.post("/voicenter", json=CDR)
        question = tasks.create_task(receiver.client.post("/voicenter", content=QUESTIONS[name]))
        await asyncio.sleep(0.2)
        held.set()
        assert [(await one).status_code for one in waiting] == [200] * 3
        assert (record.status_code, (await question).status_code) == (503, 200)


async def test_a_fault_of_ours_keeps_the_kind_of_a_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fault of ours it is stored unparsed, and gets its kind's error reply."""

    def fails(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(Voicenter, "read", fails)
    async with running(tmp_path) as receiver:
        reply = await receiver.client.post("/voicenter", content=QUESTIONS["C-03 IVR_MENU"])
        assert reply.json()["STATUS"] == 1
    [stored] = receiver.callbacks()
    assert (stored.kind, stored.outcome) == ("GET_IVR_ACTION", "unparsed")
