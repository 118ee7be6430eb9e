"""Voicenter's words for the outcome and the direction of a call, mapped to ours. Both lists are open."""

from decimal import Decimal

from receiver.providers.base.record import CallRecord, Direction, Money, Outcome, international
from receiver.providers.voicenter.events import Cdr, CdrType, HangupCall

OUTCOMES = {
    # chapter 4, and chapter 5.2 where it differs (D-08)
    "NOTDIALED": Outcome.NOT_DIALED,  # also: an incoming call that reached no extension (B-11)
    "ANSWER": Outcome.ANSWERED,
    "ANSWERED": Outcome.ANSWERED,  # in the examples of HANGUP_CALL (B-13, D-07)
    "BUSY": Outcome.BUSY,
    "NOANSWER": Outcome.NO_ANSWER,
    "CANCEL": Outcome.CANCELLED,
    "ABANDONE": Outcome.ABANDONED,  # so spelled on the wire (B-12)
    "ABANDON": Outcome.ABANDONED,
    "ABANDONED": Outcome.ABANDONED,
    "VOEND": Outcome.IVR_ENDED,
    "TE": Outcome.IVR_ENDED,  # a message was played, then the IVR hung up (B-14)
    "NOTCALLED": Outcome.NOT_DIALED,
    "VOICEMAIL": Outcome.VOICEMAIL,
    "CONGESTION": Outcome.FAILED,
    "CHANUNAVAIL": Outcome.FAILED,
    "INVALIDARGS": Outcome.FAILED,
    "SSWPREAUTH": Outcome.FAILED,
    "DONTCALL": Outcome.REJECTED,
    "TORTURE": Outcome.REJECTED,
    # newer: what ABANDONE was split into
    "TIMEOUT": Outcome.ABANDONED,
    "FULL": Outcome.ABANDONED,
    "EXIT": Outcome.ABANDONED,
    "JOINEMPTY": Outcome.ABANDONED,
}

DIRECTIONS = {
    CdrType.INCOMING_CALL: Direction.INCOMING,  # the name counts, not its description (B-08)
    CdrType.QUEUE: Direction.INCOMING,
    CdrType.VOICEMAIL: Direction.INCOMING,
    CdrType.ATTENDED_LEG2: Direction.INCOMING,
    CdrType.EXTENSION_OUTGOING: Direction.OUTGOING,
    CdrType.CLICK2CALL_LEG2: Direction.OUTGOING,
    CdrType.PRODUCTIVE_CALL_LEG2: Direction.OUTGOING,
    CdrType.SCRUBBER: Direction.OUTGOING,
    CdrType.FAX: Direction.OUTGOING,
    # the dialer's legs to the customer, although they are called incoming (B-09)
    CdrType.CLICK2IVR_INCOMING: Direction.OUTGOING,
    CdrType.CLICK2QUEUE_INCOMING: Direction.OUTGOING,
    # first legs ring the firm's own extension
    CdrType.CLICK2CALL_LEG1: Direction.INTERNAL,
    CdrType.PRODUCTIVE_CALL_LEG1: Direction.INTERNAL,
    CdrType.CLICK2IVR: Direction.INTERNAL,
}

LEGS = {
    CdrType.CLICK2CALL_LEG1: 1,
    CdrType.CLICK2CALL_LEG2: 2,
    CdrType.PRODUCTIVE_CALL_LEG1: 1,
    CdrType.PRODUCTIVE_CALL_LEG2: 2,
    CdrType.CLICK2IVR: 1,
    CdrType.CLICK2IVR_INCOMING: 2,
    CdrType.CLICK2QUEUE_INCOMING: 2,
    CdrType.ATTENDED_LEG1: 1,
    CdrType.ATTENDED_LEG2: 2,
}


def outcome_of(status: str) -> Outcome:
    """Our word for a status of a CDR or a HANGUP_CALL."""
    return OUTCOMES.get(status.upper(), Outcome.UNKNOWN)


def direction_of(cdr: Cdr) -> Direction:
    """The direction that the CDR states; else that of its type."""
    try:
        return Direction(cdr.direction.lower())
    except ValueError:
        return DIRECTIONS.get(cdr.call_type, Direction.UNKNOWN)


def record_of_cdr(cdr: Cdr, country_code: str) -> CallRecord:
    """The call record of a CDR."""
    outcome = outcome_of(cdr.status)
    if cdr.call_type is CdrType.VOICEMAIL and outcome is Outcome.ANSWERED:
        outcome = Outcome.VOICEMAIL  # the voicemail service picked up (B-16)
    return CallRecord(
        provider="voicenter",
        call_id=cdr.call_id,
        leg=LEGS.get(cdr.call_type),
        from_number=cdr.caller,
        to_number=cdr.target,
        from_international=international(cdr.caller, country_code),
        to_international=international(cdr.target, country_code),
        direction=direction_of(cdr),
        started=cdr.started,
        talk_seconds=cdr.duration if cdr.actual_call_duration is None else cdr.actual_call_duration,
        ring_seconds=cdr.dial_time if cdr.actual_call_dialtime is None else cdr.actual_call_dialtime,
        outcome=outcome,
        cost=None if cdr.price is None else Money(amount=cdr.price / Decimal(100), currency="ILS"),
        recording=cdr.record,
        event=cdr,
    )


def record_of_hangup(hangup: HangupCall, country_code: str) -> CallRecord:
    """The call record of a HANGUP_CALL: an incoming call, to the dialled target or else to the number called.

    Its seconds of talk are the document's total duration, which may include ringing (D-06).
    """
    to_number = hangup.target or hangup.did
    return CallRecord(
        provider="voicenter",
        call_id=hangup.call_id,
        from_number=hangup.caller_id,
        to_number=to_number,
        from_international=international(hangup.caller_id, country_code),
        to_international=international(to_number, country_code),
        direction=Direction.INCOMING,
        started=hangup.started or hangup.called_at,
        talk_seconds=hangup.call_duration,
        ring_seconds=hangup.call_dialtime,
        outcome=outcome_of(hangup.call_status),
        event=hangup,
    )
