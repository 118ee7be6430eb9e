"""Methods, paths and limits."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support import running


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/voicenter", "/spokn", "/voicenter/popup", "/voicenter/cdr"])
async def test_a24_a_get_of_a_callback_url_gets_the_readiness_line(tmp_path: Path, method: str, path: str) -> None:
    """People open the URL in a browser, and monitors request it: one plain line, and nothing is stored."""
    async with running(tmp_path) as receiver:
        reply = await receiver.client.request(method, path)
        assert (reply.status_code, reply.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert reply.text.count("\n") == (method == "GET")
        assert receiver.callbacks() == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a01_other_methods_are_not_allowed(tmp_path: Path, method: str) -> None:
    """The reply names the allowed ones."""
    async with running(tmp_path) as receiver:
        reply = await receiver.client.request(method, "/voicenter")
        assert reply.status_code == 405
        assert "POST" in reply.headers["allow"]


async def test_a27_a_slash_at_the_end_does_not_redirect(tmp_path: Path) -> None:
    """A redirect would lose a POST; unknown query parameters are ignored."""
    async with running(tmp_path) as receiver:
        reply = await receiver.client.post("/voicenter/?utm=1", json={"ivruniqueid": "1"})
        assert (reply.status_code, reply.json()["err"]) == (200, "0")


async def test_a27_a_providers_path_is_a_setting(tmp_path: Path) -> None:
    """The URL is the customer's."""
    async with running(tmp_path, providers={"voicenter": {"path": "/calls/vc/"}}) as receiver:
        assert (await receiver.client.post("/calls/vc", json={"ivruniqueid": "1"})).json()["err"] == "0"
        assert (await receiver.client.get("/calls/vc/popup?phone=1")).status_code == 200
        assert (await receiver.client.post("/voicenter", json={"ivruniqueid": "1"})).status_code == 404


async def test_a04_each_kind_has_its_own_url_too(tmp_path: Path) -> None:
    """There the path decides the kind if the content does not."""
    async with running(tmp_path) as receiver:
        reply = await receiver.client.post("/voicenter/ivr", json={"DATA": {"MENU": "-1"}})
        assert reply.json()["ACTION"] == "HANGUP"
        assert (await receiver.client.post("/voicenter/layer", content=b"{")).json() == {"STATUS": 1}
    assert [one.kind for one in receiver.callbacks()] == ["GET_IVR_ACTION", "IVR_LAYER_INPUT"]


async def test_f06_without_an_origin_options_says_what_is_allowed(tmp_path: Path) -> None:
    """It has no cross-origin header."""
    async with running(tmp_path) as receiver:
        reply = await receiver.client.options("/voicenter/popup", headers={"Origin": "https://crm.example"})
        assert reply.status_code == 204
        assert "POST" in reply.headers["allow"]
        assert "access-control-allow-origin" not in reply.headers


async def test_f06_a_configured_origin_may_call_the_pop_up_from_a_browser(tmp_path: Path) -> None:
    """Replies to preflight and request have the cross-origin header for this origin only."""
    options = {"voicenter": {"popup_origins": ["https://crm.example"]}}
    async with running(tmp_path, providers=options) as receiver:
        for origin, allowed in (("https://crm.example", "https://crm.example"), ("https://evil.example", None)):
            asking = {"Origin": origin, "Access-Control-Request-Method": "GET"}
            preflight = await receiver.client.options("/voicenter/popup", headers=asking)
            reply = await receiver.client.get("/voicenter/popup?phone=1", headers={"Origin": origin})
            assert preflight.headers.get("access-control-allow-origin") == allowed
            assert reply.headers.get("access-control-allow-origin") == allowed
        assert (await receiver.client.options("/voicenter")).status_code == 405


async def test_a_body_that_is_too_long_is_rejected(tmp_path: Path) -> None:
    """Declared or streamed, before it is read into memory."""

    async def streamed() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 500

    async with running(tmp_path, max_transcript_bytes=1000) as receiver:
        assert (await receiver.client.post("/voicenter", content=b"x" * 1001)).status_code == 413
        assert (await receiver.client.post("/voicenter", content=streamed())).status_code == 413
        assert receiver.callbacks() == []


async def test_only_what_may_carry_a_transcript_may_be_long(tmp_path: Path) -> None:
    """CDRs may be long, at their own URL and at the common URL; other callbacks may not."""
    async with running(tmp_path, max_body_bytes=1000, max_transcript_bytes=2000) as receiver:
        body = b'{"ivruniqueid": "0540000000", "phone": "1", "AI Data": "' + b"x" * 1000 + b'"}'
        for path, status in (
            ("", 200),
            ("/cdr", 200),
            ("/ivr", 413),
            ("/hangup", 413),
            ("/layer", 413),
            ("/popup", 413),
        ):
            assert (await receiver.client.post(f"/voicenter{path}", content=body)).status_code == status
        assert (await receiver.client.post("/spokn", content=body)).status_code == 413


async def test_a26_an_unknown_encoding_is_rejected(tmp_path: Path) -> None:
    """With 415 and a sentence that says which encodings are supported."""
    async with running(tmp_path) as receiver:
        reply = await receiver.client.post("/voicenter", content=b"x", headers={"Content-Encoding": "br"})
        assert reply.status_code == 415
        assert "Content-Encoding" in reply.text


async def test_g02_a_status_post_gets_a_plain_ok(tmp_path: Path) -> None:
    """In every format it may come in (G-01)."""
    fields = {"userid": "1", "token": "t", "status": "0"}
    async with running(tmp_path) as receiver:
        for number, request in enumerate(({"data": fields}, {"json": fields}, {"params": fields})):
            changed = {key: {**value, "leg": str(number)} for key, value in request.items()}
            reply = await receiver.client.post("/spokn", **changed)  # type: ignore[arg-type]  # a name from the test's table
            assert (reply.status_code, reply.text) == (200, "OK")
            assert reply.headers["content-type"] == "text/plain; charset=utf-8"
        assert [one.call_id for one in receiver.callbacks()] == ["t", "t", "t"]


async def test_health_says_ok(tmp_path: Path) -> None:
    """For monitors."""
    async with running(tmp_path) as receiver:
        assert (await receiver.client.get("/health")).text == "ok\n"


async def test_f06_a_browser_without_the_secret_learns_nothing(tmp_path: Path) -> None:
    """A preflight needs the secret too; it needs no password, because browsers send none with it."""
    trust = {"secrets": "a-long-secret", "passwords": "user:password"}
    options = {"voicenter": {"popup_origins": ["https://crm.example"]}}
    asks = {"Origin": "https://crm.example", "Access-Control-Request-Method": "GET"}
    async with running(tmp_path, providers=options, **trust) as receiver:
        refused = await receiver.client.options("/a-wrong-secret/voicenter/popup", headers=asks)
        assert (refused.status_code, refused.text) == (404, "Not Found")
        allowed = await receiver.client.options("/a-long-secret/voicenter/popup", headers=asks)
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://crm.example")
