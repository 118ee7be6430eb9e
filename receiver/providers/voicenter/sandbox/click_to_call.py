"""Click to call: call, message, callference and terminate (chapter 1; document 001 is the same text)."""

import re
from typing import Any
from xml.sax.saxutils import escape

from receiver.providers.base.sandbox_request import ApiReply, ApiRequest, Parameters, json_reply
from receiver.providers.voicenter.events import CdrType
from receiver.providers.voicenter.sandbox.calls import LONGEST_RING, LONGEST_TALK
from receiver.providers.voicenter.sandbox.line import VoicenterLine

PATH = "/forwarddialer/click2call.aspx"
ACTIONS = ("call", "message", "callference", "terminate")
MESSAGES = {
    "0": "OK",
    "1": "Invalid request parameters",
    "2": "Application error",
    "3": "Extension representative offline",
    "4": "Extension blocked for Click2Call calls",
}
"""ERRORCODE (003:143-150)."""
MAX_VARIABLES = 10
"""Custom parameters of a call (003:98)."""
SHORT_SECONDS = 30
"""Ringing and length of a message and a callference, where none is given (I-04)."""
SPECIAL = ("siptrunk", "logincode")
"""What `phone` may be beside numbers and extensions (003:79)."""
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,63}")
"""A number in E164 format without its plus, or an extension; the document's own example writes 057XXXXXXX."""
_SECONDS = ("phonemaxdialtime", "targetmaxdialtime", "maxduration")
_SWITCHES = ("record", "phoneautoanswer", "targetautoanswer")
_TRUE = ("true", "1")


class RefusedError(Exception):
    """A request that gets an error code."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or MESSAGES.get(code, ""))
        self.code = code


class ClickToCall:
    """Plays click2call.aspx."""

    def __init__(self, line: VoicenterLine) -> None:
        self._line = line

    @staticmethod
    def action(request: ApiRequest) -> str:
        """Which of ACTIONS is asked for. The document's PHP sample names none, and places a call (I-05)."""
        return request.parameters.text("action").lower() or "call"

    def answer(self, request: ApiRequest) -> ApiReply:
        """Place or end a call."""
        try:
            call_id = self._do(self.action(request), request.parameters, request.callbacks)
        except RefusedError as refused:
            return self.reply(request, refused.code, str(refused))
        return self.reply(request, "0", "OK", call_id)

    def reply(self, request: ApiRequest, code: str, message: str = "", call_id: str = "") -> ApiReply:
        """XML unless JSON is asked for (003:69-74). ERRORCODE is a string in XML and a number in JSON (I-06)."""
        message = message or MESSAGES.get(code, "")
        if request.parameters.text("format").lower() == "json":
            number: Any = int(code) if code.isdigit() else code
            return json_reply({"ERRORCODE": number, "ERRORMESSAGE": message, "CALLID": call_id})
        return ApiReply(_xml({"ERRORCODE": code, "ERRORMESSAGE": message, "CALLID": call_id}), "text/xml")

    def _do(self, action: str, parameters: Parameters, callbacks: str) -> str:
        if action not in ACTIONS:
            raise RefusedError("1", "Action is invalid")
        self._check_presence(action, parameters)
        self._check_values(parameters)
        if action == "terminate":
            return self._terminate(parameters.text("phone"))
        self._check_extensions(parameters)
        return self._call(parameters, callbacks) if action == "call" else self._single(action, parameters, callbacks)

    # --- checks ---

    def _check_presence(self, action: str, parameters: Parameters) -> None:
        for name in ("phone", "target", "code") if action == "call" else ("phone", "code"):
            if not parameters.text(name):
                raise RefusedError("1", f"{name.capitalize()} is missing")
        if not self._line.accepts(parameters.text("code")):
            raise RefusedError("1", "Code is invalid")
        if parameters.text("phone").lower() == "logincode" and not parameters.text("phonelogincode"):
            raise RefusedError("1", "Phonelogincode is missing")

    @staticmethod
    def _check_values(parameters: Parameters) -> None:
        wrong = [name for name in ("phone", "target") if not _NUMBER.fullmatch(parameters.text(name) or "00")]
        wrong += [name for name in _SECONDS if not (parameters.text(name) or "0").isdigit()]
        wrong += [name for name in _SWITCHES if parameters.text(name).lower() not in ("true", "false", "1", "0", "")]
        if parameters.text("format").lower() not in ("", "xml", "json"):
            wrong.append("format")
        if wrong:
            raise RefusedError("1", f"{wrong[0].capitalize()} is invalid")
        if len(parameters.custom()) > MAX_VARIABLES:
            raise RefusedError("1", f"There are more than {MAX_VARIABLES} var_ parameters")

    def _check_extensions(self, parameters: Parameters) -> None:
        for name in ("phone", "target"):
            extension = self._line.options.extension(parameters.text(name))
            if extension is not None and extension.is_blocked:
                raise RefusedError("4")
            asked = parameters.text(f"check{name}devicestate").lower() in _TRUE
            if extension is not None and asked and not extension.is_online:
                raise RefusedError("3")

    # --- calls ---

    def _call(self, parameters: Parameters, callbacks: str) -> str:
        phone, target = self._phone(parameters), parameters.text("target")
        legs = (
            self._line.leg(
                phone,
                CdrType.CLICK2CALL_LEG1,
                shown=parameters.text("phonecallerid") or target,
                max_ring=_seconds(parameters, "phonemaxdialtime", LONGEST_RING),
            ),
            self._line.leg(
                target,
                CdrType.CLICK2CALL_LEG2,
                shown=parameters.text("targetcallerid") or phone,
                made_by=phone,
                max_ring=_seconds(parameters, "targetmaxdialtime", LONGEST_RING),
            ),
        )
        return self._line.place_legs(
            "click2call",
            legs,
            max_talk=_seconds(parameters, "maxduration", LONGEST_TALK),
            is_recorded=parameters.text("record").lower() in _TRUE,
            custom_data=parameters.custom(),
            ivr=self._line.is_ivr(target),
            callbacks=callbacks,
        ).call.call_id

    def _single(self, action: str, parameters: Parameters, callbacks: str) -> str:
        """A message or a callference: one leg. A message has no call type of its own; it is leg 1 of a call."""
        type_ = CdrType.CALLFERENCE if action == "callference" else CdrType.CLICK2CALL_LEG1
        phone = self._phone(parameters)
        leg = self._line.leg(
            phone,
            type_,
            shown=parameters.text("targetcallerid"),
            max_ring=_seconds(parameters, "phonemaxdialtime", SHORT_SECONDS),
        )
        return self._line.place_legs(
            action,
            (leg,),
            max_talk=_seconds(parameters, "maxduration", SHORT_SECONDS),
            is_recorded=parameters.text("record").lower() in _TRUE,
            custom_data=parameters.custom(),
            callbacks=callbacks,
        ).call.call_id

    def _phone(self, parameters: Parameters) -> str:
        """The first extension stands for SIPTRUNK, and for the one that a login code decides."""
        phone = parameters.text("phone")
        extensions = self._line.options.extensions
        return extensions[0].sip if phone.lower() in SPECIAL and extensions else phone

    def _terminate(self, phone: str) -> str:
        """End the calls of an extension. The document has no code for one that has none: application error."""
        wanted = self._line.same_number(phone)
        found = [one for one in self._line.live() if wanted in map(self._line.same_number, one.plan.parties)]
        for placed in found:
            placed.hang_up()
        if not found:
            raise RefusedError("2", f"{phone} has no call")
        return found[-1].call.call_id


def _seconds(parameters: Parameters, name: str, usual: int) -> int:
    return int(parameters.text(name) or usual)


def _xml(values: dict[str, str]) -> bytes:
    """As the document's example, which has no XML declaration (A-12)."""
    members = "\n".join(
        f"          <member>\n            <name>{name}</name>\n"
        f"            <value><string>{escape(value)}</string></value>\n          </member>"
        for name, value in values.items()
    )
    text = (
        "<methodResponse>\n  <params>\n    <param>\n      <value>\n        <struct>\n"
        f"{members}\n        </struct>\n      </value>\n    </param>\n  </params>\n</methodResponse>\n"
    )
    return text.encode()
