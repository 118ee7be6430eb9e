"""What all of Voicenter's part shares: who is who, the call log, and placing calls."""

from collections.abc import Mapping
from typing import Any

from receiver.providers.base.record import international
from receiver.providers.base.sandbox import CallPlan, Exchange, PlacedCall
from receiver.providers.base.simulation import CallSetup, SimulatedCall
from receiver.providers.voicenter.sandbox.calls import LONGEST_RING, LONGEST_TALK, Leg, LegCall
from receiver.providers.voicenter.sandbox.options import VoicenterSandboxOptions
from receiver.providers.voicenter.sandbox.record_log import RecordLog
from receiver.wire import Format

PROVIDER = "voicenter"


class VoicenterLine:
    """The provider's switch: it knows extensions and numbers, and places calls on the exchange."""

    def __init__(self, exchange: Exchange, options: VoicenterSandboxOptions) -> None:
        self.exchange = exchange
        self.options = options
        self.log = RecordLog()
        self.logged_in: dict[str, str] = {}
        """Users by the extension that they are logged in to, in lower case."""

    def accepts(self, code: str) -> bool:
        """Whether a user code is known: any is, unless the settings list them."""
        return bool(code) and (not self.options.codes or code in self.options.codes)

    def same_number(self, number: str) -> str:
        """A number as it is compared: with its country's code; what is no number in lower case."""
        return international(number, self.options.country_code) or number.lower()

    def is_ivr(self, number: str) -> bool:
        """Whether that number reaches your IVR."""
        return self.same_number(number) in map(self.same_number, self.options.ivr_numbers)

    def leg(
        self,
        number: str,
        type_: str,
        *,
        shown: str,
        made_by: str = "",
        max_ring: float = LONGEST_RING,
        fields: Mapping[str, Any] | None = None,
    ) -> Leg:
        """A leg to a number or an extension; `made_by` is the extension that it was called from, if it is one."""
        found: dict[str, Any] = {}
        if extension := self.options.extension(number):
            found |= {"targetextension": extension.sip, "targetextension_name": extension.name}
        else:
            found |= {"target_country": "Israel"}
        if maker := self.options.extension(made_by):
            found |= {"callerextension": maker.sip, "callerextension_name": maker.name}
        if known := extension or maker:
            found |= {"representative_name": known.name, "representative_code": self._user_of(known.sip)}
        return Leg(number=number, type=type_, shown=shown, max_ring=max_ring, fields={**found, **(fields or {})})

    def _user_of(self, sip: str) -> str:
        return self.logged_in.get(sip.lower(), "")

    def place_legs(
        self,
        kind: str,
        legs: tuple[Leg, ...],
        *,
        caller: str = "",
        did: str = "",
        max_talk: float = LONGEST_TALK,
        is_recorded: bool = False,
        custom_data: Mapping[str, Any] | None = None,
        ivr: bool = False,
        callbacks: str = "",
        keys: tuple[str, ...] = (),
    ) -> PlacedCall:
        """Place a call that has legs."""
        clock = self.exchange.call_clock()
        setup = CallSetup(
            caller=caller or legs[0].number,
            did=did or legs[-1].number,
            format=Format(self.options.format),
            call_id=self.exchange.new_call_id(),
            callee=self.exchange.callee(legs[0].number),
            now=clock.now,
        )
        call = LegCall(setup, legs, max_talk=max_talk, is_recorded=is_recorded, custom_data=custom_data, ivr=ivr)
        plan = self.plan(kind, clock, tuple(dict.fromkeys(filter(None, (caller, *(leg.number for leg in legs))))))
        return self.place(call, plan, callbacks=callbacks, keys=keys)

    def plan(self, kind: str, clock: Any, parties: tuple[str, ...]) -> CallPlan:
        """The plan of a call; its records go to the call log."""
        return CallPlan(PROVIDER, clock, kind, parties, on_report=self.log.note)

    def place(
        self, call: SimulatedCall, plan: CallPlan, *, callbacks: str = "", keys: tuple[str, ...] = ()
    ) -> PlacedCall:
        """Place any call."""
        complete = CallPlan(
            plan.provider, plan.clock, plan.kind, plan.parties, keys, plan.url, callbacks, plan.on_report
        )
        return self.exchange.place(call, complete)

    def live(self) -> list[PlacedCall]:
        """The calls that have not ended."""
        return self.exchange.live(PROVIDER)
