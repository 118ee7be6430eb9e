"""The six actions that answer GET_IVR_ACTION, and its error (chapter 5.1)."""

from enum import IntEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from receiver.providers.voicenter.options import VoicenterOptions
from receiver.providers.voicenter.replies import (
    Count,
    LanguageTag,
    LayerNumber,
    Line,
    Mandatory,
    Switch,
    VoicenterReply,
)
from receiver.wire import Format


class HangupCause(IntEnum):
    """The ISUP causes of chapter 5.2, with the document's words; a reply may carry any from 0 to 127 (C-25)."""

    UNALLOCATED_NUMBER = 1
    NO_ROUTE_TO_NETWORK = 2
    NO_ROUTE_TO_DESTINATION = 3
    NORMAL_CALL_CLEARING = 16
    USER_BUSY = 17
    NO_USER_RESPONDING = 18
    NO_ANSWER_FROM_THE_USER = 19
    SUBSCRIBER_ABSENT = 20
    CALL_REJECTED = 21
    NUMBER_CHANGED = 22
    REDIRECTION_TO_NEW_DESTINATION = 23
    NON_SELECTED_USER_CLEARING = 26
    DESTINATION_OUT_OF_ORDER = 27
    ADDRESS_INCOMPLETE = 28
    FACILITY_REJECTED = 29
    NORMAL_UNSPECIFIED = 31
    NO_CIRCUIT_AVAILABLE = 34
    NETWORK_OUT_OF_ORDER = 38
    TEMPORARY_FAILURE = 41
    SWITCHING_EQUIPMENT_CONGESTION = 42
    RESOURCE_UNAVAILABLE = 47
    INCOMING_CALLS_BARRED_WITHIN_CUG = 55
    BEARER_CAPABILITY_NOT_AUTHORIZED = 57
    BEARER_CAPABILITY_NOT_PRESENTLY_AVAILABLE = 58
    BEARER_CAPABILITY_NOT_IMPLEMENTED = 65
    ONLY_RESTRICTED_DIGITAL_AVAILABLE = 70
    SERVICE_NOT_IMPLEMENTED = 79
    USER_NOT_MEMBER_OF_CUG = 87
    INCOMPATIBLE_DESTINATION = 88
    RECOVERY_OF_TIMER_EXPIRY = 102
    PROTOCOL_ERROR = 111
    INTERWORKING_UNSPECIFIED = 127


class IvrAction(VoicenterReply):
    """One of the six actions. `language` is "he" or "en"; the setting `language` where it is left out (C-10)."""

    action: ClassVar[str]

    language: LanguageTag | None = Field(default=None, exclude=True)

    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """STATUS, ACTION, LANGUAGE and DATA, in that order (C-31)."""
        return {
            "STATUS": 0,
            "ACTION": self.action,
            "LANGUAGE": language_on_wire(self.language or options.language, dialect, options),
            "DATA": self.model_dump(by_alias=True, exclude_none=True),
        }


def language_on_wire(language: str, dialect: Format, options: VoicenterOptions) -> str:
    """Lower case in XML-RPC and upper case in JSON, as every example has it; a setting can force either (C-09)."""
    lower = dialect is Format.XMLRPC if options.language_case == "documented" else options.language_case == "lower"
    return language.lower() if lower else language.upper()


class Menu(IvrAction):
    """MENU: play a record, then collect digits."""

    action: ClassVar[str] = "MENU"

    rec: Mandatory = Field(serialization_alias="REC")
    """File name of the record to play (C-19)."""
    loop: Count = Field(default=1, serialization_alias="LOOP")
    """How many times to play it."""
    delay: Count = Field(default=0, serialization_alias="DELAY")
    """Seconds between the loops."""
    size: Count = Field(serialization_alias="SIZE")
    """How many digits to collect at most."""
    menu: Mandatory = Field(serialization_alias="MENU")
    """Your name for this menu: the next request carries it as `menu` (C-32)."""
    validation: Switch = Field(default=False, serialization_alias="VALIDATION")
    """Whether the provider validates the digits (C-29)."""


class Call(IvrAction):
    """CALL: dial a destination and connect the caller."""

    action: ClassVar[str] = "CALL"

    target: Mandatory = Field(serialization_alias="TARGET")
    """Who to dial; sent also when `dialstrings` are given (C-20)."""
    caller_id: Line = Field(default="", serialization_alias="CALLERID")
    """The number shown to the destination."""
    caller_name: Line = Field(default="", serialization_alias="CALLERNAME")
    """The name shown to the destination; always sent, may be empty (C-16)."""
    caller_rec: Line | None = Field(default=None, serialization_alias="CALLER_REC")
    """Played to the caller before dialling."""
    moh_class: Line | None = Field(default=None, serialization_alias="MOH_CLASS")
    """The music heard while dialling."""
    target_rec: Line | None = Field(default=None, serialization_alias="TARGET_REC")
    """Played to the destination before connecting."""
    max_dial: Count = Field(serialization_alias="CALL_MAX_DIAL")
    """Seconds to let it ring at most."""
    max_duration: Count = Field(serialization_alias="CALL_MAX")
    """Seconds the call may last."""
    next_menu: Line | None = Field(default=None, serialization_alias="NEXT_MENU")
    """Your menu that follows if the call fails; without one the caller is disconnected (C-22)."""
    next_menu_rec: Line | None = Field(default=None, serialization_alias="NEXT_MENU_RECORD")
    next_menu_loop: Count | None = Field(default=None, serialization_alias="NEXT_MENU_LOOP")
    next_menu_size: Count | None = Field(default=None, serialization_alias="NEXT_MENU_SIZE")
    next_menu_wait: Count | None = Field(default=None, serialization_alias="NEXT_MENU_WAIT")
    """Seconds between the loops of the next menu (C-23)."""
    record: Switch = Field(default=False, serialization_alias="REC_STATUS")
    """Whether to record the call."""
    dtmf_play: Line | None = Field(default=None, serialization_alias="DTMF_PLAY")
    """Digits to send after the destination answers."""
    dialstrings: tuple[Mandatory, ...] | None = Field(default=None, serialization_alias="DIALSTRINGS", strict=False)
    """Ready dial strings such as "SIP/972547000000@provider1" (C-20)."""

    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """As every action; without NEXT_MENU the other NEXT_MENU_* are not sent (C-22)."""
        values = super().values(dialect, options)
        if not self.next_menu:
            values["DATA"] = {
                key: item for key, item in values["DATA"].items() if key == "NEXT_MENU" or "NEXT_MENU" not in key
            }
        return values


class SayDigits(IvrAction):
    """SAYDIGITS: read digits out, then collect digits."""

    action: ClassVar[str] = "SAYDIGITS"

    rec: Mandatory = Field(default="blank", serialization_alias="REC")
    """File name of the record to play; "blank" plays nothing (C-18)."""
    loop: Count = Field(default=1, serialization_alias="LOOP")
    delay: Count = Field(default=0, serialization_alias="DELAY")
    """Seconds between the loops."""
    size: Count = Field(serialization_alias="SIZE")
    """How many digits to collect at most."""
    menu: Mandatory = Field(serialization_alias="MENU")
    """Your name for this menu: the next request carries it as `menu` (C-32)."""
    validation: Switch = Field(default=False, serialization_alias="VALIDATION")
    digits_rec: Mandatory = Field(default="blank", serialization_alias="SAYDIGITSRECORD")
    """Played before the digits; "blank" plays nothing (C-18)."""
    digits: Mandatory = Field(serialization_alias="DIGITS")
    """What to read out: a string, so that leading zeros are kept; the provider skips all but digits (C-13)."""


class Vo(IvrAction):
    """VO: go to a layer of the provider's own IVR (C-24)."""

    action: ClassVar[str] = "VO"

    layer: LayerNumber = Field(serialization_alias="LAYER")
    record: Mandatory = Field(default="blank", serialization_alias="RECORD")
    """File name of the record to play; "blank" plays nothing (C-18)."""
    loop: Count = Field(default=1, serialization_alias="LOOP")
    delay: Count = Field(default=0, serialization_alias="DELAY")
    """Seconds between the loops."""


class SilentRecord(IvrAction):
    """SILENTRECORD: answer the call and record it (C-24)."""

    action: ClassVar[str] = "SILENTRECORD"

    rec: Line | None = Field(default=None, serialization_alias="REC")
    """Played before the recording starts."""
    max_duration: Count | None = Field(default=None, serialization_alias="MAXDURATION")
    """Seconds the call may last."""


class Hangup(IvrAction):
    """HANGUP: end the call; DATA may be empty (C-27)."""

    action: ClassVar[str] = "HANGUP"

    rec: Line | None = Field(default=None, serialization_alias="HANGUP_REC")
    """The record to play before hanging up."""
    cause: Annotated[int, Field(ge=0, le=127)] | None = Field(default=None, serialization_alias="HANGUP_CAUSE")
    """An ISUP cause; see HangupCause (C-25)."""


class IvrError(VoicenterReply):
    """The error reply: STATUS 1 with all four mandatory fields, or STATUS alone by a setting (C-26)."""

    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """STATUS 1, HANGUP and an empty DATA."""
        if options.ivr_error == "status_only":
            return {"STATUS": 1}
        language = language_on_wire(options.language, dialect, options)
        return {"STATUS": 1, "ACTION": "HANGUP", "LANGUAGE": language, "DATA": {}}


IVR_ACTIONS: tuple[type[IvrAction], ...] = (Menu, Call, SayDigits, Vo, SilentRecord, Hangup)
