"""The dialer's API: its 15 calls (chapter 6)."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from receiver.errors import WireError
from receiver.providers.base.record import international
from receiver.providers.base.sandbox_request import ApiReply, ApiRequest, Parameters, as_text, json_reply
from receiver.providers.voicenter.sandbox.campaigns import DISABLED, PENDING, Campaign, Campaigns, DialerCall
from receiver.providers.voicenter.sandbox.line import VoicenterLine

PATH = "/forwarddialer/dialer/"
LARGEST = 10**11
"""The largest number that is taken, and with a minus the smallest; times in seconds are far below."""
MESSAGES = {
    "0": "OK",
    "1": "Invalid campaign code",
    "2": "The target is invalid",
    "3": "Unexpected internal error",
    "4": "Invalid caller id",
}
"""ErrorCode. The document lists it below AddCall; it counts for all calls here (I-22)."""
JSON_ONLY = ("addcallsbulk", "getcampaignpendingcalls", "configureivrcampaign")
"""Calls that take no query and no form (003:2087, 003:2135, 003:2278). The others take all three (I-22)."""
_PHONE = re.compile(r"\+?[0-9]{3,15}|[xy]+")
"""A phone number; the document's own examples write xxxx and yyyy."""


class _RefusedError(Exception):
    """A request that gets an error code."""


class Dialer:
    """Plays the dialer."""

    def __init__(self, line: VoicenterLine, campaigns: Campaigns) -> None:
        self._line = line
        self._campaigns = campaigns
        self.calls: Mapping[str, tuple[str, Callable[[Parameters], Any]]] = {
            name.lower(): (name, do)
            for name, do in {
                "AddCall": self._add_call,
                "RemoveCall": self._remove_call,
                "GetCampaignList": self._list_campaigns,
                "GetMembersList": self._list_members,
                "RemoveMember": self._remove_member,
                "AddMember": self._add_member,
                "StopCampaign": self._stop,
                "StartCampaign": self._start,
                "UpdateCampaignStrategy": self._update_strategy,
                "ClearCampaignCalls": self._clear,
                "AddCallsBulk": self._add_calls,
                "GetCampaignPendingCalls": self._pending_calls,
                "UpdateCall": self._update_call,
                "GetCampaignDetails": self._details,
                "ConfigureIvrCampaign": self._configure_ivr,
            }.items()
        }
        """The calls by their names in lower case."""

    def name_of(self, request: ApiRequest) -> str:
        """The call's name as the document spells it; empty where there is no such call."""
        return self.calls.get(request.place.removeprefix(PATH), ("", None))[0]

    def answer(self, request: ApiRequest) -> ApiReply:
        """Do what is asked."""
        name = request.place.removeprefix(PATH)
        _, do = self.calls[name]
        try:
            if name in JSON_ONLY and not request.is_json:
                raise _RefusedError("3")
            data = do(request.parameters)
        except _RefusedError as refused:
            return self.reply(str(refused))
        return self.reply("0", data)

    def reply(self, code: str, data: Any = None) -> ApiReply:
        """ErrorCode and Description, with Data before them where there is some."""
        number: Any = int(code) if code.isdigit() else code
        result = {"ErrorCode": number, "Description": MESSAGES.get(code, "")}
        return json_reply(result if data is None else {"Data": data, **result})

    # --- campaigns ---

    def _campaign(self, parameters: Parameters) -> Campaign:
        found = self._campaigns.find(parameters.text("campaign"))  # blanks around the code do not count (I-24)
        if found is None:
            raise _RefusedError("1")
        return found

    def _list_campaigns(self, parameters: Parameters) -> Any:
        if not self._line.accepts(parameters.text("code")):
            raise _RefusedError("3")
        return [{"Name": one.name, "StatusName": one.status, "Code": one.code} for one in self._campaigns]

    def _details(self, parameters: Parameters) -> Any:
        return _details(self._campaign(parameters))

    def _start(self, parameters: Parameters) -> None:
        self._campaigns.start(self._campaign(parameters))

    def _stop(self, parameters: Parameters) -> None:
        self._campaign(parameters).status = DISABLED

    def _update_strategy(self, parameters: Parameters) -> None:
        campaign = self._campaign(parameters)
        queue = _number(parameters.text("setqueueformonitoring"), campaign.queue)
        callers = _number(parameters.text("setqueuemaximumcallers"), campaign.maximum_callers)
        campaign.coefficient = _number(parameters.text("setcoefficient"), campaign.coefficient)
        campaign.queue, campaign.maximum_callers = int(queue), int(callers)

    def _configure_ivr(self, parameters: Parameters) -> None:
        campaign = self._campaign(parameters)
        strategy = parameters.value("concurrentstrategy")
        text = as_text(strategy.get("setMaxCalls")) if isinstance(strategy, dict) else ""
        campaign.max_calls = int(_number(text, campaign.max_calls or 1))
        if "representativelist" in parameters:
            campaign.members = parameters.texts("representativelist")

    # --- members ---

    def _list_members(self, parameters: Parameters) -> Any:
        return [{"Member": sip, "DisplayName": self._name_of(sip)} for sip in self._campaign(parameters).members]

    def _name_of(self, sip: str) -> str:
        extension = self._line.options.extension(sip)
        return extension.name if extension else sip

    def _add_member(self, parameters: Parameters) -> Any:
        campaign, member = self._campaign(parameters), _member(parameters)
        is_new = member not in campaign.members
        if is_new:
            campaign.members.append(member)
        return {"TotalAdded": int(is_new)}

    def _remove_member(self, parameters: Parameters) -> Any:
        campaign, member = self._campaign(parameters), _member(parameters)
        kept = [one for one in campaign.members if one != member]
        removed, campaign.members = len(campaign.members) - len(kept), kept
        return {"TotalRemoved": removed}

    # --- calls ---

    def _add_call(self, parameters: Parameters) -> None:
        campaign = self._campaign(parameters)
        campaign.calls.append(_call(parameters))
        self._campaigns.wake(campaign)

    def _add_calls(self, parameters: Parameters) -> None:
        """All of them, or none."""
        if not parameters.items:
            raise _RefusedError("3")
        found = []
        for item in parameters.items:
            one = Parameters(list(item.items()) if isinstance(item, dict) else [])
            found.append((self._campaign(one), _call(one)))
        for campaign, call in found:
            campaign.calls.append(call)
            self._campaigns.wake(campaign)

    def _remove_call(self, parameters: Parameters) -> None:
        campaign = self._campaign(parameters)
        found = self._calls_to(campaign, parameters)
        campaign.calls = [call for call in campaign.calls if call not in found]

    def _update_call(self, parameters: Parameters) -> None:
        """What is given replaces what there was."""
        campaign = self._campaign(parameters)
        wanted = _call(parameters)
        for call in self._calls_to(campaign, parameters):
            for name, field in _FIELDS.items():
                if name in parameters:
                    setattr(call, field, getattr(wanted, field))
            call.custom_data = wanted.custom_data or call.custom_data
            call.waits_until = None
        self._campaigns.wake(campaign)

    def _calls_to(self, campaign: Campaign, parameters: Parameters) -> list[DialerCall]:
        """The pending calls to a target. One that has none is an invalid target."""
        target = self._line.same_number(parameters.text("target"))
        found = [call for call in campaign.calls if self._line.same_number(call.target) == target]
        if not found:
            raise _RefusedError("2")
        return found

    def _clear(self, parameters: Parameters) -> None:
        self._campaign(parameters).calls.clear()

    def _pending_calls(self, parameters: Parameters) -> Any:
        campaign = self._campaign(parameters)
        calls = [self._pending(call) for call in campaign.in_order()]
        return {"Calls": calls, "Campaign": _details(campaign)}

    def _pending(self, call: DialerCall) -> dict[str, Any]:
        return {
            "Phone": international(call.target, self._line.options.country_code) or call.target,
            "CallerID": call.caller_id,
            "CallerName": call.caller_name,
            "OriginateTime": call.originate_time,
            "Priority": call.priority,
            "CustomerName": call.customer_name,
            "CallStatus": {"Status": PENDING, "Description": "Pending"},
            "CustomData": call.custom_data,
        }


_FIELDS = {
    "callerid": "caller_id",
    "callername": "caller_name",
    "originatetime": "originate_time",
    "customername": "customer_name",
    "priority": "priority",
}


def _call(parameters: Parameters) -> DialerCall:
    """A call as it is given: custom data as var_ parameters, or as an object of them (003:1772)."""
    if not _PHONE.fullmatch(parameters.text("target")):
        raise _RefusedError("2")
    caller_id = parameters.text("callerid")
    if caller_id and caller_id.lower() != "anonymous" and not _PHONE.fullmatch(caller_id):
        raise _RefusedError("4")
    data = parameters.value("customdata")
    return DialerCall(
        target=parameters.text("target"),
        caller_id=caller_id,
        caller_name=parameters.text("callername"),
        originate_time=int(_number(parameters.text("originatetime"), 0)),
        customer_name=parameters.text("customername"),
        priority=int(_number(parameters.text("priority"), 0)),
        custom_data={**parameters.custom(), **(data if isinstance(data, dict) else {})},
    )


def _member(parameters: Parameters) -> str:
    member = parameters.text("member")
    if not member:
        raise _RefusedError("3")
    return member


def _number(text: str, usual: float) -> float:
    """A number; what is none, or beyond LARGEST, is an internal error, for which alone there is a code."""
    if not text:
        return usual
    try:
        number = float(text)
    except ValueError:
        raise _RefusedError("3") from WireError(f"{text!r} is no number")
    if not -LARGEST <= number <= LARGEST:  # nan is not within either
        raise _RefusedError("3")
    return number


def _details(campaign: Campaign) -> dict[str, Any]:
    priorities = [call.priority for call in campaign.calls] or [0]
    return {
        "Name": campaign.name,
        "StatusName": campaign.status,
        "TotalPendingCalls": len(campaign.calls),
        "MaxPriority": max(priorities),
        "MinPriority": min(priorities),
        "Code": campaign.code,
    }
