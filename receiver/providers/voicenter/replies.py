"""What Voicenter gets back: Python names here, the document's names and types on the wire.

Each reply checks itself when it is made. What the document types as Integer goes out as an integer and digits go out
as strings in both formats, also where its examples waver (C-13, C-15).
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from receiver.providers.contract import Reply
from receiver.wire import Format


class ReplyOptions(Protocol):
    """The settings that shape a reply's bytes; see options.py for what each does."""

    language: str
    language_case: str
    json_err_as_integer: bool
    ivr_error: str
    empty_custom_data: str
    trim_custom_data_keys: bool
    unavailable_key: str


def _printable(text: str) -> str:
    if any(ord(char) < 32 and char not in "\t\n\r" or char in "\ufffe\uffff" for char in text):
        raise ValueError("control characters cannot be sent in XML")
    return text


def _switch(value: object) -> object:
    return bool(value) if value in (0, 1) and isinstance(value, int) else value


def _yes_no(value: object) -> object:
    return {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value


Line = Annotated[str, AfterValidator(_printable)]
"""Text without control characters; blanks around it are taken away (A-18)."""
Mandatory = Annotated[Line, Field(min_length=1)]
Count = Annotated[int, Field(ge=0, lt=2**31)]
"""A whole number from 0; the document gives no upper bounds (C-30), XML-RPC's `<int>` ends at 2^31."""
LayerNumber = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Switch = Annotated[bool, BeforeValidator(_switch), PlainSerializer(int)]
"""True or False, also as 1 or 0; 1 or 0 on the wire (C-29)."""


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


class VoicenterReply(Reply):
    """A reply that can say what it is on the wire."""

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
        """Wire names and values, in the document's order."""
        raise NotImplementedError


# --- GET_IVR_ACTION, chapter 5.1 -------------------------------------------------------------------------------------


class IvrAction(VoicenterReply):
    """One of the six actions. `language` is "he" or "en"; the setting `language` where it is left out (C-10)."""

    action: ClassVar[str]

    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z]{2,4})?$", exclude=True)] | None = None

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
        """STATUS, ACTION, LANGUAGE and DATA, in that order (C-31)."""
        return {
            "STATUS": 0,
            "ACTION": self.action,
            "LANGUAGE": language_on_wire(self.language or options.language, dialect, options),
            "DATA": self.model_dump(by_alias=True, exclude_none=True, exclude={"language"}),
        }


def language_on_wire(language: str, dialect: Format, options: ReplyOptions) -> str:
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
    """How many digits at most."""
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
    """Your menu to go on with if the call fails; without one the caller is disconnected (C-22)."""
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

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
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
    """Your name for this menu."""
    validation: Switch = Field(default=False, serialization_alias="VALIDATION")
    digits_rec: Mandatory = Field(default="blank", serialization_alias="SAYDIGITSRECORD")
    """Played before the digits; "blank" plays nothing (C-18)."""
    digits: Mandatory = Field(serialization_alias="DIGITS")
    """What to read out: a string, so that leading zeros live; the provider skips what is no digit (C-13)."""


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
    """HANGUP: end the call; DATA is empty when there is nothing to say (C-27)."""

    action: ClassVar[str] = "HANGUP"

    rec: Line | None = Field(default=None, serialization_alias="HANGUP_REC")
    """The good-bye."""
    cause: Annotated[int, Field(ge=0, le=127)] | None = Field(default=None, serialization_alias="HANGUP_CAUSE")
    """An ISUP cause; see HangupCause (C-25)."""


class IvrError(VoicenterReply):
    """The error reply: STATUS 1 with all four mandatory fields, or STATUS alone by a setting (C-26)."""

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
        """STATUS 1, HANGUP and an empty DATA."""
        if options.ivr_error == "status_only":
            return {"STATUS": 1}
        language = language_on_wire(options.language, dialect, options)
        return {"STATUS": 1, "ACTION": "HANGUP", "LANGUAGE": language, "DATA": {}}


# --- CDR and HANGUP_CALL, chapters 4 and 5.2 -------------------------------------------------------------------------


class CdrReply(VoicenterReply):
    """The answer to a CDR: 0 OK, 1 parse error, 2 application error (B-02)."""

    err: Literal[0, 1, 2] = 0
    errdesc: Line = "OK"
    """A short plain sentence, never a traceback (B-32)."""

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
        """`err` is an integer in XML-RPC and a string in JSON, as the document shows each (B-01)."""
        as_integer = dialect is Format.XMLRPC or options.json_err_as_integer
        return {"err": self.err if as_integer else str(self.err), "errdesc": self.errdesc}


class HangupCallReply(VoicenterReply):
    """The answer to a HANGUP_CALL: 0 once it is stored, else 1 (D-01, D-13)."""

    status: Literal[0, 1] = 0

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
        """STATUS alone."""
        return {"STATUS": self.status}


# --- IVR_LAYER_INPUT, chapter 12 -------------------------------------------------------------------------------------

CustomData = Annotated[dict[Line, Line], Field(exclude=True)]


class LayerAction(VoicenterReply):
    """What to do with a caller in a layer of the provider's IVR (E-19)."""

    action: ClassVar[str]

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
        """STATUS, ACTION and the action's own fields beside them."""
        return {"STATUS": 0, "ACTION": self.action, **self.model_dump(by_alias=True, exclude_none=True)}


def custom_data_on_wire(data: Mapping[str, str], options: ReplyOptions) -> dict[str, Any]:
    """CUSTOM_DATA as an object; `[]` when there is none (E-09, E-10), its keys trimmed (E-12), by settings."""
    if data:
        trim = options.trim_custom_data_keys
        return {"CUSTOM_DATA": {key.strip() if trim else key: value for key, value in data.items()}}
    empty: dict[str, dict[str, Any]] = {"list": {"CUSTOM_DATA": []}, "object": {"CUSTOM_DATA": {}}, "omit": {}}
    return empty[options.empty_custom_data]


class GoToLayer(LayerAction):
    """GO_TO_LAYER: go on in another layer."""

    action: ClassVar[str] = "GO_TO_LAYER"

    layer: LayerNumber = Field(serialization_alias="LAYER")
    """The layer's number (E-04, E-05)."""
    caller_name: Line | None = Field(default=None, serialization_alias="CALLER_NAME")
    """The name shown to the destination (E-11)."""
    custom_data: CustomData = Field(default_factory=dict)
    """What the provider shall remember and send with later callbacks of this call."""

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
        """The action's fields, then CUSTOM_DATA."""
        return {**super().values(dialect, options), **custom_data_on_wire(self.custom_data, options)}


class Target(BaseModel):
    """Whom DIAL rings; `type` PHONE is documented, EXTENSION newer (E-08)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=True)

    target: Mandatory = Field(serialization_alias="TARGET")
    type: Mandatory = Field(default="PHONE", serialization_alias="TYPE")


class Dial(LayerAction):
    """DIAL: ring one or several targets. Names and types are those of the document's example (E-07)."""

    action: ClassVar[str] = "DIAL"

    max_call_duration: Count | None = Field(default=None, serialization_alias="MAX_CALL_DURATION")
    """Seconds the call may last."""
    max_dial_duration: Count | None = Field(default=None, serialization_alias="MAX_DIAL_DURATION")
    """Seconds to let it ring at most."""
    recording: Annotated[bool, BeforeValidator(_yes_no)] | None = Field(default=None, serialization_alias="RECORDING")
    """Whether to record; "yes" or "no" on the wire, and taken as such from handlers too."""
    targets: Annotated[tuple[Target, ...], Field(min_length=1, strict=False)] = Field(serialization_alias="TARGETS")
    caller_id: Line | None = Field(default=None, serialization_alias="CALLER_ID")
    """The number shown to the targets."""
    caller_name: Line | None = Field(default=None, serialization_alias="CALLER_NAME")
    """The name shown to the targets (E-11)."""
    next_vo_id: LayerNumber | None = Field(default=None, serialization_alias="NEXT_VO_ID")
    """The layer to go on in if the call fails (E-16)."""
    answer_next_vo_id: LayerNumber | None = Field(default=None, serialization_alias="ANSWER_NEXT_VO_ID")
    """The layer to go on in after an answered call has ended (E-16)."""
    unavailable_vo_id: LayerNumber | None = Field(
        default=None,
        validation_alias=AliasChoices("unavailable_vo_id", "unavailable_vo"),
        serialization_alias="UNAVAILABLE_VO_ID",
    )
    """The layer to go on in if nobody answers; its wire name is doubtful, a setting chooses (E-06, E-16)."""
    custom_data: CustomData = Field(default_factory=dict)
    """What the provider shall remember and send with later callbacks of this call."""

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
        """The action's fields, then CUSTOM_DATA."""
        values = super().values(dialect, options)
        if self.recording is not None:
            values["RECORDING"] = "yes" if self.recording else "no"
        if self.unavailable_vo_id is not None and options.unavailable_key != "UNAVAILABLE_VO_ID":
            values["UNAVAILABLE_VO"] = self.unavailable_vo_id
            if options.unavailable_key == "UNAVAILABLE_VO":
                del values["UNAVAILABLE_VO_ID"]
        return {**values, **custom_data_on_wire(self.custom_data, options)}


class Spoken(BaseModel):
    """One thing that LayerSayDigits says."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=True)

    type: Literal["Recording", "Digits", "Number", "Date", "DateTime"] = Field(serialization_alias="RecordType")
    content: Mandatory = Field(serialization_alias="Content")


class LayerSayDigits(LayerAction):
    """SAY_DIGITS: say something, then go on in a layer. Not in the document; in the provider's newer material (E-19)."""

    action: ClassVar[str] = "SAY_DIGITS"

    next_layer: LayerNumber = Field(serialization_alias="NEXT_LAYER")
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2}$")] | None = Field(default=None, exclude=True)
    """HE, EN, AR or RU; the setting `language` where it is left out."""
    content: Annotated[tuple[Spoken, ...], Field(min_length=1, strict=False)] = Field(serialization_alias="DATA")

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
        """LANGUAGE in capitals before the rest."""
        values = super().values(dialect, options)
        content = values.pop("DATA")
        return {**values, "LANGUAGE": (self.language or options.language).upper(), "DATA": content}


class LayerError(VoicenterReply):
    """STATUS 1 alone: the provider goes on in the layer it was configured to fall back to (E-18)."""

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
        """STATUS alone: an invented ACTION could route the call."""
        return {"STATUS": 1}


# --- pop-up, chapter 2: every field is a string (F-03) ---------------------------------------------------------------


class Contact(VoicenterReply):
    """The caller is known."""

    url: Mandatory
    """The page that the bubble opens."""
    client_name: Line
    company: Line = ""
    total: Annotated[str, Field(pattern=r"^[0-9]+$")] = "1"
    """How many contacts match."""

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
        """STATUS "OK" and the contact."""
        return popup_values("OK", self.url, self.client_name, self.total, self.company)


class NoContact(VoicenterReply):
    """Nobody has this number: STATUS "OK" and TOTAL "0" (F-04)."""

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
        """STATUS "OK" and nobody."""
        return popup_values("OK", "", "", "0", "")


class PopupError(VoicenterReply):
    """The request could not be read or served: STATUS "1", the provider's word for an error in its other chapters."""

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
        """STATUS "1" and nobody."""
        return popup_values("1", "", "", "0", "")


def popup_values(status: str, url: str, client_name: str, total: str, company: str) -> dict[str, Any]:
    """The five fields in the document's order."""
    return {"STATUS": status, "URL": url, "CLIENTNAME": client_name, "TOTAL": total, "COMPANY": company}


class UnknownMethod(VoicenterReply):
    """The answer to a method that nobody knows: a fault in XML-RPC (A-07), STATUS 1 in a METHOD/DATA envelope."""

    text: Line

    def values(self, dialect: Format, options: ReplyOptions) -> dict[str, Any]:
        """STATUS alone."""
        return {"STATUS": 1}


IVR_ACTIONS: tuple[type[IvrAction], ...] = (Menu, Call, SayDigits, Vo, SilentRecord, Hangup)
LAYER_ACTIONS: tuple[type[LayerAction], ...] = (GoToLayer, Dial, LayerSayDigits)
