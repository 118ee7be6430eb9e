"""Section D: HANGUP_CALL."""

from datetime import UTC, datetime
from typing import Any

import pytest

from receiver.providers.base.contract import Fault
from receiver.providers.base.record import CallRecord, Direction, Outcome
from receiver.providers.voicenter import HangupCall
from tests.providers.support import JSON, XML, event_in, exact, in_json, in_xml, only, read, sent, voicenter

both_dialects = pytest.mark.parametrize("dialect", [XML, JSON])


def _ended(**fields: object) -> HangupCall:
    event = event_in(in_json("HANGUP_CALL", fields))
    assert isinstance(event, HangupCall)
    return event


def _record(**fields: object) -> CallRecord:
    record = voicenter().record(_ended(**fields))
    assert record is not None
    return record


@both_dialects
def test_d01_d13_the_reply_is_status_alone(dialect: Any) -> None:
    """0 if stored, 1 if not: an integer in both formats."""
    provider = voicenter()
    assert exact(sent(provider.acknowledgement("HANGUP_CALL"), dialect)) == exact({"STATUS": 0})
    for fault in (Fault.PARSE, Fault.APPLICATION):
        assert exact(sent(provider.fault_reply("HANGUP_CALL", fault, "reason"), dialect)) == exact({"STATUS": 1})


def test_d02_the_xml_reply_has_matching_tags() -> None:
    """The document's example ends with the tag of a call."""
    body = voicenter().write(voicenter().acknowledgement("HANGUP_CALL"), XML).body
    assert body.endswith(b"</methodResponse>")
    assert b"methodCall" not in body


@pytest.mark.parametrize(
    ("epoch", "moment"),
    [
        (1561684165, datetime(2019, 6, 28, 1, 9, 25, tzinfo=UTC)),
        (1561684165123, datetime(2019, 6, 28, 1, 9, 25, 123000, tzinfo=UTC)),
        (15616841651, None),
        (123123123, None),
        (946684799, None),
        (946684800, datetime(2000, 1, 1, tzinfo=UTC)),
        (4102444800, None),
        (0, None),
        (-1, None),
        (2**63 - 1, None),
        (None, None),
        ("soon", None),
    ],
)
def test_d03_a_moment_is_derived_only_between_2000_and_2100(epoch: object, moment: datetime | None) -> None:
    """The integer is kept as sent; beyond 10^12 it is taken as milliseconds."""
    event = _ended(CALL_TIME_EPOCH=epoch, CALL_START_EPOCH=epoch)
    assert event.call_time_epoch == (epoch if isinstance(epoch, int) else None)
    assert event.called_at == event.started == moment


@pytest.mark.parametrize("name", ["CALL_DAILTIME", "CALL_DIALTIME", "call_dailtime"])
def test_d04_the_misspelt_and_the_correct_name_are_read(name: str) -> None:
    """The document has CALL_DAILTIME."""
    for body in (in_xml("HANGUP_CALL", {name: 15}), in_json("HANGUP_CALL", {name: "15"})):
        assert event_in(body).call_dialtime == 15


@pytest.mark.parametrize(("time", "start"), [(2000000039, 2000000000), (2000000000, 2000000039)])
def test_d05_which_epoch_is_later_is_not_checked(time: int, start: int) -> None:
    """Both are kept; the call record starts with CALL_START_EPOCH."""
    event = _ended(CALL_TIME_EPOCH=time, CALL_START_EPOCH=start)
    assert (event.call_time_epoch, event.call_start_epoch) == (time, start)
    record = _record(CALL_TIME_EPOCH=time, CALL_START_EPOCH=start)
    assert record.started == datetime.fromtimestamp(start, UTC)


@pytest.mark.parametrize(("duration", "dialling"), [(125, 15), (15, 125), (0, 0)])
def test_d06_durations_are_stored_without_arithmetic(duration: int, dialling: int) -> None:
    """The document does not say whether one includes the other."""
    event = _ended(CALL_DURATION=duration, CALL_DAILTIME=dialling)
    assert (event.call_duration, event.call_dialtime) == (duration, dialling)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("ANSWER", Outcome.ANSWERED),
        ("ANSWERED", Outcome.ANSWERED),
        ("BUSY", Outcome.BUSY),
        ("NOANSWER", Outcome.NO_ANSWER),
        ("CANCEL", Outcome.CANCELLED),
        ("CONGESTION", Outcome.FAILED),
        ("CHANUNAVAIL", Outcome.FAILED),
        ("DONTCALL", Outcome.REJECTED),
        ("TORTURE", Outcome.REJECTED),
        ("INVALIDARGS", Outcome.FAILED),
        ("VOEND", Outcome.IVR_ENDED),
        ("NEW", Outcome.UNKNOWN),
    ],
)
def test_d07_d08_statuses_share_one_open_list_with_the_cdr(status: str, outcome: Outcome) -> None:
    """ANSWERED means the same as ANSWER; new statuses are kept."""
    assert _record(CALL_STATUS=status).outcome is outcome
    assert _ended(CALL_STATUS=status).call_status == status


def test_d10_an_empty_target_means_that_none_was_dialled() -> None:
    """The call record then has the number that was called."""
    record = _record(TARGET="", DID="0730000000", CALLER_ID="0540000000")
    assert (record.from_number, record.to_number, record.direction) == ("0540000000", "0730000000", Direction.INCOMING)
    assert _record(TARGET="0501234567", DID="0730000000").to_number == "0501234567"


def test_d12_a_cdr_and_a_hangup_are_two_records_joined_by_the_id() -> None:
    """Neither waits for the other, and neither is a repeat of the other."""
    fields = {"IVR_UNIQUE_ID": "id1", "target": "1"}
    hangup, cdr = (
        only(read(in_json("HANGUP_CALL", fields))),
        only(read(in_json("CDR", {"ivruniqueid": "id1", "target": "1"}))),
    )
    assert hangup.event is not None
    assert cdr.event is not None
    assert hangup.event.call_id == cdr.event.call_id == "id1"
    assert hangup.content_hash != cdr.content_hash


def test_d11_d14_ids_are_compared_exactly() -> None:
    """Values are case-sensitive, names are not."""
    call_id = "aO6Hsr46344rfiEbjUmnpl0324dfjG3F"
    assert _ended(IVR_UNIQUE_ID=call_id).call_id == call_id
    hashes = {
        only(read(in_json("HANGUP_CALL", {"IVR_UNIQUE_ID": each}))).content_hash for each in (call_id, call_id.lower())
    }
    assert len(hashes) == 2
