"""What the log says of a delivery that does not succeed."""

import logging
from pathlib import Path

import pytest
from sqlalchemy import update

from receiver import Handlers, RetryLater
from receiver.errors import PayloadError
from receiver.providers.voicenter import Cdr
from storage import Database
from storage.tables import deliveries
from tests.storage.support import append, new_callback
from tests.support import eventually, running, states

CDR = {"caller": "0540000000", "ivruniqueid": "call-1"}


def _failures(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "receiver.delivery.attempt"]


async def test_a_retry_that_a_handler_asks_for_is_logged_with_its_reason(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As its exception, so that a terminal shows the text; the message itself holds no text of the handler's."""
    handlers = Handlers()

    @handlers.on(Cdr, name="crm", attempts=2)
    def busy(cdr: Cdr) -> None:
        raise RetryLater(f"the CRM is busy with {cdr.caller}", after=0)

    async with running(database_url, handlers) as receiver:
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])
    first, last = _failures(caplog)
    for record in (first, last):
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], RetryLater)
        assert CDR["caller"] not in record.getMessage()
    assert (first.levelname, last.levelname) == ("WARNING", "ERROR")
    assert last.getMessage() == "crm retry; gave up: `receiver deliveries show 1` has the details"


async def test_a_callback_that_cannot_be_read_again_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its delivery is dead at once, which is an error, with the delivery's number and the call's id."""

    def reread(_provider: object, _callback: object) -> None:
        raise PayloadError("callback 1 cannot be read")

    monkeypatch.setattr("receiver.app.reread", reread)
    handlers = Handlers()

    @handlers.on(Cdr, name="crm")
    def fails(cdr: Cdr) -> None:
        raise RetryLater("once more", after=0)

    async with running(tmp_path, handlers) as receiver:
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])
    last = _failures(caplog)[-1]
    assert (last.levelname, last.__dict__["delivery"], last.__dict__["call_id"]) == ("ERROR", 1, "call-1")
    assert last.getMessage() == "crm failed; gave up: `receiver deliveries show 1` has the details"
    assert last.exc_info is not None
    assert isinstance(last.exc_info[1], PayloadError)


async def test_a_delivery_whose_worker_vanished_at_every_attempt_is_logged(
    database: Database, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The handler may be what ends the process, so its name must be seen; it is not run again."""
    append(database, new_callback("{}", call_id="call-1", call_key="voicenter:call-1", deliveries=("crm",)))
    with database.begin() as connection:
        connection.execute(update(deliveries).values(attempts=3))
    handlers, seen = Handlers(), list[Cdr]()
    handlers.on(Cdr, name="crm", attempts=3)(seen.append)
    async with running(database_url, handlers) as receiver:
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])
    [record] = _failures(caplog)
    assert (record.levelname, record.__dict__["handler"], record.exc_info) == ("ERROR", "crm", None)
    assert record.getMessage() == "crm lost; gave up: `receiver deliveries show 1` has the details"
    assert seen == []
