"""The dialer's campaigns, and how a started one places its calls (chapter 6)."""

from dataclasses import dataclass, field
from typing import Any

from receiver.providers.base.sandbox import PlacedCall
from receiver.providers.voicenter.events import CdrType
from receiver.providers.voicenter.sandbox.line import VoicenterLine
from receiver.providers.voicenter.sandbox.options import CampaignOptions

ENABLED, DISABLED = "Enabled", "Disabled"
"""Two of the statuses of 003:1882-1884. No call of the API makes a campaign Deleted."""
PENDING = 1
"""CallStatus of a call that waits (003:2163)."""
ROUND_SECONDS = 1.0
"""Seconds of calls between two looks at what is due."""


@dataclass(slots=True)
class DialerCall:
    """A call that a campaign is to place."""

    target: str
    caller_id: str = ""
    caller_name: str = ""
    originate_time: int = 0
    """Seconds since 1970; 0 is at once (I-21)."""
    customer_name: str = ""
    priority: int = 0
    custom_data: dict[str, Any] = field(default_factory=dict)
    waits_until: float | None = None
    """The moment on the sandbox's clock at which it is due."""


@dataclass
class Campaign:
    """A campaign: its calls, its members and its strategy."""

    code: str
    name: str
    status: str = DISABLED
    members: list[str] = field(default_factory=list)
    calls: list[DialerCall] = field(default_factory=list)
    """Those that are pending."""
    queue: int = 0
    """setQueueForMonitoring: whose queue it calls for; 0 is none."""
    maximum_callers: int = 0
    """setQueueMaximumCallers: no call is placed while so many wait; 0 is no limit."""
    coefficient: float = 1.0
    """Calls at once for each member."""
    max_calls: int = 0
    """setMaxCalls of an IVR campaign; 0: it is none."""
    placed: list[PlacedCall] = field(default_factory=list)
    is_running: bool = False
    turn: int = 0

    @property
    def calls_at_once(self) -> int:
        """How many of its calls may be live."""
        return self.max_calls or max(1, int(max(1, len(self.members)) * self.coefficient))

    def in_order(self) -> list[DialerCall]:
        """Its pending calls, those with a higher priority first (003:1771)."""
        return sorted(self.calls, key=lambda call: -call.priority)


class Campaigns:
    """All campaigns. Unless the settings list them, one begins with the first call that names it."""

    def __init__(self, line: VoicenterLine) -> None:
        self._line = line
        self._is_open = not line.options.campaigns
        self._all = {one.code: _made(one, number) for number, one in enumerate(line.options.campaigns, 1)}

    def __iter__(self) -> Any:
        return iter(self._all.values())

    def find(self, code: str) -> Campaign | None:
        """The campaign of that code; None where there is none."""
        if code and self._is_open and code not in self._all:
            self._all[code] = Campaign(code, f"Campaign {len(self._all) + 1}")
        return self._all.get(code)

    def start(self, campaign: Campaign) -> None:
        """Place its calls from now on."""
        campaign.status = ENABLED
        self.wake(campaign)

    def wake(self, campaign: Campaign) -> None:
        """Look whether it has something to do: it is started, or got a call."""
        if campaign.status == ENABLED and campaign.calls and not campaign.is_running:
            campaign.is_running = True
            self._line.exchange.in_background(self._run(campaign))

    async def _run(self, campaign: Campaign) -> None:
        """Place what is due, until nothing is pending or the campaign is stopped."""
        try:
            while campaign.status == ENABLED and campaign.calls:
                self._place_due(campaign)
                await self._line.exchange.sleep(ROUND_SECONDS)
        finally:
            campaign.is_running = False

    def _place_due(self, campaign: Campaign) -> None:
        campaign.placed = [one for one in campaign.placed if one.is_live]
        for call in campaign.in_order():
            if len(campaign.placed) >= campaign.calls_at_once or self._has_full_queue(campaign):
                return
            if self._is_due(call):
                campaign.calls.remove(call)
                campaign.placed.append(self._place(campaign, call))

    def _is_due(self, call: DialerCall) -> bool:
        """Whether its time has come: the wait for it passes at the speed of calls."""
        now = self._line.exchange.now().timestamp()
        if call.waits_until is None:
            call.waits_until = now + max(0.0, call.originate_time - now) / self._line.exchange.speed
        return now >= call.waits_until

    def _has_full_queue(self, campaign: Campaign) -> bool:
        if not (campaign.queue and campaign.maximum_callers):
            return False
        waiting = [one for one in self._line.live() if one.plan.kind == f"queue {campaign.queue}"]
        return len(waiting) >= campaign.maximum_callers

    def _place(self, campaign: Campaign, call: DialerCall) -> PlacedCall:
        """Leg 1 to a member and leg 2 to the target; an IVR campaign rings the target and connects it to the IVR."""
        shown = "" if call.caller_id.lower() == "anonymous" else call.caller_id
        leg_of = self._line.leg
        if campaign.max_calls:
            did = next(iter(self._line.options.ivr_numbers), "")
            legs = (
                leg_of(call.target, CdrType.CLICK2IVR, shown=shown),
                leg_of(did, CdrType.CLICK2IVR_INCOMING, shown=call.target),
            )
            return self._line.place_legs("campaign", legs, did=did, custom_data=call.custom_data, ivr=True)
        member = self._next_member(campaign)
        first, second = CdrType.PRODUCTIVE_CALL_LEG1, CdrType.PRODUCTIVE_CALL_LEG2
        fields: dict[str, Any] = {}
        if campaign.queue:
            queues = {one.id: one.name for one in self._line.options.queues}
            fields = {"queueid": campaign.queue, "queuename": queues.get(campaign.queue, "")}
            first, second = CdrType.CLICK2IVR, CdrType.CLICK2QUEUE_INCOMING
        legs = (
            leg_of(member, first, shown=call.target),
            leg_of(call.target, second, shown=shown or member, made_by=member, fields=fields),
        )
        return self._line.place_legs("campaign", legs, custom_data=call.custom_data)

    def _next_member(self, campaign: Campaign) -> str:
        """Members are called in rotation; a campaign without members calls the first extension."""
        members = campaign.members or [one.sip for one in self._line.options.extensions[:1]] or ["AAPINFzL"]
        campaign.turn += 1
        return members[(campaign.turn - 1) % len(members)]


def _made(options: CampaignOptions, number: int) -> Campaign:
    status = ENABLED if options.is_enabled else DISABLED
    return Campaign(options.code, options.name or f"Campaign {number}", status, list(options.members))
