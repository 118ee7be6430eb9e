"""GET requests: the readiness line, a callback in a query, or another query (A-01, A-24)."""

from pathlib import Path

import pytest

from storage import rejections
from tests.support import running

READY = "The receiver is ready"


@pytest.mark.parametrize(
    ("url", "kind", "reply"),
    [
        ("/voicenter/cdr?ivruniqueid=a&caller=054&status=ANSWER", "CDR", '{"err":"0"'),
        ("/voicenter?ivruniqueid=a&caller=054&status=ANSWER", "CDR", '{"err":"0"'),
        ("/voicenter/ivr?MENU=-1&PREVIOUS_MENU=-1&IVR_UNIQUE_ID=a", "GET_IVR_ACTION", '{"STATUS":1'),
        ("/voicenter?MENU=-1&PREVIOUS_MENU=-1&IVR_UNIQUE_ID=a", "GET_IVR_ACTION", '{"STATUS":1'),
        ("/voicenter?METHOD=HANGUP_CALL&CALL_STATUS=ANSWER&IVR_UNIQUE_ID=a", "HANGUP_CALL", '{"STATUS":0'),
        ("/voicenter/hangup?IVR_UNIQUE_ID=a", "HANGUP_CALL", '{"STATUS":0'),
        ("/voicenter/layer?LAYER_ID=1&DTMF=2", "IVR_LAYER_INPUT", '{"STATUS":1'),
        ("/voicenter/popup?phone=054", "POPUP", '{"STATUS":"OK"'),
        ("/voicenter?phone=054&ivrid=a&status=Ringing", "POPUP", '{"STATUS":"OK"'),
        ("/spokn?userid=1&aparty=054&status=0&token=a", "STATUS", "OK"),
    ],
)
async def test_a24_a_query_with_known_fields_is_a_callback(tmp_path: Path, url: str, kind: str, reply: str) -> None:
    """The document does not state the method; a record that is answered "ready" would be lost."""
    async with running(tmp_path) as receiver:
        answer = await receiver.client.get(url)
        assert answer.status_code == 200
        assert answer.text.startswith(reply)
    [stored] = receiver.callbacks()
    assert (stored.kind, stored.method, stored.format) == (kind, "GET", "query")
    assert stored.query.decode() == url.partition("?")[2]


async def test_a01_a_get_with_a_body_is_a_callback(tmp_path: Path) -> None:
    """In any format, whatever the query is."""
    async with running(tmp_path) as receiver:
        answer = await receiver.client.request("GET", "/voicenter?a=1", json={"ivruniqueid": "a", "caller": "1"})
        assert answer.json()["err"] == "0"
    assert [one.kind for one in receiver.callbacks()] == ["CDR"]


async def test_a24_a_query_that_is_not_a_callback_is_answered_and_listed(tmp_path: Path) -> None:
    """200 for monitors that add a parameter; `receiver refused` has the reason why nothing was stored."""
    async with running(tmp_path) as receiver:
        for path in ("/voicenter?utm=1", "/voicenter/cdr?utm=1", "/voicenter/popup?x=y", "/spokn?utm=1"):
            answer = await receiver.client.get(path)
            assert (answer.status_code, answer.text.startswith(READY)) == (200, True)
    assert receiver.callbacks() == []
    listed = receiver.query(lambda connection: rejections.latest(connection, 10))
    assert {(one.path, one.reason) for one in listed} == {
        (path, "a GET request whose query is no callback")
        for path in ("/voicenter", "/voicenter/cdr", "/voicenter/popup", "/spokn")
    }


@pytest.mark.parametrize("url", ["/voicenter", "/voicenter?ivruniqueid=a", "/spokn?userid=1"])
async def test_a24_head_and_get_without_a_query_get_the_readiness_line(tmp_path: Path, url: str) -> None:
    """Nothing is stored, and nothing is listed."""
    async with running(tmp_path) as receiver:
        assert (await receiver.client.head(url)).status_code == 200
        assert (await receiver.client.get(url.partition("?")[0])).text.startswith(READY)
    assert receiver.callbacks() == []
    assert receiver.query(lambda connection: rejections.latest(connection, 10)) == []


async def test_a_repeat_in_a_query_is_a_repeat_of_the_body(tmp_path: Path) -> None:
    """Only the content counts (A-09)."""
    async with running(tmp_path) as receiver:
        await receiver.client.post("/voicenter", json={"ivruniqueid": "a", "caller": "054"})
        await receiver.client.get("/voicenter?ivruniqueid=a&caller=054")
    assert [one.outcome for one in receiver.callbacks()] == ["accepted", "duplicate"]
