"""ViviPhone's API: methods over buttons, at one address (000)."""

import re
from collections.abc import Iterable
from datetime import timedelta
from xml.sax.saxutils import escape

from pydantic import Field as OptionField

from receiver.errors import SimulationError
from receiver.providers.base.sandbox import (
    CallPlan,
    Exchange,
    Operation,
    PlacedCall,
    SandboxApi,
    SandboxOptions,
    WantedCall,
)
from receiver.providers.base.sandbox_request import ApiReply, ApiRequest, Parameters
from receiver.providers.base.simulation import CallSetup
from receiver.providers.viviphone.sandbox.buttons import Button, ButtonCall, HistoryRow
from receiver.providers.viviphone.sandbox.fields import (
    DESTINATIONS,
    FIELDS,
    GROUPS,
    NEW_FIELDS,
    NO_NUMBER,
    SPELLINGS,
)

PATH = "/api"
SYSTEM_ERROR = "101"
"""For a key that is not accepted: the document's failure example has it, and none of 1 to 200 means a key (I-42)."""
FIRST_ID = 743345568
"""The id of the document's own example (000:77)."""
_QUOTES = "'\""


class ViviPhoneSandboxOptions(SandboxOptions):
    """The table `[providers.viviphone]`."""

    keys: list[str] = OptionField(default_factory=list)
    """API keys that are accepted; empty: any."""
    max_buttons: int = OptionField(default=100, ge=1)
    """Buttons of the account; one more gets error 223."""
    tzo: int = OptionField(default=5, ge=-12, le=12)
    """The account's time zone: hours west of UTC (I-38)."""
    lang: str = OptionField(default="en", pattern="^(en|fr|sp)$")
    """The account's language."""


class _RefusedError(Exception):
    """A request that gets an error code."""


class ViviPhoneSandbox(SandboxApi):
    """ViviPhone's part of the sandbox. Buttons keep what was set; `incoming` calls one."""

    name = "viviphone"
    title = "ViviPhone"
    options_type = ViviPhoneSandboxOptions
    root_paths = ("/api/",)
    operations = (
        Operation("c2c.new", "POST", "/api/"),
        *(
            Operation(f"{group}.{verb}", "GET" if verb == "get" else "POST", "/api/")
            for group in GROUPS
            for verb in ("get", "set")
        ),
        Operation("gen.hist.get", "GET, POST", "/api/"),
    )

    def __init__(self, exchange: Exchange, options: ViviPhoneSandboxOptions) -> None:
        super().__init__(exchange, options)
        self.buttons: dict[str, Button] = {}
        """The buttons by their ids."""

    def operation(self, request: ApiRequest) -> str:
        """The method."""
        return _unquoted(request.parameters.text("method"))

    def answer(self, request: ApiRequest) -> ApiReply:
        """Do what the method says."""
        if request.place != PATH:
            return ApiReply(b"ViviPhone's API is at /api/ alone\n", "text/plain", 404)
        try:
            return _ok(self._do(request.method, request.parameters))
        except _RefusedError as refused:
            return self.error(request, str(refused))

    def error(self, request: ApiRequest, code: str) -> ApiReply:
        """A failure, byte for byte as the document prints it: the attribute has no quotes, so it is no XML (I-32)."""
        return _xml(f'<?xml version="1.0" ?><resp stat="fail"> <err code={escape(code)}/> </resp>')

    def unreadable(self, request: ApiRequest) -> ApiReply:
        """A mandatory parameter is missing: all are."""
        return self.error(request, "201")

    def _do(self, http_method: str, parameters: Parameters) -> Iterable[str]:
        method, key = (_unquoted(parameters.text(name)) for name in ("method", "key"))
        if not method or not key:
            raise _RefusedError("201")
        if self.options.keys and key not in self.options.keys:
            raise _RefusedError(SYSTEM_ERROR)
        known = {one.name: one.method for one in self.operations}
        if method not in known or http_method.replace("HEAD", "GET") not in known[method]:
            raise _RefusedError("202")
        if method == "c2c.new":
            return self._new(parameters)
        button = self._button(parameters)
        if method == "gen.hist.get":
            return self._history(button, parameters)
        group, _, verb = method.rpartition(".")
        if verb == "get":
            return _values(group, button)
        self._set(group, button, parameters)
        return ()

    def _button(self, parameters: Parameters) -> Button:
        """The button that `id` names; quotes around it do not count (I-33)."""
        wanted = _unquoted(parameters.text("id"))
        if not wanted:
            raise _RefusedError("201")
        if wanted not in self.buttons:
            raise _RefusedError("203")
        return self.buttons[wanted]

    def _new(self, parameters: Parameters) -> Iterable[str]:
        given = _given(parameters, NEW_FIELDS)
        if not given.get("dest1_num"):
            raise _RefusedError("201")
        if not given.get("pin"):
            raise _RefusedError("206")
        _check(given)
        if given["dest1_num"] == NO_NUMBER:
            raise _RefusedError("221")
        if len(self.buttons) >= self.options.max_buttons:
            raise _RefusedError("223")
        button = Button(str(FIRST_ID + len(self.buttons)), {**self._defaults(), **given})
        self.buttons[button.id] = button
        return (_element("id", button.id),)

    def _defaults(self) -> dict[str, str]:
        account = {"tzo": str(self.options.tzo), "lang": self.options.lang, "pin": ""}
        return {name: account.get(name, field.default or "") for name, field in FIELDS.items()}

    def _set(self, group: str, button: Button, parameters: Parameters) -> None:
        """What is not given becomes its default, as the appendix has it; destinations that are not given stay."""
        names = GROUPS[group].fields
        given = _given(parameters, names)
        _check(given)
        if group.startswith("gen.scrng."):
            button.lists[group.rpartition(".")[2]] = given.get("numlist", "")
            return
        defaults = self._defaults()
        kept = button.settings if names == DESTINATIONS else defaults
        button.settings |= {name: given.get(name, kept[name]) for name in names}

    def _history(self, button: Button, parameters: Parameters) -> Iterable[str]:
        """The calls of the last days, oldest first; the document names no element for a row (I-41)."""
        text = _unquoted(parameters.text("offset_day"))
        if not text.isdigit():
            raise _RefusedError("201")  # there is no code of its own (I-42)
        since = self.exchange.now() - timedelta(days=min(int(text), 10_000) + 1)
        return ["<call>" + "".join(_row(row)) + "</call>" for row in button.history if row.began >= since]

    def incoming(self, wanted: WantedCall) -> PlacedCall:
        """A visitor calls over the button whose id is `did`; over the first one where it is empty."""
        button = self.buttons.get(wanted.did) if wanted.did else next(iter(self.buttons.values()), None)
        if button is None:
            raise SimulationError(f"there is no button {wanted.did or 'yet'}; c2c.new makes one")
        clock = self.exchange.call_clock()
        setup = CallSetup(
            caller=wanted.caller,
            did=button.id,
            call_id=self.exchange.new_call_id(),
            now=clock.now,
            callee=self.exchange.callee(next(iter(button.destinations), "")),
            caller_name=wanted.options.get("caller_name", ""),
        )
        call = ButtonCall(setup, button, button.history.append)
        plan = CallPlan(self.name, clock, "button", (wanted.caller, button.id), wanted.keys)
        return self.exchange.place(call, plan)


def _given(parameters: Parameters, names: Iterable[str]) -> dict[str, str]:
    """The parameters among `names` that were sent, without quotes around them."""
    spelt = {sent: sent for sent in names}
    spelt |= {other: name for other, name in SPELLINGS.items() if name in spelt}
    return {name: _unquoted(parameters.text(sent)) for sent, name in spelt.items() if sent in parameters}


def _check(given: dict[str, str]) -> None:
    """Raise the code of the first value that is missing or out of range."""
    for name, text in given.items():
        field = FIELDS[name]
        if (not text and not field.may_be_empty) or not field.check(text):
            raise _RefusedError(field.error)


def _values(group: str, button: Button) -> list[str]:
    """What a getter returns; for destinations one element each, since the document does not say how (I-41)."""
    if group.startswith("gen.scrng."):
        return [_element("numlist", button.lists[group.rpartition(".")[2]])]
    if group == "c2c.phdest":
        names = ("cty", "num", "post", "issms")
        return [
            f"<dest{at}>"
            + "".join(_element(name, button.settings[f"dest{at}_{name}"]) for name in names)
            + f"</dest{at}>"
            for at in (1, 2, 3)
        ]
    return [_element(name, button.settings[name]) for name in GROUPS[group].fields]


def _row(row: HistoryRow) -> Iterable[str]:
    yield _element("is_num_intl", row.is_num_intl)
    yield _element("telnum", row.telnum)
    if row.calltype == "inbound":
        yield _element("cname", row.cname)
    yield _element("dursec", row.dursec)
    yield _element("date", row.began.strftime("%Y-%m-%d %H:%M:%S"))
    yield _element("calltype", row.calltype)
    yield _element("cost_ct", f"{row.cost_ct:g}")


def _element(name: str, value: object) -> str:
    return f"<{name}>{escape(str(value))}</{name}>"


def _unquoted(text: str) -> str:
    """A value without the quotes that the document's examples put around some (I-33)."""
    return re.sub(rf"^[{_QUOTES}]|[{_QUOTES}]$", "", text.strip())


def _ok(elements: Iterable[str]) -> ApiReply:
    """A success as the document's example prints it (000:77)."""
    inner = " ".join(elements)
    return _xml(f'<?xml version="1.0" encoding="utf-8" ?> <resp stat="ok"> {inner + " " if inner else ""}</resp>')


def _xml(text: str) -> ApiReply:
    return ApiReply(text.encode(), "text/xml; charset=utf-8")
