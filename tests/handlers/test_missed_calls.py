"""Messages about missed calls, by mail and to chats, once per caller and hour."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email import message_from_string
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from handlers import missed_calls
from handlers.missed_calls import MissedCallsSettings, SentMessages, announce, quiet_seconds
from receiver import CallRecord, Context, Drop, RetryLater
from receiver.errors import SettingsError
from receiver.plugins.registry import Registry
from receiver.providers.spokn import StatusPost
from receiver.providers.voicenter import Cdr
from receiver.testing import deliver
from tests.handlers.servers import MailServer, WebServer, mail_server, web_server
from tests.support import eventually, running, states

JERUSALEM = ZoneInfo("Asia/Jerusalem")
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _mail(server: MailServer) -> str:
    return f"mailto://127.0.0.1:{server.port}?from=calls@example.com&to=office@example.com&mode=insecure"


def _chat(server: WebServer) -> str:
    return server.url.replace("http://", "json://") + "/hook"


def _settings(folder: Path, *urls: str, **settings: Any) -> dict[str, Any]:
    return {"urls": list(urls), "database_url": f"sqlite:///{folder}/missed-calls.db", **settings}


def _record(caller: str = "0540000000", **fields: Any) -> CallRecord:
    given: dict[str, Any] = {"direction": "incoming", "outcome": "no_answer", "event": Cdr(), **fields}
    return CallRecord(provider="voicenter", from_number=caller, to_number="0730000000", **given)


def _message(server: MailServer) -> tuple[Message, str]:
    [sent] = server.messages
    message = message_from_string(sent)
    body = message.get_payload(decode=True)
    assert isinstance(body, bytes)
    return message, body.decode()


def _texts(server: WebServer) -> list[str]:
    return [json.loads(request.body)["message"] for request in server.received]


def test_a_missed_call_is_announced_by_mail_and_in_a_chat(tmp_path: Path) -> None:
    """Once to each URL, with the caller in the title and the time in the zone of the settings."""
    record = _record(started=NOON)
    with mail_server() as mail, web_server() as chat:
        settings = _settings(tmp_path, _mail(mail), _chat(chat), time_zone="Asia/Jerusalem")
        assert deliver(missed_calls.handlers, record, settings) == ["handlers.missed_calls.announce"]
    message, body = _message(mail)
    assert (message["Subject"], message["To"]) == ("Missed call from 0540000000", "office@example.com")
    expected = "0540000000 called 0730000000 at 2026-01-05 14:00; the call ended as: no_answer."
    assert (body.strip(), _texts(chat)) == (expected, [expected])


@pytest.mark.parametrize(
    ("fields", "is_announced"),
    [
        ({"outcome": "abandoned"}, True),
        ({"outcome": "answered"}, False),
        ({"outcome": "voicemail"}, False),
        ({"direction": "outgoing"}, False),
        ({"direction": "internal"}, False),
    ],
)
def test_only_missed_incoming_calls_are_announced(tmp_path: Path, fields: dict[str, Any], is_announced: bool) -> None:
    """Other calls create no delivery."""
    with web_server() as chat:
        deliver(missed_calls.handlers, _record(**fields), _settings(tmp_path, _chat(chat)))
    assert bool(chat.received) is is_announced


def test_the_setting_outcomes_says_what_counts_as_missed(tmp_path: Path) -> None:
    """Voicemails, for example."""
    with web_server() as chat:
        settings = _settings(tmp_path, _chat(chat), outcomes=["voicemail"])
        assert deliver(missed_calls.handlers, _record(outcome="voicemail"), settings)
        assert deliver(missed_calls.handlers, _record(outcome="no_answer"), settings) == []
    assert len(chat.received) == 1


def test_a_template_names_fields_of_the_record_and_of_the_event(tmp_path: Path) -> None:
    """Hebrew included; what a provider does not send is blank."""
    record = _record(event=Cdr(queue_name="מכירות"), ring_seconds=12)
    with mail_server() as mail:
        settings = _settings(
            tmp_path, _mail(mail), title="שיחה: {caller}", text="{queue_name}, {ring_seconds} s, {cost}{unheard_of}."
        )
        deliver(missed_calls.handlers, record, settings)
    message, body = _message(mail)
    assert str(make_header(decode_header(message["Subject"]))) == "שיחה: 0540000000"
    assert body.strip() == "מכירות, 12 s, ."


def test_a_line_break_in_a_number_adds_no_header_and_no_recipient(tmp_path: Path) -> None:
    """A value stays on its line of the template, whatever a caller sends."""
    hostile = "054\r\nBcc: thief@example.com\r\n\r\n<script>alert(1)</script>\u202e" + "x" * 10_000
    with mail_server() as mail:
        settings = _settings(tmp_path, _mail(mail), text="from {caller}")
        deliver(missed_calls.handlers, _record(hostile), settings)
    message, body = _message(mail)
    assert message["Bcc"] is None
    assert str(make_header(decode_header(message["Subject"]))).startswith("Missed call from 054 Bcc: thief@example")
    assert len(body.strip().splitlines()) == 1
    assert len(body) < 300


def test_a_caller_without_a_number_is_announced_too(tmp_path: Path) -> None:
    """They count as one caller."""
    with web_server() as chat:
        for _ in range(2):
            deliver(missed_calls.handlers, _record(""), _settings(tmp_path, _chat(chat), text="{caller}"))
    assert _texts(chat) == ["an unknown number"]


def test_one_caller_is_announced_once_an_hour_however_the_number_is_written(tmp_path: Path) -> None:
    """Another caller is announced beside them."""
    with web_server() as chat:
        settings = _settings(tmp_path, _chat(chat), text="{caller}")
        for caller in ("0540000000", "+972540000000", "0540000001"):
            international = caller.removeprefix("+").removeprefix("0").removeprefix("972")
            deliver(missed_calls.handlers, _record(caller, from_international=f"972{international}"), settings)
    assert _texts(chat) == ["0540000000", "0540000001"]


class Clock:
    """Deliveries of one caller's calls to one chat, at chosen moments."""

    def __init__(self, chat: WebServer, database_url: str) -> None:
        self.chat = chat
        url = database_url.replace("postgresql://", "postgresql+psycopg://")
        self.settings = MissedCallsSettings.model_validate({"urls": _chat(chat), "database_url": url})

    def send(self, delivery: int, at: datetime) -> bool:
        """One attempt of a delivery."""
        context = Context(delivery_id=str(delivery), received_at=NOON)
        return SentMessages(self.settings, context, at).send_once(_record(), _chat(self.chat), "title", str(delivery))


def test_after_the_interval_the_caller_is_announced_again(database_url: str) -> None:
    """Measured from the message, not from the calls that caused none."""
    with web_server() as chat:
        clock = Clock(chat, database_url)
        for delivery, minutes in enumerate((0, 30, 59, 60, 119, 120)):
            assert clock.send(delivery, NOON + timedelta(minutes=minutes))
    assert _texts(chat) == ["0", "3", "5"]


def test_a_delivery_that_failed_keeps_its_claim_and_sends_later(database_url: str) -> None:
    """Further calls of that caller wait for it; none of them sends beside it."""
    with web_server(500, 200) as chat:
        clock = Clock(chat, database_url)
        assert not clock.send(1, NOON)
        assert clock.send(2, NOON)
        assert clock.send(1, NOON + timedelta(seconds=5))
    assert _texts(chat) == ["1", "1"]


def test_the_next_call_is_announced_where_a_message_could_not_be_sent_for_an_hour(database_url: str) -> None:
    """A claim does not outlive the interval."""
    with web_server(500, 200) as chat:
        clock = Clock(chat, database_url)
        assert not clock.send(1, NOON)
        assert clock.send(2, NOON + HOUR)
        assert clock.send(1, NOON + HOUR)
    assert _texts(chat) == ["1", "2"]


def test_a_message_that_was_sent_is_not_sent_again_by_a_late_attempt(database_url: str) -> None:
    """A delivery may be retried because of another URL, or after a crash, also hours later."""
    with web_server() as chat:
        clock = Clock(chat, database_url)
        assert clock.send(1, NOON)
        assert clock.send(1, NOON + 3 * HOUR)
    assert _texts(chat) == ["1"]


def test_of_receivers_that_try_at_once_one_sends(database_url: str) -> None:
    """They share the database alone."""
    with web_server() as chat, ThreadPoolExecutor(8) as receivers:
        clock = Clock(chat, database_url)
        clock.send(0, NOON - 2 * HOUR)
        assert all(receivers.map(lambda delivery: clock.send(delivery, NOON), range(1, 17)))
    assert len(chat.received) == 2


def test_no_number_and_no_secret_is_kept(tmp_path: Path) -> None:
    """The database holds hashes, and not for long."""
    with web_server() as chat:
        deliver(missed_calls.handlers, _record(), _settings(tmp_path, _chat(chat) + "?token=hunter2"))
    content = (tmp_path / "missed-calls.db").read_bytes()
    assert b"540000000" not in content
    assert b"hunter2" not in content


def test_where_one_url_fails_the_others_get_their_message_once(tmp_path: Path) -> None:
    """The attempt fails, and the next one sends what is missing."""
    with web_server() as working, mail_server(refusals=1) as failing:
        settings = _settings(tmp_path, _mail(failing), _chat(working))
        context = Context(delivery_id="1", settings=settings)
        with pytest.raises(RetryLater, match="1 of 2 messages could not be sent"):
            announce(_record(), context)
        announce(_record(), context)
    assert (len(working.received), len(failing.messages)) == (1, 1)


@pytest.mark.parametrize(
    ("period", "at", "seconds"),
    [
        ("", "12:00", 0),
        ("22:00-07:00", "21:59", 0),
        ("22:00-07:00", "22:00", 9 * 3600),
        ("22:00-07:00", "23:30", 7.5 * 3600),
        ("22:00-07:00", "00:00", 7 * 3600),
        ("22:00-07:00", "06:59", 60),
        ("22:00-07:00", "07:00", 0),
        ("13:00-14:30", "13:30", 3600),
        ("13:00-14:30", "14:30", 0),
        ("20:00-00:00", "23:00", 3600),
    ],
)
def test_quiet_hours_end_when_they_say(period: str, at: str, seconds: float) -> None:
    """Also across midnight."""
    moment = datetime.fromisoformat(f"2026-01-05 {at}").replace(tzinfo=JERUSALEM)
    assert quiet_seconds(period, moment) == seconds


def test_quiet_hours_count_the_hour_that_daylight_saving_takes() -> None:
    """In the night of 27 March 2026 Israel's clocks skip an hour."""
    assert quiet_seconds("22:00-07:00", datetime(2026, 3, 26, 22, 0, tzinfo=JERUSALEM)) == 8 * 3600


def test_in_quiet_hours_a_message_waits_until_they_are_over(tmp_path: Path) -> None:
    """The attempt requests a retry at their end."""
    now = datetime.now(UTC)
    quiet = f"{now - HOUR:%H:%M}-{now + HOUR:%H:%M}"
    with web_server() as chat, pytest.raises(RetryLater, match="quiet hours") as caught:
        deliver(missed_calls.handlers, _record(), _settings(tmp_path, _chat(chat), quiet_hours=quiet))
    assert caught.value.after is not None
    assert 3500 < caught.value.after <= 3600
    assert not chat.received


def test_an_old_call_is_dropped(tmp_path: Path) -> None:
    """A replay of last month announces none of its calls."""
    with web_server() as chat:
        settings = _settings(tmp_path, _chat(chat))
        context = Context(delivery_id="1", received_at=datetime.now(UTC) - timedelta(hours=25), settings=settings)
        with pytest.raises(Drop, match="older than 24 hours"):
            announce(_record(), context)
    assert not chat.received


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "handler_settings.missed_calls.urls is missing"),
        ({"urls": []}, "handler_settings.missed_calls.urls: "),
        ({"urls": "smoke://signal/hunter2"}, "urls.0: no service has a URL like this; https://appriseit.com"),
        ({"quiet_hours": "22-07"}, "handler_settings.missed_calls.quiet_hours: write"),
        ({"quiet_hours": "at night"}, "handler_settings.missed_calls.quiet_hours: write"),
        ({"quiet_hours": "07:00-07:00"}, "handler_settings.missed_calls.quiet_hours: write"),
        ({"title": "{caller"}, "title: expected '}' before end of string: write names in braces"),
        ({"text": "{0}"}, "handler_settings.missed_calls.text: "),
        ({"text": "{caller.number}"}, "handler_settings.missed_calls.text: "),
        ({"outcomes": ["lost"]}, "handler_settings.missed_calls.outcomes.0: "),
        ({"time_zone": "Israel"}, None),
        ({"time_zone": "Israel/Nowhere"}, "handler_settings.missed_calls.time_zone: "),
        ({"database_url": "calls.db"}, "handler_settings.missed_calls.database_url: write"),
        ({"database_url": "oracle+nothing://x"}, "handler_settings.missed_calls.database_url: write"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(settings: dict[str, Any], message: str | None) -> None:
    """Each is named, and no secret is shown."""
    table = {"urls": ["json://localhost"], **settings} if settings else {}
    if message is None:
        Registry(missed_calls.handlers, {}, handler_settings={"missed_calls": table})
        return
    with pytest.raises(SettingsError, match=message) as caught:
        Registry(missed_calls.handlers, {}, handler_settings={"missed_calls": table})
    assert "hunter2" not in str(caught.value)


async def test_two_receivers_announce_a_caller_once_between_them_and_after_a_restart(tmp_path: Path) -> None:
    """Each has a journal of its own; the sent messages are in a shared database."""
    cdr = {"caller": "0540000000", "type": "Incoming Call", "status": "NOANSWER"}
    with mail_server() as mail:
        settings = {"missed_calls": _settings(tmp_path, _mail(mail))}
        for name in ("one", "two", "one"):
            (tmp_path / name).mkdir(exist_ok=True)
            async with running(tmp_path / name, missed_calls.handlers, handler_settings=settings) as receiver:
                number = len(receiver.callbacks()) + 1
                await receiver.client.post("/voicenter", json={**cdr, "ivruniqueid": f"{name}-{number}"})
                await eventually(lambda: states(receiver.deliveries(number)) == ["done"])  # noqa: B023 - awaited here
    assert len(mail.messages) == 1


async def test_a_message_that_the_mail_server_refuses_is_sent_at_the_next_attempt(tmp_path: Path) -> None:
    """A whole receiver: the delivery shows what failed, and one message arrives."""
    with mail_server(refusals=2) as mail:
        settings = {"missed_calls": _settings(tmp_path, _mail(mail))}
        async with running(tmp_path, missed_calls.handlers, handler_settings=settings, retry_first_pause=0) as receiver:
            cdr = {"caller": "0540000000", "type": "Incoming Call", "status": "NOANSWER", "ivruniqueid": "c1"}
            await receiver.client.post("/voicenter", json=cdr)
            await eventually(lambda: states(receiver.deliveries(1)) == ["done"])
        [delivery] = receiver.deliveries(1)
    assert [failure.error for failure in delivery.failures] == ["1 of 1 messages could not be sent"] * 2
    assert len(mail.messages) == 1


def test_another_provider_is_announced_as_well(tmp_path: Path) -> None:
    """A template that names one provider's field is blank for the other."""
    record = _record(event=StatusPost())
    with web_server() as chat:
        deliver(missed_calls.handlers, record, _settings(tmp_path, _chat(chat), text="{caller} {queue_name}"))
    assert _texts(chat) == ["0540000000"]
