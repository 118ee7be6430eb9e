"""Click to call: two phones are connected, a message is played, or a call is ended (chapter 1)."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from receiver.providers.base.api.definition import ApiCall, Encoding
from receiver.providers.base.api.errors import (
    BadParameterError,
    BlockedError,
    ErrorTable,
    OfflineError,
    ProviderFailureError,
)
from receiver.providers.base.api.parameters import Parameters, Seconds, SecretText, Sent, Text, as_seconds, as_word
from receiver.providers.base.event import Identifier
from receiver.providers.voicenter.api.values import Number, VariableValues, VoicenterResult

URL = "https://api.voicenter.co.il/ForwardDialer/click2call.aspx"
"""The examples' spelling; the document's heading has `/forwardDialer/` (I-03)."""

ERRORS: ErrorTable = {
    1: (BadParameterError, "Invalid request parameters"),
    2: (ProviderFailureError, "Application error"),
    3: (OfflineError, "Extension representative offline"),
    4: (BlockedError, "Extension blocked for Click2Call calls"),
}
"""ERRORCODE (chapter 1.6)."""


class ReplyFormat(StrEnum):
    """The format of a reply; both are read (I-07)."""

    XML = "XML"
    JSON = "JSON"


class PlacedCall(VoicenterResult):
    """A call that the provider has accepted."""

    call_id: Identifier = ""
    """CALLID: the id that the callbacks of this call carry. Of any length (I-06)."""


class TerminateParameters(Parameters):
    """The call of an extension is ended."""

    phone: Annotated[Number, Sent("phone")]
    """The extension whose call ends."""
    reply_format: Annotated[ReplyFormat | None, Sent("format")] = None
    """Format of the reply; the provider's default is XML."""


class _PhoneParameters(TerminateParameters):
    target_caller_id: Annotated[Number | None, Sent("targetcallerid")] = None
    """Caller id that the target sees; not supported by all providers."""
    target_caller_name: Annotated[Text | None, Sent("targetcallername")] = None
    """Caller name that the target sees; not supported by all providers."""
    phone_max_dial_time: Annotated[Seconds | None, Sent("phonemaxdialtime", write=as_seconds)] = None
    """How long `phone` rings; the provider's default is 60 s for a call, else 30 s (I-04)."""
    max_duration: Annotated[Seconds | None, Sent("maxduration", write=as_seconds)] = None
    """How long the call may last; the provider's default is 7200 s for a call, else 30 s (I-04)."""
    phone_auto_answer: Annotated[bool | None, Sent("phoneautoanswer", write=as_word)] = None
    """Whether `phone` answers by itself; extensions only."""


class CallParameters(_PhoneParameters):
    """`phone` is rung first, then `target`; then they are connected."""

    phone: Annotated[Number, Sent("phone")]
    """Rung first: a number, an extension, `SIPTRUNK`, or `logincode` together with `phone_login_code`."""
    target: Annotated[Number, Sent("target")]
    """Rung second: a number or an extension."""
    phone_login_code: Annotated[SecretText | None, Sent("phonelogincode")] = None
    """The login code that decides which extension is `phone`; only with `phone="logincode"`."""
    record: Annotated[bool | None, Sent("record", write=as_word)] = None
    """Whether the call is recorded; the provider's default is no."""
    phone_caller_id: Annotated[Number | None, Sent("phonecallerid")] = None
    """Caller id that `phone` sees; not supported by all providers."""
    phone_caller_name: Annotated[Text | None, Sent("phonecallername")] = None
    """Caller name that `phone` sees; not supported by all providers."""
    target_max_dial_time: Annotated[Seconds | None, Sent("targetmaxdialtime", write=as_seconds)] = None
    """How long `target` rings; the provider's default is 60 s."""
    target_auto_answer: Annotated[bool | None, Sent("targetautoanswer", write=as_word)] = None
    """Whether `target` answers by itself; extensions only."""
    check_phone_device_state: Annotated[bool | None, Sent("checkphonedevicestate", write=as_word)] = None
    """Whether the call is refused while `phone` is offline (I-07)."""
    check_target_device_state: Annotated[bool | None, Sent("checktargetdevicestate", write=as_word)] = None
    """Whether the call is refused while `target` is offline (I-07)."""
    language: Annotated[str | None, Field(pattern=r"^[a-z]{2}$"), Sent("language")] = None
    """Language of the provider's recordings: `he`, `en`, `ru` and so on."""
    voicemail_id: Annotated[Text | None, Sent("vm_id")] = None
    """Voicemail code; only if `phone` is an extension."""
    variables: Annotated[VariableValues | None, Sent("var_*")] = None
    """Custom parameters, at most 10. The CDR carries them."""

    @model_validator(mode="after")
    def _login_code_with_its_word(self) -> Self:
        if (self.phone == "logincode") != (self.phone_login_code is not None):
            raise ValueError('phone_login_code goes with phone="logincode", and only with it (I-08)')
        return self


class MessageParameters(_PhoneParameters):
    """`phone` is rung, and records and digits are played."""

    phone: Annotated[Number, Sent("phone")]
    """A number or an extension."""
    before: Annotated[Text | None, Sent("pre_rec")] = None
    """Record that is played first, without its extension."""
    digits: Annotated[str | None, Field(pattern=r"^[0-9]+$"), Sent("dtmf")] = None
    """Digits that are played one by one."""
    between: Annotated[Text | None, Sent("loop_rec")] = None
    """Record that is played after each digit, without its extension."""
    after: Annotated[Text | None, Sent("post_rec")] = None
    """Record that is played last, without its extension."""
    record: Annotated[bool | None, Sent("record", write=as_word)] = None
    """Whether the call is recorded."""


class CallferenceParameters(_PhoneParameters):
    """`phone` is rung and joins a conference."""

    phone: Annotated[Number, Sent("phone")]
    """A number or an extension."""
    entry_code: Annotated[SecretText | None, Sent("bbbcode")] = None
    """The conference's entry code."""


def _call(
    name: str, action: str, parameters: type[Parameters], source: str, summary: str, command: str = ""
) -> ApiCall[PlacedCall]:
    return ApiCall(
        group="click_to_call",
        name=name,
        command=command or name,
        documented=f"click2call.aspx action={action}",
        source=source,
        summary=summary,
        url=URL,
        parameters=parameters,
        result=PlacedCall,
        encodings=(Encoding.FORM, Encoding.QUERY),
        fixed={"action": action},
        placed_id=None if parameters is TerminateParameters else _call_id,
    )


def _call_id(_parameters: Parameters, result: PlacedCall) -> str:
    """CALLID is the `ivruniqueid` of the call's callbacks."""
    return result.call_id


CALLS = (
    _call(
        "call",
        "call",
        CallParameters,
        "1.2",
        "Ring one phone, then another, and connect them.",
        command="click-to-call",
    ),
    _call("message", "message", MessageParameters, "1.3", "Ring a phone and play a message."),
    _call("callference", "callference", CallferenceParameters, "1.4", "Ring a phone into a conference."),
    _call("terminate", "terminate", TerminateParameters, "1.5", "End the call of an extension."),
)
"""Never tried again: each of them may ring a phone, or end the call that follows."""
