"""Random replies and random callers: every request is a valid one, nothing hangs, every call is reported once."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.providers.base.contract import CallbackRequest, HttpReply
from receiver.providers.base.simulation import KEYS, CallSetup, CallState, OutgoingRequest
from receiver.providers.voicenter.ivr_actions import IVR_ACTIONS
from receiver.providers.voicenter.layer_actions import LAYER_ACTIONS
from receiver.simulator import CALLEE_ACTIONS, Player, VirtualClock
from receiver.wire import Format
from tests.providers.support import voicenter

PROVIDER = voicenter()
ACKNOWLEDGED = HttpReply(b'{"STATUS": 0, "err": "0", "errdesc": "OK"}', "application/json")
ACTIONS = st.lists(st.sampled_from([*KEYS, "wait", "hangup", *CALLEE_ACTIONS]), max_size=25)

_text = st.text("abcXYZ019 _", min_size=1, max_size=8).filter(str.strip)
_count = st.integers(0, 5)


_NUMBERS = {
    *("size", "loop", "delay", "max_dial", "max_duration", "layer"),
    *("next_menu_size", "next_menu_loop", "next_menu_wait"),
}


def _values(name: str) -> Any:
    """Values of one field of an action."""
    if name in _NUMBERS:
        return _count
    return _text


@st.composite
def replies(draw: st.DrawFn, asked: str, dialect: Format) -> HttpReply | None:
    """A valid reply to a question, or nonsense, or none."""
    if draw(st.integers(0, 9)) == 0:
        junk = draw(st.sampled_from([b"", b"{", b"<a/>", b'{"STATUS": 1}', b'{"STATUS": 0, "ACTION": "MENU"}']))
        return draw(st.sampled_from([None, HttpReply(junk, "text/plain"), HttpReply(junk, "text/plain", 500)]))
    actions = IVR_ACTIONS if asked == "GET_IVR_ACTION" else [one for one in LAYER_ACTIONS if one.action != "SAY_DIGITS"]
    action = draw(st.sampled_from(actions))
    fields: dict[str, Any] = {}
    for name, info in action.model_fields.items():
        if info.is_required() or (name.startswith("next_menu") and draw(st.booleans())):
            fields[name] = draw(_values(name))
    if "targets" in fields:
        fields["targets"] = ({"target": draw(_text)},)
        for name in ("next_vo_id", "answer_next_vo_id", "unavailable_vo_id"):
            if draw(st.booleans()):
                fields[name] = draw(_count)
    return PROVIDER.write(action.model_validate(fields), dialect)


@pytest.mark.parametrize("play", ["ivr", "layer"])
@pytest.mark.parametrize("format_", [Format.XMLRPC, Format.JSON])
@given(data=st.data(), actions=ACTIONS)
def test_every_request_is_valid_and_every_call_is_reported_once(
    play: str, format_: Format, data: st.DataObject, actions: list[str]
) -> None:
    """Whatever is replied and whatever the caller does: one HANGUP_CALL at most, one CDR, and the call has ended."""
    clock = VirtualClock()
    call = PROVIDER.simulations()[play](CallSetup(format=format_, now=clock.now))
    sent: Counter[str] = Counter()

    async def send(request: OutgoingRequest) -> HttpReply | None:
        endpoint = PROVIDER.endpoints[0]
        [callback] = PROVIDER.read(
            CallbackRequest(endpoint, request.method, PROVIDER.path, b"", request.headers, request.body)
        ).callbacks
        assert callback.event is not None, callback.reason
        assert (callback.kind, callback.call_id) == (request.kind, call.call_id)
        assert callback.event.extra == {}
        assert callback.event.unread == ()
        sent[request.kind] += 1
        return data.draw(replies(request.kind, format_)) if request.asks else ACKNOWLEDGED

    _run(Player(call, send, clock), actions)
    assert call.has_ended
    assert sent["CDR"] == 1
    assert sent["HANGUP_CALL"] == (1 if play == "ivr" else 0)


def _run(player: Player, actions: list[str]) -> None:
    """Play the actions, and hang up at the end. The player awaits nothing that waits, so no event loop is needed."""
    playing = _play(player, actions)
    with pytest.raises(StopIteration):
        playing.send(None)


async def _play(player: Player, actions: list[str]) -> None:
    await player.play(actions)
    if not player.call.has_ended:
        assert player.call.state is not CallState.NEW
        await player.do("hangup")


def test_the_json_of_a_question_is_strict() -> None:
    """The document's own example has bare keys (A-19); the simulation sends what every parser reads."""
    call = PROVIDER.simulations()["ivr"](CallSetup(format=Format.JSON))
    call.start()
    request = call.next_request()
    assert request is not None
    assert json.loads(request.body)["METHOD"] == "GET_IVR_ACTION"
