"""Spokn's API: one call, and the schema of its replies (002)."""

import base64
import binascii
import re
from dataclasses import replace
from importlib.resources import files
from xml.sax.saxutils import escape

from pydantic import Field

from receiver.providers.base.sandbox import CallPlan, Operation, PlacedCall, SandboxApi, SandboxOptions, WantedCall
from receiver.providers.base.sandbox_request import ApiReply, ApiRequest, Parameters
from receiver.providers.base.simulation import CallSetup
from receiver.providers.spokn.sandbox.calls import SandboxCall

CALL, SCHEMA = "/c2c/1.0/call", "/api/c2c.xsd"
FORM = "application/x-www-form-urlencoded"
MESSAGES = {
    "200": "Request Successful",
    "100": "Resource not found",
    "101": "Authentication failed",
    "102": "Invalid input parameters",
    "103": "Bad aparty number",
    "104": "Bad bparty number",
    "105": "Unable to fetch credits information",
    "106": "aparty destination not supported",
    "107": "bparty destination not supported",
    "108": "Insufficient credits for call",
    "109": "Token length exceeded. Max length is 128 characters.",
}
"""Return codes (002:127-142); the example spells "Request Successful" so (002:118)."""
HTTP_STATUSES = {"100": 404, "101": 401}
"""The HTTP statuses of return codes, where the document pairs them; the others come with 200 (G-15)."""
MAX_TOKEN, MAX_MINUTES, MAX_RETRIES, MAX_RETRY_SECONDS = 128, 60, 3, 10
"""Limits of the request (002:41-44)."""
ENTERPRISE = ("url", "apartycid", "bpartycid")
"""Parameters that only Enterprise users can set."""
_NUMBER = re.compile(r"\+?[0-9]{4,15}")
"""A phone number with its country's code, or a Spokn ID."""


class SpoknSandboxOptions(SandboxOptions):
    """The table `[providers.spokn]`."""

    users: dict[str, str] = Field(default_factory=dict)
    """Spokn IDs that are accepted, each with its password; empty: any."""
    is_enterprise: bool = True
    """Whether users may set `url`, `apartycid` and `bpartycid`."""
    unsupported_prefixes: list[str] = Field(default_factory=lambda: ["+999"])
    """How numbers begin that are not supported: codes 106 and 107."""


class SpoknSandbox(SandboxApi):
    """Spokn's part of the sandbox."""

    name = "spokn"
    title = "Spokn"
    options_type = SpoknSandboxOptions
    root_paths = (CALL, SCHEMA)
    operations = (Operation("call", "POST", CALL), Operation("xsd", "GET", SCHEMA))

    def operation(self, request: ApiRequest) -> str:
        """The call, or the schema."""
        return {CALL: "call", SCHEMA: "xsd"}.get(request.place, "")

    def answer(self, request: ApiRequest) -> ApiReply:
        """Place a call, or hand out the schema."""
        if request.place == SCHEMA and request.method in ("GET", "HEAD"):
            return ApiReply(schema(), "text/xml")
        if request.place != CALL or request.method != "POST":
            return self.error(request, "100")
        user = self._user(request)
        if user is None:
            return self.error(request, "101")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            return _reply("102", status=415)  # the document has no return code for it (002:53)
        parameters = request.parameters
        if code := self._wrong(parameters):
            return self.error(request, code)
        self._place(user, parameters, request.callbacks)
        return _reply("200")

    def error(self, request: ApiRequest, code: str) -> ApiReply:
        """A return code, with its HTTP status; 401 asks for a password."""
        return _reply(code, HTTP_STATUSES.get(code, 200))

    def unreadable(self, request: ApiRequest) -> ApiReply:
        """Invalid input parameters."""
        return _reply("102")

    def _user(self, request: ApiRequest) -> str | None:
        """The Spokn ID of HTTP basic authentication; None if it is not accepted."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        try:
            user, colon, password = base64.b64decode(credentials, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        if scheme.lower() != "basic" or not colon or not user:
            return None
        return user if not self.options.users or self.options.users.get(user) == password else None

    def _wrong(self, parameters: Parameters) -> str:
        """The code of what is wrong; empty where all is well."""
        if len(parameters.text("token")) > MAX_TOKEN:
            return "109"
        for party, bad, unsupported in (("aparty", "103", "106"), ("bparty", "104", "107")):
            number = _number(parameters, party)
            if not number:
                return "102"
            if not _NUMBER.fullmatch(number):
                return bad
            if number.startswith(tuple(self.options.unsupported_prefixes)):
                return unsupported
        return "" if self._has_good_limits(parameters) and self._may_set_all(parameters) else "102"

    @staticmethod
    def _has_good_limits(parameters: Parameters) -> bool:
        limits = (("duration", 1, MAX_MINUTES), ("maxretries", 0, MAX_RETRIES), ("retrytime", 0, MAX_RETRY_SECONDS))
        texts = ((parameters.text(name) or str(least), least, most) for name, least, most in limits)
        return all(text.isdigit() and least <= int(text) <= most for text, least, most in texts)

    def _may_set_all(self, parameters: Parameters) -> bool:
        """Whether all that only some users may set is allowed: a caller id can be a Spokn ID only for a Spokn ID."""
        if any(parameters.text(name) for name in ENTERPRISE) and not self.options.is_enterprise:
            return False
        if parameters.text("url") and not parameters.text("url").startswith(("http://", "https://")):
            return False
        for party in ("aparty", "bparty"):
            shown = _number(parameters, f"{party}cid")
            if shown and not _NUMBER.fullmatch(shown):
                return False
            if _is_spokn_id(shown) and not _is_spokn_id(_number(parameters, party)):
                return False
        return True

    def _place(self, user: str, parameters: Parameters, callbacks: str) -> PlacedCall:
        names = {"minutes": "duration", "maxretries": "maxretries", "retrytime": "retrytime", "token": "token"}
        options = {name: text for name, sent in names.items() if (text := parameters.text(sent))}
        options["userid"] = user
        setup = CallSetup(caller=_number(parameters, "aparty"), did=_number(parameters, "bparty"), options=options)
        return self._begin(setup, url=parameters.text("url"), callbacks=callbacks)

    def _begin(self, setup: CallSetup, *, url: str = "", callbacks: str = "", keys: tuple[str, ...] = ()) -> PlacedCall:
        clock = self.exchange.call_clock()
        setup = replace(
            setup,
            call_id=self.exchange.new_call_id(),
            now=clock.now,
            callee=self.exchange.callee(setup.caller),
        )
        plan = CallPlan(self.name, clock, "click_to_call", (setup.caller, setup.did), keys, url, callbacks)
        return self.exchange.place(SandboxCall(setup), plan)

    def incoming(self, wanted: WantedCall) -> PlacedCall:
        """A click-to-call that no API request placed: `caller` is aparty, `did` bparty."""
        setup = CallSetup(caller=wanted.caller, did=wanted.did or "+18474255380", options=wanted.options)
        return self._begin(setup, callbacks=wanted.callbacks, keys=wanted.keys)


def schema() -> bytes:
    """The schema that replies follow, written from the document's text: the original is not to be had (G-16)."""
    return files(__package__).joinpath("c2c.xsd").read_bytes()


def _number(parameters: Parameters, name: str) -> str:
    """A number as sent; a plus that a form made a blank of is put back (G-05)."""
    value = str(parameters.value(name) or "")
    return "+" + value.strip() if value.startswith(" ") and value.strip().isdigit() else value.strip()


def _is_spokn_id(number: str) -> bool:
    return bool(number) and not number.startswith("+") and len(number) <= 7


def _reply(code: str, status: int = 200) -> ApiReply:
    """As the document's example (002:114-120)."""
    description = escape(MESSAGES.get(code, ""))
    body = (
        '<?xml version="1.0"?>\n<spokn xmlns="http://api.spokn.com/api/c2c.xsd">\n  <c2c version="1.0">\n'
        f"    <code>{escape(code)}</code>\n    <desc>{description}</desc>\n  </c2c>\n</spokn>\n"
    )
    headers = (("WWW-Authenticate", 'Basic realm="Spokn"'),) if status == 401 else ()
    return ApiReply(body.encode(), "text/xml", status, headers)
