"""Flows and the simulated provider: whatever is pressed, both know where the call is."""

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from receiver import Context
from receiver.flow import Flow
from receiver.plugins.call_history import CallHistory, decode_state, encode_state
from receiver.providers.base.contract import CallbackRequest, HttpReply
from receiver.providers.base.simulation import CallSetup, CallState, OutgoingRequest
from receiver.providers.voicenter import Voicenter
from receiver.providers.voicenter.options import VoicenterOptions
from receiver.simulator import Player, VirtualClock
from tests.flow.random_flows import NAMES, flows
from tests.flow.support import offline

ACTIONS = st.lists(
    st.sampled_from([*"0011122*#", "wait", "wait", "answer", "busy", "noanswer", "rejected", "hangup"]), max_size=15
)
"""What callers and those they call do; most of it keeps the call going."""


class Line:
    """The simulated provider, and a flow that answers it; its state is encoded and decoded as for the journal."""

    def __init__(self, flow: Flow, format_: Any) -> None:
        self.flow = flow
        self.state = b""
        self.provider = Voicenter(VoicenterOptions())
        clock = VirtualClock()
        simulated = self.provider.simulations()["ivr"](CallSetup(now=clock.now, format=format_))
        self.player = Player(simulated, self.send, clock)
        self.clock = clock

    async def send(self, request: OutgoingRequest) -> HttpReply:
        """The reply to one request of the provider."""
        endpoint = self.provider.endpoint_of(self.provider.path + request.target)
        parsed = self.provider.read(
            CallbackRequest(
                endpoint, request.method, self.provider.path + request.target, b"", request.headers, request.body
            )
        )
        callback = parsed.callbacks[0]
        if not request.asks:
            return self.provider.acknowledge(callback.kind, parsed.dialect)
        if callback.event is None or callback.kind != "GET_IVR_ACTION":  # a layer of the provider's own IVR
            return self.provider.write(self.provider.error_reply(callback.kind), parsed.dialect)
        history = CallHistory(state=decode_state(self.state))
        context = Context(history=history, received_at=self.clock.now(), http=offline())
        reply = await self.flow.answer(callback.event, context)
        self.state = encode_state(history)
        return self.provider.write(reply, parsed.dialect)

    def expect_agreement(self) -> None:
        """No reply was faulty, and a call that collects digits is where the flow's state says."""
        call = self.player.call
        assert [fault for fault in call.faults if fault.rule not in {"C-26", "E-18"}] == []
        instruction = call.instruction
        own = instruction is not None and instruction.fields.get("REC") == "own"
        if call.state is CallState.MENU and call.position in NAMES and not own:
            assert decode_state(self.state)["flow.random"]["node"] == call.position
            assert call.position in self.flow.nodes


@settings(deadline=None, max_examples=300)
@given(flow=st.one_of(flows(), flows(wild=False)), actions=ACTIONS, data=st.data())
def test_provider_and_flow_agree_where_a_call_is(flow: Flow, actions: list[str], data: st.DataObject) -> None:
    """After each key, each silence and each call that is not answered; and no reply breaks a rule."""
    line = Line(flow, data.draw(st.sampled_from(Voicenter(VoicenterOptions()).simulations()["ivr"].formats)))

    async def play() -> None:
        await line.player.start()
        line.expect_agreement()
        for action in actions:
            if line.player.call.has_ended:
                return
            await line.player.do(action)
            line.expect_agreement()

    asyncio.run(play())
