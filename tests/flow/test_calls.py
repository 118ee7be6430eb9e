"""What ends a call or takes it elsewhere: dialling, messages, transfers, good-byes."""

from typing import Any

import pytest

from receiver import Setting
from receiver.errors import HandlerError
from receiver.flow import BACK, HANG_UP, Caller, Flow
from receiver.flow.targets import Target
from receiver.providers.voicenter import Call, Hangup, Menu, SilentRecord, Vo
from tests.flow.support import Phone


def office(otherwise: Target | None = None, **options: Any) -> Flow:
    """A menu whose key 1 dials."""
    flow = Flow("office", start="main", languages=("he", "en"), recordings="{rec}_{language}")
    flow.menu("main", "welcome", {"1": "sales"})
    if otherwise is not None:
        options["otherwise"] = otherwise
    flow.dial("sales", "0540000000", **options)
    flow.menu("no_answer", "no_answer", {"1": "sales", "2": "main"}, loop=2, pause=3)
    flow.dial("mobile", "0541111111", otherwise="voicemail")
    flow.say("sorry", "sorry", then="main")
    flow.say("read", "read", digits="12", then="main")
    flow.message("voicemail", "after_the_tone", seconds=90)
    flow.transfer("queue", 7, "one_moment")
    flow.end("goodbye", "goodbye", cause=16)
    return flow


def dialled(flow: Flow) -> tuple[Phone, Call]:
    """A caller for whom the first key dials."""
    phone = Phone(flow)
    phone.start()
    reply = phone.press("1")
    assert isinstance(reply, Call)
    return phone, reply


def test_a_call_shows_the_callers_own_number() -> None:
    """And rings 30 seconds, for an hour at most, unless the node says more."""
    _, call = dialled(office())
    assert call == Call(target="0540000000", caller_id="0541111111", max_dial=30, max_duration=3600, language="he")


def test_a_call_takes_all_that_the_provider_offers() -> None:
    """In a flow's own words."""
    options: dict[str, Any] = {
        "ring": 20,
        "talk": 600,
        "caller_id": "0730000000",
        "caller_name": "Office",
        "record": True,
    }
    heard = {"rec": "connecting", "whisper": "from_office", "music": "jazz", "press": "12"}
    _, call = dialled(office(**options, **heard))
    assert call.model_dump(exclude_defaults=True, by_alias=True) == {
        "TARGET": "0540000000",
        "CALLERID": "0730000000",
        "CALLERNAME": "Office",
        "CALLER_REC": "connecting_he",
        "MOH_CLASS": "jazz",
        "TARGET_REC": "from_office_he",
        "CALL_MAX_DIAL": 20,
        "CALL_MAX": 600,
        "REC_STATUS": 1,
        "DTMF_PLAY": "12",
    }


def test_the_target_can_be_a_setting_or_come_from_a_function() -> None:
    """Anything but text is an error that names the function."""
    flow = Flow("office", start="main")
    flow.menu("main", "welcome", {"1": "desk", "2": "agent", "3": "broken"})
    flow.dial("desk", Setting("desk"))
    flow.dial("agent", agent)
    flow.dial("broken", broken)
    phone = Phone(flow, settings={"desk": "0542222222"})
    phone.start()
    assert phone.press("1").target == "0542222222"
    phone.menu = "main"
    assert phone.press("2").target == "agent of 0541111111"
    with pytest.raises(HandlerError, match=r"flow office: broken\(\) is int, not text"):
        phone.press("3")


def test_without_a_number_to_dial_the_call_counts_as_failed() -> None:
    """Such as that of an agent where none is there."""
    flow = Flow("office", start="desk")
    flow.dial("desk", lambda caller: "", otherwise="goodbye")
    flow.end("goodbye", "goodbye")
    assert Phone(flow).start() == Hangup(rec="goodbye")


def agent(caller: Caller) -> str:
    """Who serves this caller."""
    return f"agent of {caller.number}"


def broken(caller: Caller) -> int:
    """A number in place of text."""
    return 54


def test_a_menu_after_a_call_that_fails_is_asked_by_the_provider_at_once() -> None:
    """Its recording and size travel with the call; the next question has what was pressed in it."""
    phone, call = dialled(office("no_answer"))
    assert (call.next_menu, call.next_menu_rec, call.next_menu_loop) == ("no_answer", "no_answer_he", 2)
    assert (call.next_menu_size, call.next_menu_wait) == (1, 3)
    assert phone.kept["node"] == "no_answer"
    assert phone.fail("2").menu == "main"
    phone, _ = dialled(office("no_answer"))
    assert phone.fail("") == Menu(menu="no_answer", rec="no_answer_he", size=1, loop=2, delay=3, language="he")


@pytest.mark.parametrize(
    ("otherwise", "expected"),
    [
        ("mobile", Call),
        ("voicemail", SilentRecord),
        ("queue", Vo),
        ("goodbye", Hangup),
        ("read", None),
        (lambda caller: "voicemail", SilentRecord),
        (Hangup(rec="given"), Hangup),
        ("nowhere", Hangup),
    ],
)
def test_what_the_provider_cannot_do_by_itself_is_asked_for(otherwise: Target, expected: type | None) -> None:
    """When the call fails the provider asks at once, under the call's own name; digits do not matter."""
    phone, call = dialled(office(otherwise))
    assert (call.next_menu, call.next_menu_rec, call.next_menu_size) == ("sales", None, None)
    for digits in ("", "5"):
        phone, _ = dialled(office(otherwise))
        reply = phone.fail(digits)
        assert type(reply) is expected if expected else reply.menu == "read"


def test_something_to_say_after_a_call_that_fails_is_said_at_once() -> None:
    """Then the caller goes on."""
    phone, call = dialled(office("sorry"))
    assert (call.next_menu, call.next_menu_rec) == ("sorry", "sorry_he")
    assert phone.fail("").menu == "main"


def test_back_after_a_call_that_fails_is_the_menu_before_it() -> None:
    """The provider asks it."""
    phone, call = dialled(office(BACK))
    assert (call.next_menu, call.next_menu_rec) == ("main", "welcome_he")
    assert isinstance(phone.fail("1"), Call)


def test_a_recording_that_a_function_makes_is_not_made_before_it_is_needed() -> None:
    """The function may have effects: it runs when the caller comes there."""
    flow = Flow("office", start="desk")
    flow.dial("desk", "0540000000", otherwise="later")
    flow.menu("later", lambda caller: f"later_{caller.pressed_at}", {"1": "desk"})
    phone = Phone(flow)
    assert phone.start().next_menu == "desk"
    assert phone.fail().rec == "later_desk"


def test_a_pin_without_tries_is_not_asked_for_after_a_call() -> None:
    """The provider would ask for it, and no digits would count."""
    flow = Flow("office", start="pin", otherwise="desk")
    flow.pin("pin", "pin", 4, lambda caller: False, "desk", tries=1)
    flow.dial("desk", "0540000000", otherwise="pin")
    phone = Phone(flow)
    phone.start()
    assert phone.press("0000").next_menu == "desk"
    assert phone.fail("") == phone.said[-2]


@pytest.mark.parametrize("otherwise", [None, HANG_UP])
def test_without_otherwise_a_call_that_fails_ends(otherwise: Target | None) -> None:
    """No next menu: the provider disconnects the caller."""
    _, call = dialled(office(otherwise))
    assert call.next_menu is None


def test_the_node_that_is_everybodys_otherwise_does_not_lead_to_itself() -> None:
    """An operator who does not answer is not rung again and again."""
    flow = Flow("office", start="operator", otherwise="operator")
    flow.dial("operator", "0540000000")
    assert Phone(flow).start().next_menu is None


def test_a_message_is_recorded_and_ends_the_call() -> None:
    """For as long as the node says."""
    assert Phone(office()).ask("-1", "", "voicemail") == SilentRecord(
        rec="after_the_tone_he", max_duration=90, language="he"
    )


def test_a_transfer_leaves_for_the_providers_own_ivr() -> None:
    """Its number is the layer."""
    assert Phone(office()).ask("-1", "", "queue") == Vo(layer=7, record="one_moment_he", language="he")


def test_the_end_says_good_bye() -> None:
    """With a cause, if there is one."""
    assert Phone(office()).ask("-1", "", "goodbye") == Hangup(rec="goodbye_he", cause=16, language="he")


def test_something_said_is_skipped_by_any_key() -> None:
    """The provider asks after it: the answer is where it leads."""
    phone = Phone(office())
    said = phone.ask("-1", "", "sorry")
    assert said == Menu(menu="sorry", rec="sorry_he", size=1, language="he")
    assert phone.press("5").menu == "main"
    phone.ask("-1", "", "read")
    assert phone.press("").menu == "main"


def test_what_cannot_be_skipped_asks_for_no_key() -> None:
    """Then the call goes on without a pause."""
    flow = Flow("read", start="dial")
    flow.say("read", "you_owe", digits="12", then="dial", skip=False)
    flow.say("sorry", "sorry", then="read", skip=False)
    flow.dial("dial", "0540000000", otherwise="sorry")
    phone = Phone(flow)
    # checked when it runs
    assert (phone.start().next_menu_rec, phone.said[-1].next_menu_size) == ("sorry", 0)  # type: ignore[attr-defined]
    assert (phone.fail().menu, phone.said[-1].size) == ("read", 0)  # type: ignore[attr-defined]  # checked when it runs


def test_digits_are_read_out_right_after_their_recording() -> None:
    """Where there are none after all, the recording is played alone."""
    flow = Flow("read", start="read")
    flow.say("read", "you_owe", digits=Setting("sum"), then=HANG_UP)
    reply = Phone(flow, settings={"sum": "0100"}).start()
    assert (reply.digits, reply.digits_rec, reply.rec) == ("0100", "you_owe", "blank")
    assert Phone(flow, settings={"sum": ""}).start() == Menu(menu="read", rec="you_owe", size=1)


def test_a_caller_whose_number_has_strange_characters_is_dialled_for_all_the_same() -> None:
    """What no reply may carry is left out of it."""
    phone = Phone(office(), caller_id="05\x0040\u200f000000 ")
    phone.start()
    assert phone.press("1").caller_id == "0540000000"
