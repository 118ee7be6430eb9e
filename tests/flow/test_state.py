"""What a flow remembers, where, and what happens when it is lost."""

from typing import Any

import pytest

from receiver.errors import HandlerError
from receiver.flow import BACK, Caller, Flow
from receiver.providers.voicenter import Hangup, Menu
from tests.flow.support import SUNDAY_NOON, Phone


def remember(caller: Caller) -> str:
    """Count the visits, also in a list inside the values."""
    caller.values["visits"] = caller.values.get("visits", 0) + 1
    caller.values.setdefault("digits", []).append(caller.digits)
    return "sub"


def office(**options: Any) -> Flow:
    """Three menus, one below the other, and a function on the way."""
    flow = Flow("office", start="main", languages=("he", "en"), **options)
    flow.language("language", "choose", {"1": "he", "2": "en"}, "main")
    flow.menu("main", "welcome", {"1": "count", "9": "language"}, tries=3)
    flow.function("count", remember, to=["sub"])
    flow.menu("sub", "sub", {"1": "deep", "*": BACK, "7": fail})
    flow.menu("deep", "deep", {"*": BACK})
    return flow


def fail(caller: Caller) -> str:
    """Change what is remembered, then fail."""
    caller.values["digits"].append("lost")
    raise RuntimeError("the CRM is down")


def deep_in(flow: Flow) -> Phone:
    """A caller in the third menu, in English."""
    phone = Phone(flow)
    phone.start()
    for key in ("9", "2", "1", "1"):
        phone.press(key)
    assert phone.menu == "deep"
    return phone


def test_all_that_a_flow_remembers_is_in_the_state_of_the_call() -> None:
    """Under the flow's name, as JSON values."""
    assert deep_in(office()).state == {
        "flow.office": {
            "at": SUNDAY_NOON.timestamp(),
            "node": "deep",
            "menus": ["main", "sub", "deep"],
            "tries": {},
            "language": "en",
            "values": {"visits": 1, "digits": ["1"]},
        }
    }


def test_every_question_of_a_call_may_be_answered_by_another_receiver() -> None:
    """Nothing is kept in memory."""
    phone, one, other = deep_in(office()), office(), office()
    for flow, menu in ((one, "sub"), (other, "main")):
        phone.flow = flow
        assert phone.press("*") == Menu(menu=menu, rec={"main": "welcome"}.get(menu, menu), size=1, language="en")
    assert phone.kept["values"] == {"visits": 1, "digits": ["1"]}


def test_other_states_of_the_call_are_left_alone() -> None:
    """Other flows and handlers keep theirs beside it."""
    phone = Phone(office(), state={"mine": [1], "flow.other": {"node": "x"}})
    phone.start()
    assert phone.state["mine"] == [1]
    assert phone.state["flow.other"] == {"node": "x"}


def test_a_new_call_begins_without_what_was_remembered() -> None:
    """Also under a call id that was there before."""
    phone = deep_in(office())
    assert phone.start().language == "he"
    assert phone.kept["values"] == {}
    assert phone.kept["menus"] == ["main"]


def test_a_state_that_is_too_old_no_longer_counts() -> None:
    """The menu still does: the call goes on in it, as if it had come there on the shortest way."""
    phone = deep_in(office(max_age=60))
    phone.wait(seconds=60)
    assert phone.press("*").language == "en"
    phone = deep_in(office(max_age=60))
    phone.wait(seconds=61)
    reply = phone.press("*")
    assert (reply.menu, reply.language) == ("sub", "he")
    assert phone.kept["values"] == {}


def test_without_the_journal_a_call_goes_on_in_its_menu() -> None:
    """Back leads the usual way, and functions see that something may be missing."""
    phone = deep_in(office())
    phone.history_is_complete = False
    assert phone.press("*").menu == "sub"
    assert phone.press("*").menu == "main"
    flow = Flow("seen", start="f")
    flow.function("f", lambda caller: Hangup(rec=str(caller.is_complete)))
    assert Phone(flow).start() == Hangup(rec="True")
    assert Phone(flow, history_is_complete=False).start() == Hangup(rec="False")


def test_what_was_remembered_survives_a_question_without_the_journal() -> None:
    """It is not overwritten by a state that knows nothing of it."""
    phone = deep_in(office())
    before = phone.kept
    phone.history_is_complete = False
    phone.press("*")
    phone.history_is_complete = True
    assert phone.kept == before
    assert phone.press("*").language == "en"


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        7,
        "text",
        {},
        {"at": "yesterday"},
        {"at": 1772359200.0, "node": 7, "menus": [], "tries": {}, "language": "he", "values": {}},
        {"at": 1772359200.0, "node": "sub", "menus": [None], "tries": {}, "language": "he", "values": {}},
        {"at": 1772359200.0, "node": "sub", "menus": ["x"], "tries": {"a": "b"}, "language": "he", "values": {}},
        {"at": 1772359200.0, "node": "sub", "menus": ["x"], "tries": [], "language": "he", "values": 7},
    ],
)
def test_a_damaged_state_is_as_none(damaged: object) -> None:
    """The call goes on in its menu."""
    phone = Phone(office(), state={"flow.office": damaged}, menu="sub")
    assert phone.press("*").menu == "main"


def test_a_menu_that_is_not_in_the_flow_leads_to_the_last_one_that_is() -> None:
    """The flow was changed during the call; digits of a menu that is gone do not count."""
    phone = deep_in(office())
    changed = Flow("office", start="hello")
    changed.menu("hello", "hello", {"1": "sub"})
    changed.menu("sub", "sub", {"*": BACK})
    phone.flow = changed
    assert phone.press("1") == Menu(menu="sub", rec="sub", size=1)
    assert phone.press("*").menu == "hello"


def test_a_menu_that_nobody_knows_leads_to_the_start() -> None:
    """Such as one of a fallback, or of a handler that was there before."""
    assert Phone(office(), menu="from_elsewhere").press("1").menu == "main"
    assert Phone(office(), menu="").press("1").menu == "main"


def test_a_menu_of_a_fallback_that_has_a_nodes_name_goes_on_in_the_flow() -> None:
    """There is no state of it: the keys count all the same."""
    assert Phone(office(), menu="sub").press("1").menu == "deep"


def test_a_language_that_the_flow_no_longer_has_becomes_the_first() -> None:
    """Recordings in it may be gone too."""
    phone = deep_in(office())
    phone.flow = Flow("office", start="deep", languages=("he",))
    phone.flow.menu("deep", {"he": "deep"}, {"1": "deep"})
    assert phone.press("1").language == "he"


def test_a_function_that_fails_changes_nothing() -> None:
    """The receiver's fallback is sent, and the call can continue where it was."""
    phone = deep_in(office())
    phone.press("*")
    before = phone.kept
    with pytest.raises(RuntimeError):
        phone.press("7")
    assert phone.kept == before
    assert phone.press("1").menu == "deep"


def test_a_flow_that_goes_round_without_a_word_ends_the_call(caplog: pytest.LogCaptureFixture) -> None:
    """And says so in the log: `receiver flow check` would have found it."""
    flow = Flow("round", start="a")
    flow.function("a", lambda caller: "b", to=["b"])
    flow.function("b", lambda caller: "a", to=["a"])
    assert Phone(flow).start() == Hangup()
    assert "loop without an action" in caplog.text


def test_a_start_that_is_not_there_ends_the_call_or_leads_to_otherwise(caplog: pytest.LogCaptureFixture) -> None:
    """The log names it."""
    assert Phone(Flow("empty", start="main")).start() == Hangup()
    assert "unknown node 'main'" in caplog.text
    flow = Flow("rescued", start="main", otherwise="goodbye")
    flow.end("goodbye", "goodbye")
    assert Phone(flow).start() == Hangup(rec="goodbye")


def test_values_must_be_json() -> None:
    """The state of the call is stored; what it cannot hold is an error."""
    flow = Flow("bad", start="f")
    flow.function("f", lambda caller: caller.values.update(when=caller.now) or "f2")
    flow.end("f2")
    with pytest.raises(HandlerError, match="takes JSON values alone"):
        Phone(flow).start()
