"""Section B, first part: names, types and statuses of a CDR (decisions B-03 to B-16)."""

import pytest

from receiver.providers.base.record import Direction, Outcome
from receiver.providers.voicenter import CdrType
from tests.providers.support import cdr, cdr_record, event_in, in_json


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("ivrunique-id", "ivr_unique_id"),
        ("ivrUniqueId", "ivr_unique_id"),
        ("IVRUniqueID", "ivr_unique_id"),
        ("ivr_unique_id", "ivr_unique_id"),
        ("OriginalIvrUniqueID", "original_ivr_unique_id"),
        ("OriginalivrUniqueID", "original_ivr_unique_id"),
    ],
)
def test_b03_b04_b05_both_field_tables_are_one_list_of_spellings(name: str, field: str) -> None:
    """Both spellings are the same field where the two tables differ."""
    assert getattr(event_in(in_json("", {"ivruniqueid": "1", name: "201809131730110122APIAPI-API "})), field) == (
        "201809131730110122APIAPI-API"
    )


@pytest.mark.parametrize("call_id", ["a", "sdfsdfsdfsfsf", "x" * 28, "x" * 35, "x" * 500, "Ab-9"])
def test_b06_a_call_id_is_opaque_and_of_any_length(call_id: str) -> None:
    """No length and no alphabet is checked; case is kept."""
    assert cdr({"ivruniqueid": call_id}).call_id == call_id


@pytest.mark.parametrize(
    ("sent", "type_"),
    [
        ("Click2Callleg1", CdrType.CLICK2CALL_LEG1),
        (" Click2Callleg1", CdrType.CLICK2CALL_LEG1),
        ("Click2Call leg1", CdrType.CLICK2CALL_LEG1),
        ("ProductiveCall Leg1", CdrType.PRODUCTIVE_CALL_LEG1),
        ("productivecall leg1", CdrType.PRODUCTIVE_CALL_LEG1),
        ("Something New", CdrType.UNKNOWN),
        ("", CdrType.UNKNOWN),
    ],
)
def test_b07_types_are_compared_without_case_and_blanks_and_unknown_ones_are_kept(sent: str, type_: CdrType) -> None:
    """The enumeration is derived; the field stays as sent."""
    event = cdr({"type": sent})
    assert event.call_type is type_
    assert event.type == sent.strip()


@pytest.mark.parametrize(
    ("type_", "direction"),
    [
        ("Incoming Call", Direction.INCOMING),
        ("Extension Outgoing", Direction.OUTGOING),
        ("Queue", Direction.INCOMING),
        ("Click 2 IVR Incoming", Direction.OUTGOING),
        ("Click 2 Queue Incoming", Direction.OUTGOING),
        ("Something New", Direction.UNKNOWN),
    ],
)
def test_b08_b09_the_direction_follows_the_name_except_for_the_dialers_legs(type_: str, direction: Direction) -> None:
    """An "Incoming Call" is incoming, whatever its description; the dialer's second legs are outgoing."""
    assert cdr_record({"type": type_}).direction is direction


@pytest.mark.parametrize("number", ["1", "3", "19", 6])
def test_b10_row_numbers_are_not_types(number: object) -> None:
    """The numbers beside the types only count rows."""
    assert cdr({"type": number}).call_type is CdrType.UNKNOWN


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("NOTDIALED", Outcome.NOT_DIALED),
        ("ANSWER", Outcome.ANSWERED),
        ("ANSWERED", Outcome.ANSWERED),
        ("answer", Outcome.ANSWERED),
        ("BUSY", Outcome.BUSY),
        ("NOANSWER", Outcome.NO_ANSWER),
        ("CANCEL", Outcome.CANCELLED),
        ("ABANDONE", Outcome.ABANDONED),
        ("ABANDON", Outcome.ABANDONED),
        ("ABANDONED", Outcome.ABANDONED),
        ("VOEND", Outcome.IVR_ENDED),
        ("TE", Outcome.IVR_ENDED),
        ("NOTCALLED", Outcome.NOT_DIALED),
        ("VOICEMAIL", Outcome.VOICEMAIL),
        ("CONGESTION", Outcome.FAILED),
        ("CHANUNAVAIL", Outcome.FAILED),
        ("INVALIDARGS", Outcome.FAILED),
        ("SSWPREAUTH", Outcome.FAILED),
        ("TIMEOUT", Outcome.ABANDONED),
        ("Error types", Outcome.UNKNOWN),
        ("A NEW ONE", Outcome.UNKNOWN),
        ("", Outcome.UNKNOWN),
    ],
)
def test_b11_b12_b13_b14_b15_statuses_are_an_open_list_kept_as_sent(status: str, outcome: Outcome) -> None:
    """Each status has one outcome; unknown ones are stored; all keep their spelling."""
    assert cdr_record({"status": status}).outcome is outcome
    assert cdr({"status": status}).status == status


def test_b16_an_answer_by_voicemail_is_not_a_conversation() -> None:
    """ANSWER includes the voicemail: the type distinguishes it."""
    assert cdr_record({"type": "VoiceMail", "status": "ANSWER"}).outcome is Outcome.VOICEMAIL
    assert cdr_record({"type": "VoiceMail", "status": "NOANSWER"}).outcome is Outcome.NO_ANSWER
