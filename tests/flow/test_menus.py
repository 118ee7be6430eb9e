"""Menus: keys, wrong keys, silence, going back."""

from typing import Any

import pytest

from receiver.flow import AGAIN, BACK, HANG_UP, Caller, Flow
from receiver.flow.targets import Target
from receiver.providers.voicenter import Call, Hangup, Menu, Vo
from tests.flow.support import Phone


def flow(keys: dict[str, Target] | None = None, **options: Any) -> Flow:
    """A main menu with a menu below it, a menu below that, and a good-bye."""
    made = Flow("office", start="main", otherwise="goodbye")
    made.menu("main", "welcome", keys or {"1": "sales", "2": "desk"}, **options)
    made.menu("sales", "sales", {"1": "new", "*": BACK})
    made.menu("new", "new", {"1": "desk", "*": BACK, "0": "main"})
    made.dial("desk", "0540000000")
    made.end("goodbye", "goodbye")
    return made


def test_a_call_begins_at_the_start() -> None:
    """The reply is the node's menu, under the node's name."""
    assert Phone(flow(loop=2, pause=1)).start() == Menu(menu="main", rec="welcome", size=1, loop=2, delay=1)


def test_a_key_leads_to_its_node() -> None:
    """The next question names the menu, and the digits tell the way."""
    phone = Phone(flow())
    phone.start()
    assert phone.press("1") == Menu(menu="sales", rec="sales", size=1)
    assert phone.press("1") == Menu(menu="new", rec="new", size=1)
    assert isinstance(phone.press("1"), Call)


@pytest.mark.parametrize("digits", ["", "7", "12", "#", "no key"])
def test_a_wrong_key_and_silence_repeat_the_menu_until_the_last_try(digits: str) -> None:
    """After it the caller goes to `otherwise`."""
    phone = Phone(flow(tries=3, otherwise="sales"))
    phone.start()
    assert [phone.press(digits).menu for _ in range(3)] == ["main", "main", "sales"]


def test_without_otherwise_the_flow_says_where_callers_go_who_give_up() -> None:
    """And without that, they are hung up on."""
    phone = Phone(flow(tries=1))
    phone.start()
    assert phone.press() == Hangup(rec="goodbye")
    silent = Flow("silent", start="main")
    silent.menu("main", "welcome", {"1": "main"}, tries=1)
    phone = Phone(silent)
    phone.start()
    assert phone.press() == Hangup()


def test_a_wrong_key_can_have_a_recording_of_its_own() -> None:
    """It is played in place of the question; who comes back later hears the question."""
    phone = Phone(flow(wrong="try_again"))
    phone.start()
    assert phone.press("7").rec == "try_again"
    phone.press("1")
    assert phone.press("*").rec == "welcome"


def test_tries_are_counted_anew_when_the_caller_comes_again() -> None:
    """Only wrong keys one after the other count."""
    phone = Phone(flow(tries=2))
    phone.start()
    for _ in range(3):
        assert phone.press("7").menu == "main"
        phone.press("1")
        phone.press("*")


def test_back_leads_to_the_menu_before() -> None:
    """As often as it is pressed, up to the first menu, which it repeats."""
    phone = Phone(flow(keys={"1": "sales", "*": BACK}))
    phone.start()
    phone.press("1")
    phone.press("1")
    assert [phone.press("*").menu for _ in range(4)] == ["sales", "main", "main", "main"]


def test_a_menu_that_is_entered_again_is_not_stacked_twice() -> None:
    """Callers who walk in circles do not have to go back through each of them."""
    phone = Phone(flow(keys={"1": "sales", "*": BACK}))
    phone.start()
    for _ in range(5):
        for key in "110":
            phone.press(key)
    assert phone.kept["menus"] == ["main"]
    assert phone.press("1").menu == "sales"
    assert phone.press("*").menu == "main"


def test_again_repeats_the_menu_and_counts_no_try() -> None:
    """However often it is pressed."""
    phone = Phone(flow(keys={"#": AGAIN, "1": "sales"}, tries=2))
    phone.start()
    assert [phone.press("#").menu for _ in range(5)] == ["main"] * 5


def test_a_key_can_hang_up_or_send_a_reply_of_the_provider() -> None:
    """A reply is sent unchanged."""
    phone = Phone(flow(keys={"1": HANG_UP, "2": Vo(layer=7)}))
    phone.start()
    assert phone.press("1") == Hangup()
    assert phone.press("2") == Vo(layer=7)


def test_a_key_can_lead_to_a_function() -> None:
    """It takes the caller, and returns the name of a node, a move or a reply."""

    def choose(caller: Caller) -> str:
        return "sales" if (caller.number, caller.did, caller.pressed_at) == ("0541111111", "0730000000", "main") else ""

    phone = Phone(flow(keys={"1": choose, "2": lambda caller: Hangup(rec="by_hand")}))
    phone.start()
    assert phone.press("1").menu == "sales"
    phone.start()
    assert phone.press("2") == Hangup(rec="by_hand")


def test_keys_of_every_menu_are_the_flows() -> None:
    """A menu's own key of that name counts more."""
    office = Flow("office", start="main", keys={"0": "desk", "*": BACK})
    office.menu("main", "welcome", {"1": "sales"})
    office.menu("sales", "sales", {"0": "main"})
    office.dial("desk", "0540000000")
    phone = Phone(office)
    phone.start()
    assert phone.press("1").menu == "sales"
    assert phone.press("0").menu == "main"
    assert isinstance(phone.press("0"), Call)


def test_keys_of_several_digits_are_collected_whole() -> None:
    """SIZE is that of the longest key, or what the menu says; a # at the end says that all was pressed."""
    phone = Phone(flow(keys={"1": "sales", "204": "new"}))
    assert phone.start().size == 3
    assert phone.press("204").menu == "new"
    assert phone.press("0").menu == "main"
    assert phone.press("1#").menu == "sales"
    assert Phone(flow(size=4)).start().size == 4


def test_a_key_to_a_node_that_is_not_there_is_a_wrong_key() -> None:
    """The caller hears the menu again."""
    phone = Phone(flow(keys={"1": "nowhere"}, tries=2))
    phone.start()
    assert phone.press("1").menu == "main"
    assert phone.press("1") == Hangup(rec="goodbye")
