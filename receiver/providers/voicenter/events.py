"""Voicenter's callbacks as typed events.

Field comments say what a field holds. "Derived" marks values that are computed; everything else is as sent.
Chapters are those of the provider's API document, revision 3.2; "newer" marks fields seen in later material.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import Field

from receiver.providers.base import coerce
from receiver.providers.base.event import (
    Amount,
    Event,
    Flag,
    Identifier,
    Integer,
    NumberOrNone,
    Pairs,
    Reads,
    Structure,
    Text,
    Url,
    WireModel,
)
from receiver.providers.base.names import normalize_name


class CdrType(StrEnum):
    """The call types of chapter 4, an open list: a new type is UNKNOWN here, and in `Cdr.type` as sent.

    The numbers beside them in the document only count rows, and are never sent (B-10).
    """

    INCOMING_CALL = "Incoming Call"
    CALLING_CARD = "CC"
    EXTENSION_OUTGOING = "Extension Outgoing"
    QUEUE = "Queue"
    CLICK2CALL_LEG1 = "Click2Call leg1"
    CLICK2CALL_LEG2 = "Click2Call leg2"
    VOICEMAIL = "VoiceMail"
    CALLFERENCE = "Callference"
    TRANSFER = "XferCDR"
    PRODUCTIVE_CALL_LEG1 = "ProductiveCall Leg1"
    PRODUCTIVE_CALL_LEG2 = "ProductiveCall Leg2"
    SCRUBBER = "Scrubber"
    CLICK2IVR = "Click 2 IVR"
    CLICK2IVR_INCOMING = "Click 2 IVR Incoming"
    CLICK2QUEUE_INCOMING = "Click 2 Queue Incoming"
    FAX = "FaxCdr"
    ATTENDED_LEG1 = "Attended CDR leg1"
    ATTENDED_LEG2 = "Attended CDR leg2"
    AUTO_FORWARD = "Auto forward"
    UNKNOWN = ""

    @classmethod
    def of(cls, type_: str) -> "CdrType":
        """The type behind a spelling: "Click2Callleg1", " Click2Call leg1" and "CLICK2CALL LEG1" are one (B-07)."""
        return _TYPES.get(normalize_name(type_), cls.UNKNOWN)


_TYPES = {normalize_name(member): member for member in CdrType}


class IvrLayer(WireModel):
    """One layer that a call crossed (newer)."""

    layer_id: Integer = None
    layer_name: Text = ""
    layer_number: Integer = None
    dtmf: Text = ""
    """The digits pressed there."""
    dtmf_order: Integer = None


def _layers(value: object) -> tuple[IvrLayer, ...]:
    return tuple(map(IvrLayer.from_wire, coerce.objects(value)))


class Cdr(Event):
    """CDR: a call, or one leg of it, has ended (chapter 4)."""

    kind: ClassVar[str] = "CDR"
    moment_field: ClassVar[str] = "time"

    caller: Text = ""
    """The number shown at the destination; on outgoing calls it is not the caller's (B-18)."""
    target: Text = ""
    """A phone number or an extension's SIP code, as sent: local or international (B-17). May be empty for queues."""
    time: Integer = None
    """Epoch seconds as sent. The zone of their clock is doubtful: see `started` (B-19)."""
    duration: Integer = None
    """Seconds of conversation; newer queue calls may include the wait (B-20)."""
    ivr_unique_id: Annotated[str, Reads(coerce.identifier)] = ""
    """The call id: opaque, 13 to 35 characters in the document's own samples (B-04, B-06)."""
    type: Text = ""
    """The call type in the provider's words; `call_type` is the same as an enumeration (B-07)."""
    status: Text = ""
    """How the call ended in the provider's words (B-11 to B-16)."""
    target_extension: Text = ""
    """SIP code of the extension that answered."""
    caller_extension: Text = ""
    """SIP code of the extension that dialled."""
    did: Text = ""
    """The number that the caller dialled."""
    queue_id: NumberOrNone = None
    """The queue's code; 0, blank and null all mean no queue (B-21)."""
    queue_name: Text = ""
    record: Url = ""
    """Link to the recording; empty when there is none (B-24)."""
    price: Amount = None
    """Price in agorot, 1/100 ILS; may be fractional (B-22)."""
    dial_time: Integer = None
    """Seconds of ringing."""
    representative_name: Text = ""
    representative_code: Text = ""
    """The user's code: text, although it often looks like a number (A-18)."""
    target_extension_name: Text = ""
    caller_extension_name: Text = ""
    target_country: Text = ""
    """Country called, on outgoing calls."""
    caller_country: Text = ""
    """Country called from, on incoming calls."""
    seconds_waiting_in_queue: Integer = None
    """Seconds in the queue. Documented for JSON only; read in every format (B-23)."""
    original_ivr_unique_id: Identifier = ""
    """Call id of the call this one came from (B-05)."""

    direction: Text = ""
    """incoming, outgoing or internal (newer)."""
    exten_user: Text = ""
    """Extension user (newer)."""
    caller_phone: Text = ""
    """The caller's number (newer)."""
    is_answer: Flag = None
    """Whether the call was answered (newer)."""
    actual_call_duration: Integer = None
    """Seconds of conversation where `duration` includes the wait (newer, B-20)."""
    actual_call_dialtime: Integer = None
    """Seconds of ringing, likewise (newer)."""
    department_id: Integer = None
    department_name: Text = ""
    ivr: Annotated[tuple[IvrLayer, ...], Reads(_layers)] = ()
    """The IVR layers the call crossed; sent as an array or as a JSON string (newer)."""
    ai_data: Structure = None
    """Transcript and analysis, an object or a JSON string (newer)."""
    custom_data: Pairs = Field(default_factory=dict)
    """The call's CustomData and its var_* fields, values verbatim (newer, B-36, E-09)."""
    leg1_dial_status_name: Text = ""
    """Dialer: how leg 1 ended (newer)."""
    campaign_name: Text = ""
    campaign_code: Text = ""
    campaign_id: Integer = None
    retry_num: Integer = None
    """Dialer: which attempt this was (newer)."""
    retry_amount: Integer = None
    """Dialer: how many attempts there may be (newer)."""
    dialer_data: Structure = None
    do_not_call_me: dict[str, Any] = Field(default_factory=dict)
    """Every field whose name begins with DoNotCallMe, under its name as sent (newer)."""

    epoch_zone: str = "UTC"
    """Derived from settings: the zone whose wall clock `time` shows (B-19)."""

    @classmethod
    def from_wire(cls, values: Mapping[str, Any], **derived: object) -> Self:
        """The CDR that `values` holds; never fails."""
        event = super().from_wire(values, **derived)
        opt_outs = {
            name: value for name, value in event.extra.items() if normalize_name(name).startswith("donotcallme")
        }
        variables = {name: value for name, value in event.extra.items() if name.lower().startswith("var_")}
        if not opt_outs and not variables:
            return event
        extra = {name: value for name, value in event.extra.items() if name not in {*opt_outs, *variables}}
        custom_data = {**coerce.pairs(variables), **event.custom_data}
        return event.model_copy(update={"extra": extra, "do_not_call_me": opt_outs, "custom_data": custom_data})

    @property
    def call_id(self) -> str:
        """The call id. Both legs of a click-to-call share it (B-25)."""
        return self.ivr_unique_id

    @property
    def call_type(self) -> CdrType:
        """`type` as an enumeration. Derived (B-07)."""
        return CdrType.of(self.type)

    @property
    def started(self) -> datetime | None:
        """When the call was made, with its zone; None if `time` is missing or implausible. Derived (B-19)."""
        moment = instant(self.time)
        return moment.replace(tzinfo=ZoneInfo(self.epoch_zone)) if moment and self.epoch_zone != "UTC" else moment


class IvrRequest(Event):
    """GET_IVR_ACTION: a call has reached your IVR, or its caller has pressed keys; what next? (chapter 5.1)."""

    kind: ClassVar[str] = "GET_IVR_ACTION"

    caller_id: Text = ""
    """Phone number or extension code of the caller (C-06)."""
    caller_name: Text = ""
    did: Text = ""
    """The number called."""
    menu: Text = ""
    """The menu the digits were pressed in: the `menu` of your last reply; "-1" at the start of the call (C-07)."""
    previous_menu: Text = ""
    """The menu before that; "-1" at the start of the call (C-07, C-32)."""
    dtmf: Text = ""
    """The keys pressed, with leading zeros, * and #; empty if none (C-08)."""
    ivr_unique_id: Identifier = ""
    """The call id (C-04, C-05)."""

    @property
    def call_id(self) -> str:
        """The call id."""
        return self.ivr_unique_id

    @property
    def is_first(self) -> bool:
        """Whether this is the first question of the call (C-07)."""
        return self.menu == "-1" and self.previous_menu == "-1"


class HangupCall(Event):
    """HANGUP_CALL: a call that your IVR steered has ended (chapter 5.2)."""

    kind: ClassVar[str] = "HANGUP_CALL"
    moment_field: ClassVar[str] = "call_time_epoch"

    caller_id: Text = ""
    did: Text = ""
    """The number called."""
    ivr_unique_id: Identifier = ""
    """The call id (D-11)."""
    target: Text = ""
    """The number or extension that was dialled; empty when none was (D-10)."""
    call_time_epoch: Integer = None
    """Epoch of the call as sent, of any size: the document's samples are in the year 2464 (A-14, D-03)."""
    call_start_epoch: Integer = None
    """Epoch of the start of the call's flow, as sent (D-05)."""
    call_duration: Integer = None
    """Seconds in all; whether ringing counts is not said (D-06)."""
    call_dialtime: Annotated[int | None, Reads(coerce.integer, aliases=("CALL_DAILTIME",))] = None
    """Seconds until the destination answered; on the wire CALL_DAILTIME (D-04)."""
    call_status: Text = ""
    """How the call ended in the provider's words (D-07, D-08)."""

    @property
    def call_id(self) -> str:
        """The call id."""
        return self.ivr_unique_id

    @property
    def called_at(self) -> datetime | None:
        """`call_time_epoch` as a moment in UTC; None outside of 2000 to 2100. Derived (D-03)."""
        return instant(self.call_time_epoch)

    @property
    def started(self) -> datetime | None:
        """`call_start_epoch` as a moment in UTC; None outside of 2000 to 2100. Derived (D-03)."""
        return instant(self.call_start_epoch)


class LayerInput(Event):
    """IVR_LAYER_INPUT: a caller has pressed keys in a layer of the provider's IVR; where to? (chapter 12)."""

    kind: ClassVar[str] = "IVR_LAYER_INPUT"

    did: Text = ""
    """The number that received the call."""
    caller_id: Text = ""
    ivr_unique_id: Identifier = ""
    """The call id, of any length (E-13)."""
    dtmf: Text = ""
    """The keys pressed, any number of them (E-14); newer calls also send "0" for none."""
    layer_id: Integer = None
    """The layer the digits were pressed in (E-15)."""
    previous_layer_id: Integer = None
    custom_data: Pairs = Field(default_factory=dict)
    """Data of earlier replies of this call, which the provider keeps; values verbatim (E-09, E-12)."""

    @property
    def call_id(self) -> str:
        """The call id."""
        return self.ivr_unique_id


class PopupRequest(Event):
    """The pop-up screen: which contact has the number of this caller? (chapter 2)."""

    kind: ClassVar[str] = "POPUP"

    phone: Text = ""
    """The caller's number."""
    ivr_unique_id: Annotated[str, Reads(coerce.identifier, aliases=("ivrid",))] = ""
    """The call id (newer, F-02)."""
    exten_user: Text = ""
    """The user whose screen it is (newer)."""
    did: Text = ""
    status: Annotated[str, Reads(coerce.text, aliases=("statusCall",))] = ""
    """Ringing, Talking, Hangup or Dialing (newer)."""

    @property
    def call_id(self) -> str:
        """The call id."""
        return self.ivr_unique_id


_EARLIEST, _LATEST = 946_684_800, 4_102_444_800  # 2000-01-01 and 2100-01-01, UTC


def instant(epoch: int | None) -> datetime | None:
    """An epoch in seconds, or in milliseconds if beyond 10^12, as a moment in UTC; None outside of 2000 to 2100."""
    if epoch is None:
        return None
    seconds = epoch / 1000 if epoch > 10**12 else epoch
    return datetime.fromtimestamp(seconds, UTC) if _EARLIEST <= seconds < _LATEST else None
