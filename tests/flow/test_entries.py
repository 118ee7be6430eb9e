"""Digits that callers enter: PINs, numbers, and the choice of a language."""

from typing import Any

import pytest

from receiver.errors import HandlerError
from receiver.flow import BACK, Caller, Flow
from receiver.providers.voicenter import Hangup, Menu
from tests.flow.support import Phone


def right(caller: Caller) -> bool:
    """Whether it is the PIN."""
    return caller.digits == "1234"


def bank(check: Any = right, **options: Any) -> Flow:
    """A menu, a PIN behind key 1, and what is behind that."""
    flow = Flow("bank", start="main", otherwise="goodbye")
    flow.menu("main", "welcome", {"1": "pin"})
    flow.pin("pin", "enter_pin", 4, check, "account", **{"keys": {"*": BACK}, "otherwise": "blocked", **options})
    flow.menu("account", "account", {"1": "pin", "*": BACK})
    flow.end("blocked", "blocked")
    flow.end("goodbye", "goodbye")
    return flow


def at_the_pin(flow: Flow) -> Phone:
    """A caller who is asked for the PIN."""
    phone = Phone(flow)
    phone.start()
    phone.press("1")
    return phone


def orders(**options: Any) -> Phone:
    """A caller who is asked for the number of an order."""
    flow = Flow("orders", start="order")
    flow.digits("order", "enter_order", 6, "read_back", **{"keep": "order", **options})
    flow.say("read_back", "your_order_is", digits=lambda caller: caller.values["order"], then="order")
    phone = Phone(flow)
    phone.start()
    return phone


def test_the_right_pin_leads_on() -> None:
    """The provider collects as many digits as it has."""
    phone = at_the_pin(bank())
    assert phone.said[-1] == Menu(menu="pin", rec="enter_pin", size=4)
    assert phone.press("1234").menu == "account"


def test_a_pin_is_not_kept() -> None:
    """The state of the call does not hold it."""
    phone = at_the_pin(bank())
    phone.press("1234")
    assert phone.kept["values"] == {}


def test_a_wrong_pin_is_asked_for_again_until_the_last_try() -> None:
    """With a recording of its own, if there is one."""
    phone = at_the_pin(bank(wrong="wrong_pin"))
    assert [phone.press(digits) for digits in ("0000", "", "12345")] == [
        Menu(menu="pin", rec="wrong_pin", size=4),
        Menu(menu="pin", rec="wrong_pin", size=4),
        Hangup(rec="blocked"),
    ]


def test_wrong_pins_count_for_the_whole_call() -> None:
    """Going back to the menu gives no further try."""
    phone = at_the_pin(bank(tries=2))
    assert phone.press("0000").menu == "pin"
    assert phone.press("*").menu == "main"
    assert phone.press("1").menu == "pin"
    assert phone.press("0000") == Hangup(rec="blocked")
    phone.menu = "main"
    assert phone.press("1") == Hangup(rec="blocked")


def test_no_digits_get_past_a_pin_whose_tries_are_used_up() -> None:
    """Not even the right ones, if the provider asks for it once more."""
    phone = at_the_pin(bank(tries=1))
    phone.press("0000")
    assert phone.ask("pin", "1234") == Hangup(rec="blocked")


def test_the_right_pin_gives_all_tries_back() -> None:
    """Who knows it may mistype it later."""
    phone = at_the_pin(bank(tries=2))
    phone.press("0000")
    assert phone.press("1234").menu == "account"
    phone.press("1")
    assert phone.press("0000").menu == "pin"


def test_without_the_journal_a_wrong_pin_has_no_further_try() -> None:
    """Tries that cannot be counted would be without end."""
    phone = at_the_pin(bank())
    phone.history_is_complete = False
    assert phone.press("0000") == Hangup(rec="blocked")
    phone = at_the_pin(bank())
    phone.history_is_complete = False
    assert phone.press("1234").menu == "account"


def test_without_a_call_id_a_wrong_pin_has_no_further_try() -> None:
    """The journal cannot tell which call it is, and remembers nothing of it."""
    phone = at_the_pin(bank())
    phone.call_id = ""
    assert phone.press("0000") == Hangup(rec="blocked")


def test_check_may_say_where_to_go() -> None:
    """A PIN may lead to different places."""
    phone = at_the_pin(bank(check=lambda caller: "blocked" if caller.digits == "6666" else True))
    assert phone.press("6666") == Hangup(rec="blocked")
    phone = at_the_pin(bank(check=lambda caller: Hangup(rec="from_check")))
    assert phone.press("1234") == Hangup(rec="from_check")


def test_a_check_that_returns_nothing_is_an_error() -> None:
    """A function without a return would let nobody in, or anybody; the message says what it must return."""
    phone = at_the_pin(bank(check=lambda caller: None))
    with pytest.raises(HandlerError, match=r"returned NoneType; it must return True, False, the name of a node"):
        phone.press("1234")


def test_back_from_an_entry_leads_to_the_menu_before() -> None:
    """An entry is no menu: from behind it, back leads past it."""
    phone = at_the_pin(bank())
    phone.press("1234")
    assert phone.press("*").menu == "main"


def test_digits_are_kept_for_the_rest_of_the_call() -> None:
    """Functions find them in the caller's values, with leading zeros."""
    phone = orders()
    reply = phone.press("001234")
    assert (reply.menu, reply.digits, reply.digits_rec) == ("read_back", "001234", "your_order_is")
    assert phone.kept["values"] == {"order": "001234"}


@pytest.mark.parametrize(
    ("options", "digits", "fits"),
    [
        ({}, "12345", False),
        ({}, "123456", True),
        ({"min_size": 3}, "123", True),
        ({"min_size": 3}, "123#", True),
        ({"min_size": 3}, "12#", False),
        ({"min_size": 3}, "1*3", False),
        ({}, "", False),
        ({}, "#", False),
        ({}, "١٢٣٤٥٦", False),
    ],
)
def test_digits_fit_if_they_are_digits_and_as_many_as_asked_for(
    options: dict[str, Any], digits: str, fits: bool
) -> None:
    """A # at the end says that all was entered."""
    assert (orders(**options).press(digits).menu == "read_back") is fits


def test_a_check_of_digits_can_refuse_them() -> None:
    """They are not kept then."""
    phone = orders(check=lambda caller: caller.digits != "000000")
    phone.press("000000")
    assert phone.kept["values"] == {}
    assert phone.kept["tries"] == {"order": 1}


# --- languages -----------------------------------------------------------------------------------------------------


def bilingual(**options: Any) -> Flow:
    """A choice of the language before the menu."""
    flow = Flow("bilingual", start="language", languages=("he", "en"), recordings="{rec}_{language}")
    flow.language("language", {"he": "choose", "en": "choose"}, {"1": "he", "2": "en"}, "main", **options)
    flow.menu("main", "welcome", {"9": "language", "1": "sales", "2": "lambda"})
    flow.menu("sales", {"he": "mechirot", "en": "sales"}, {"9": "language"})
    flow.say("lambda", lambda caller: f"made_for_{caller.language}", then="main")
    return flow


def test_a_call_begins_in_the_first_language() -> None:
    """Every reply carries it."""
    assert Phone(bilingual()).start() == Menu(menu="language", rec="choose", size=1, language="he")


def test_the_chosen_language_is_that_of_all_that_follows() -> None:
    """Recordings are those of the language: by the flow's pattern, or one for each."""
    phone = Phone(bilingual())
    phone.start()
    assert phone.press("2") == Menu(menu="main", rec="welcome_en", size=1, language="en")
    assert phone.press("1") == Menu(menu="sales", rec="sales", size=1, language="en")
    phone.press("9")
    assert phone.press("1") == Menu(menu="main", rec="welcome_he", size=1, language="he")
    assert phone.press("2").rec == "made_for_he_he"


def test_silence_leaves_the_language_as_it_is() -> None:
    """The caller goes on after one question, unless the node says more."""
    phone = Phone(bilingual())
    phone.start()
    assert phone.press().language == "he"
    assert phone.menu == "main"
    phone = Phone(bilingual(tries=2, otherwise="sales", wrong="again"))
    phone.start()
    assert [phone.press(digits).menu for digits in "78"] == ["language", "sales"]


def test_a_function_can_choose_the_language() -> None:
    """Such as by the number that calls; one that the flow does not have is an error."""

    def by_number(caller: Caller) -> str:
        caller.language = "en" if caller.number.startswith("1") else "xx"
        return "main"

    flow = Flow("by_number", start="function", languages=("he", "en"))
    flow.function("function", by_number, to=["main"])
    flow.menu("main", "welcome", {"1": "main"})
    assert Phone(flow, caller_id="1847").start().language == "en"
    with pytest.raises(HandlerError, match=r"'xx'; the flow has he, en"):
        Phone(flow, caller_id="0540000000").start()


def test_a_flow_without_languages_leaves_the_language_to_the_provider() -> None:
    """Its setting counts."""
    assert at_the_pin(bank()).said[0].language is None  # type: ignore[attr-defined]  # checked when it runs
