"""Post calls to a URL, signed and with retries."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from handlers import forward
from receiver import CallRecord, Drop, Outcome, RetryLater
from receiver.errors import SettingsError
from receiver.plugins.registry import Registry
from receiver.providers.voicenter import Cdr
from receiver.testing import deliver
from tests.handlers.servers import Answer, Received, WebServer, web_server
from tests.support import eventually, running, states

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OTHER_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOSTILE = 'שרה "Sarah"\r\nX-Admin: 1\u202e'
RECORD = CallRecord(
    provider="voicenter",
    call_id="c1",
    from_number="0540000000",
    outcome=Outcome.ANSWERED,
    event=Cdr.from_wire({"caller": "0540000000", "queuename": HOSTILE, "unheard_of": b"\xff"}),
)


def _settings(server: WebServer, **settings: Any) -> dict[str, Any]:
    return {"url": f"{server.url}/hooks?tenant=7", "secrets": [SECRET], **settings}


def _verified(request: Received, secret: str = SECRET) -> Any:
    return Webhook(secret).verify(request.body, request.headers)


def test_a_record_is_posted_and_signed() -> None:
    """The server verifies it with the library of Standard Webhooks, and gets the whole record."""
    with web_server() as server:
        assert deliver(forward.handlers, RECORD, _settings(server)) == ["handlers.forward.post"]
    [request] = server.received
    assert (request.method, request.path) == ("POST", "/hooks?tenant=7")
    assert request.headers["content-type"] == "application/json"
    message = _verified(request)
    assert (message["type"], message["data"]) == ("call.ended", {"record": RECORD.as_json()})
    assert datetime.fromisoformat(message["timestamp"]).tzinfo is not None


def test_a_changed_message_does_not_verify() -> None:
    """The signature covers every byte."""
    with web_server() as server:
        deliver(forward.handlers, RECORD, _settings(server))
    [request] = server.received
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body.replace(b"0540000000", b"0540000001"), request.headers)


@pytest.mark.parametrize("secrets", [[SECRET, OTHER_SECRET], f"{SECRET}, {OTHER_SECRET}"])
def test_each_secret_signs_so_that_one_can_be_changed(secrets: object) -> None:
    """The other side may know the old one or the new one; in the environment they are separated by commas."""
    with web_server() as server:
        deliver(forward.handlers, RECORD, _settings(server, secrets=secrets))
    [request] = server.received
    assert _verified(request, SECRET) == _verified(request, OTHER_SECRET)


@pytest.mark.parametrize(
    ("what", "parts"), [("records", {"record"}), ("events", {"event"}), ("both", {"record", "event"})]
)
def test_the_setting_what_decides_which_parts_are_posted(what: str, parts: set[str]) -> None:
    """In one message, so that one call is one post."""
    with web_server() as server:
        deliver(forward.handlers, RECORD, _settings(server, what=what))
    [request] = server.received
    assert _verified(request)["data"].keys() == parts


def test_an_event_is_posted_with_every_value_whatever_it_holds() -> None:
    """Hebrew, line breaks and bytes arrive as they were sent; bytes as Base64."""
    with web_server() as server:
        deliver(forward.handlers, RECORD, _settings(server, what="events"))
    [request] = server.received
    event = _verified(request)["data"]["event"]
    assert (event["provider"], event["kind"]) == ("voicenter", "CDR")
    assert event["fields"]["queue_name"] == HOSTILE
    assert event["fields"]["extra"] == {"unheard_of": "_w=="}
    assert "raw" not in event["fields"]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_an_answer_of_success_ends_the_delivery(status: int) -> None:
    """Whatever else it holds."""
    with web_server(status) as server:
        deliver(forward.handlers, RECORD, _settings(server))
    assert len(server.received) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 404, 408, 422, 429, 500, 502, 503])
def test_any_other_answer_is_tried_again(status: int) -> None:
    """Also 4xx: a wrong secret or path is repaired while the deliveries wait."""
    with web_server(status) as server, pytest.raises(RetryLater, match=f"127.0.0.1 answered {status}") as caught:
        deliver(forward.handlers, RECORD, _settings(server))
    assert caught.value.after is None


def test_gone_drops_the_delivery() -> None:
    """In Standard Webhooks, 410 means that the URL accepts no more messages."""
    with web_server(410) as server, pytest.raises(Drop, match="answered 410"):
        deliver(forward.handlers, RECORD, _settings(server))


def test_a_server_that_is_down_is_a_failure_that_is_tried_again() -> None:
    """Any exception except Drop is retried."""
    with web_server() as server:
        settings = _settings(server)
    with pytest.raises(httpx.TransportError):
        deliver(forward.handlers, RECORD, settings)


def test_the_other_side_decides_when_it_is_asked_again() -> None:
    """Retry-After is honoured."""
    with web_server(Answer(429, headers={"Retry-After": "120"})) as server, pytest.raises(RetryLater) as caught:
        deliver(forward.handlers, RECORD, _settings(server))
    assert caught.value.after == 120


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", None),
        ("soon", None),
        ("-5", None),
        ("٣", 3.0),
        ("²", None),
        ("0", 0.0),
        ("90", 90.0),
        ("9" * 400, forward.LONGEST_PAUSE),
        ("Wed, 01 Jan 2025 00:02:00 GMT", 120.0),
        ("Wed, 01 Jan 2025 00:02:00", 120.0),
        ("Wed, 01 Jan 2020 00:00:00 GMT", 0.0),
        ("Wed, 01 Jan 2125 00:00:00 GMT", forward.LONGEST_PAUSE),
        ("Wed, 99 Jan 2025 00:02:00 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str, seconds: float | None) -> None:
    """A day at most; what cannot be read counts as not sent (RFC 9110, 10.2.3)."""
    assert forward.pause(header, datetime(2025, 1, 1, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"secrets": [SECRET]}, "handler_settings.forward.url is missing"),
        ({"url": "crm.example.com", "secrets": [SECRET]}, "handler_settings.forward.url: "),
        ({"url": "https://crm.example.com", "secrets": []}, "handler_settings.forward.secrets: "),
        ({"url": "https://crm.example.com", "secrets": ["hunter2"]}, "secrets.0: a secret is whsec_ and 24"),
        ({"url": "https://crm.example.com", "secrets": ["whsec_c2hvcnQ="]}, "openssl rand -base64 32"),
        ({"url": "https://crm.example.com", "secrets": [SECRET], "what": "all"}, "handler_settings.forward.what: "),
    ],
)
def test_settings_that_cannot_work_stop_the_start(settings: dict[str, Any], message: str) -> None:
    """Each is named, and no secret is shown."""
    with pytest.raises(SettingsError, match=message) as caught:
        Registry(forward.handlers, {}, handler_settings={"forward": settings})
    assert "hunter2" not in str(caught.value)


async def test_a_call_is_posted_until_it_is_accepted_always_under_one_id(tmp_path: Path) -> None:
    """A whole receiver: the server fails twice, and the third attempt has the same message id."""
    with web_server(500, 503, 200) as server:
        settings = {"forward": _settings(server)}
        async with running(tmp_path, forward.handlers, handler_settings=settings, retry_first_pause=0) as receiver:
            cdr = {"caller": "0540000000", "ivruniqueid": "c1", "status": "ANSWER"}
            assert (await receiver.client.post("/voicenter", json=cdr)).status_code == 200
            await eventually(lambda: states(receiver.deliveries(1)) == ["done"])
        [delivery] = receiver.deliveries(1)
    assert [failure.error for failure in delivery.failures] == ["127.0.0.1 answered 500", "127.0.0.1 answered 503"]
    assert len(server.received) == 3
    assert len({request.headers["webhook-id"] for request in server.received}) == 1
    assert [_verified(request)["data"]["record"]["call_id"] for request in server.received] == ["c1"] * 3


async def test_two_calls_have_two_ids_and_a_second_url_retries_on_its_own(tmp_path: Path) -> None:
    """`forwarding` makes a further set of handlers: if one URL fails, the other gets each call once."""
    billing = forward.forwarding("billing")
    with web_server() as crm, web_server(500, 200) as accounts:
        settings = {"forward": _settings(crm), "billing": _settings(accounts, secrets=[OTHER_SECRET])}
        async with running(
            tmp_path, forward.handlers, billing, handler_settings=settings, retry_first_pause=0
        ) as receiver:
            for call_id in ("c1", "c2"):
                await receiver.client.post("/voicenter", json={"ivruniqueid": call_id})
            await eventually(lambda: states([*receiver.deliveries(1), *receiver.deliveries(2)]) == ["done"] * 4)
    assert len(crm.received) == len({request.headers["webhook-id"] for request in crm.received}) == 2
    assert len(accounts.received) == 3
    assert json.loads(accounts.received[0].body) == _verified(accounts.received[0], OTHER_SECRET)
