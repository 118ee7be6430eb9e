"""Messages reach real servers through apprise, and secrets stay out of the log."""

import json
import sys

import pytest
from pydantic import SecretStr

from receiver.errors import SettingsError
from receiver.metrics import Metrics
from receiver.operations.alarms.sending import AppriseSender, check_recipients, make_sender
from tests.handlers.servers import web_server

pytestmark = pytest.mark.anyio


async def test_every_recipient_gets_the_message(caplog: pytest.LogCaptureFixture) -> None:
    """One that fails keeps none from the others, and is named without the secrets of its URL."""
    metrics = Metrics()
    with web_server() as good, web_server(500) as bad:
        urls = [SecretStr(one.url.replace("http", "json") + "/TOKEN") for one in (bad, good)]
        sender = AppriseSender(urls, metrics)
        assert await sender.send("spool begins", "7 callbacks")
        assert json.loads(good.received[0].body)["title"] == "spool begins"
        assert json.loads(good.received[0].body)["message"] == "7 callbacks"
        assert await sender.send_each("spool begins", "7") == {
            "alarms.urls.0 (JSON)": False,
            "alarms.urls.1 (JSON)": True,
        }
    assert "alarms.urls.0" in caplog.text
    assert "TOKEN" not in caplog.text
    text = metrics.text().decode()
    assert 'receiver_alarm_messages_total{result="sent"} 2.0' in text
    assert 'receiver_alarm_messages_total{result="failed"} 2.0' in text


async def test_a_message_that_no_recipient_accepts_has_failed() -> None:
    """So it is sent again."""
    with web_server(500) as bad:
        sender = make_sender([SecretStr(bad.url.replace("http", "json"))], Metrics())
        assert not await sender.send("title", "text")


async def test_without_recipients_the_log_is_enough() -> None:
    """Nothing is sent again."""
    assert await make_sender([], Metrics()).send("title", "text")


def test_a_url_of_no_service_is_named_by_its_place() -> None:
    """Not by its text, which has a password."""
    with pytest.raises(SettingsError, match=r"^alarms\.urls\.1: no service has a URL like this") as caught:
        check_recipients([SecretStr("json://localhost"), SecretStr("nothing://user:password@host")])
    assert "password" not in str(caught.value)


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The receiver does not start, rather than be quiet when something is wrong."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(SettingsError, match=r"pip install 'callback-receiver\[alarms\]'"):
        check_recipients([SecretStr("json://localhost")])
