"""The queue of callers who request a call back: the menu, the list and its commands."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from handlers import callback_queue
from handlers.callback_queue import AGAIN_MENU, MENU, NUMBER_MENU, CallbackQueueSettings, dialable
from handlers.callback_queue.__main__ import cli
from handlers.callback_queue.requests import CallbackRequests, Request
from receiver import CallRecord, Handlers
from receiver.errors import HandlerError, SettingsError
from receiver.plugins.registry import Registry
from receiver.providers.base.discovery import discover
from receiver.providers.voicenter import Call, Cdr, Hangup, IvrRequest, Menu
from receiver.testing import answer, deliver
from tests.scenarios.serving import serving
from tests.support import eventually, running, states

DID = "0730000000"
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def _settings(folder: Path, **settings: Any) -> dict[str, Any]:
    return {"did": DID, "database_url": f"sqlite:///{folder}/callback-queue.db", **settings}


def _list(folder: Path) -> list[str]:
    requests = CallbackQueueSettings.model_validate(_settings(folder)).open()
    return [request.number for request in requests.listed()]


def _step(**fields: Any) -> IvrRequest:
    given = {"did": DID, "caller_id": "0541234567", "menu": MENU, "previous_menu": "-1", "ivr_unique_id": "c1"}
    return IvrRequest(**{**given, **fields})


# --- the menu --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("did", [DID, ["0731111111", DID]])
def test_a_new_caller_hears_the_offer(tmp_path: Path, did: object) -> None:
    """At the numbers of the setting."""
    reply = answer(callback_queue.handlers, _step(menu="-1"), _settings(tmp_path, did=did))
    assert reply == Menu(menu=MENU, rec="press_1_to_be_called_back", size=1)


@pytest.mark.parametrize("did", ["0739999999", ["0731111111"], []])
def test_callers_of_other_numbers_are_left_to_other_modules(tmp_path: Path, did: object) -> None:
    """No handler of this one matches."""
    with pytest.raises(HandlerError, match="no handler answers"):
        answer(callback_queue.handlers, _step(menu="-1"), _settings(tmp_path, did=did))


@pytest.mark.parametrize("menu", [MENU, AGAIN_MENU])
def test_1_puts_the_caller_on_the_list(tmp_path: Path, menu: str) -> None:
    """And says so."""
    reply = answer(callback_queue.handlers, _step(menu=menu, dtmf="1"), _settings(tmp_path))
    assert reply == Hangup(rec="we_will_call_you_back")
    [request] = CallbackQueueSettings.model_validate(_settings(tmp_path)).open().listed()
    assert (request.number, request.did, request.call_id) == ("972541234567", DID, "c1")


@pytest.mark.parametrize("dtmf", ["", "2", "*", "11"])
def test_any_other_key_ends_the_call_or_rings_the_target(tmp_path: Path, dtmf: str) -> None:
    """If the target does not answer, the offer is made once more, and then the call ends."""
    assert answer(callback_queue.handlers, _step(dtmf=dtmf), _settings(tmp_path)) == Hangup(rec="goodbye")
    with_target = _settings(tmp_path, target="0540000000", offer_rec="offer", max_dial=20)
    assert answer(callback_queue.handlers, _step(dtmf=dtmf), with_target) == Call(
        target="0540000000",
        max_dial=20,
        max_duration=3600,
        next_menu=AGAIN_MENU,
        next_menu_rec="offer",
        next_menu_size=1,
    )
    again = answer(callback_queue.handlers, _step(menu=AGAIN_MENU, dtmf=dtmf), with_target)
    assert again == Hangup(rec="goodbye")
    assert _list(tmp_path) == []


@pytest.mark.parametrize("caller_id", ["", "anonymous", "101", "SIP7", "0"])
def test_a_caller_without_a_number_keys_one_in(tmp_path: Path, caller_id: str) -> None:
    """Until the number is valid, or until they enter none."""
    settings = _settings(tmp_path)

    def press(menu: str, dtmf: str) -> Any:
        return answer(callback_queue.handlers, _step(caller_id=caller_id, menu=menu, dtmf=dtmf), settings)

    ask = Menu(menu=NUMBER_MENU, rec="key_in_your_number", size=15)
    assert press(MENU, "1") == ask
    assert press(NUMBER_MENU, "12") == ask
    assert press(NUMBER_MENU, "") == Hangup(rec="goodbye")
    assert press(NUMBER_MENU, "0541234567#") == Hangup(rec="we_will_call_you_back")
    assert _list(tmp_path) == ["972541234567"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("054-123 4567", "972541234567"),
        ("+972 (54) 1234567", "972541234567"),
        ("00441632960000", "441632960000"),
        ("1" * 16, None),
        ("0541234567'; DROP TABLE", None),
        ("٠٥٤١٢٣٤٥٦٧", None),
    ],
)
def test_a_number_is_compared_in_international_form(text: str, number: str | None) -> None:
    """All spellings of a number are one entry."""
    assert dialable(text, "972") == number


def test_a_caller_is_not_promised_what_is_not_on_disk(tmp_path: Path) -> None:
    """A list that cannot be written is a failure, and the fallback is sent."""
    settings = _settings(tmp_path, database_url=f"sqlite:///{tmp_path}/nowhere/queue.db")
    with pytest.raises(Exception, match="unable to open database file"):
        answer(callback_queue.handlers, _step(dtmf="1"), settings)


def test_the_module_does_not_answer_its_own_questions_twice() -> None:
    """`receiver check` has no overlap to show."""
    providers = {name: provider(provider.options_type()) for name, provider in discover().items()}
    registry = Registry(callback_queue.handlers, providers, handler_settings={"callback_queue": {"did": DID}})
    assert registry.overlaps() == []


# --- the list --------------------------------------------------------------------------------------------------------


@pytest.fixture
def requests(database_url: str) -> CallbackRequests:
    """An empty list."""
    return CallbackRequests(database_url.replace("postgresql://", "postgresql+psycopg://"), keep_days=30)


def _request(number: str = "972541234567", minutes: int = 0) -> Request:
    return Request(number, DID, f"call-{minutes}", NOON + timedelta(minutes=minutes))


def test_who_waits_longest_is_first(requests: CallbackRequests) -> None:
    """The list is in the order of the requests."""
    for number, minutes in (("3", 2), ("1", 0), ("2", 1)):
        requests.add(_request(number, minutes))
    assert [request.number for request in requests.listed()] == ["1", "2", "3"]


def test_a_number_that_asks_again_keeps_its_place(requests: CallbackRequests) -> None:
    """It is on the list once."""
    requests.add(_request(minutes=0))
    requests.add(_request(minutes=5))
    assert requests.listed() == [_request(minutes=0)]


def test_one_of_two_receivers_adds_a_number(requests: CallbackRequests) -> None:
    """Neither of them fails."""
    with ThreadPoolExecutor(8) as receivers:
        list(receivers.map(lambda minutes: requests.add(_request(minutes=minutes)), range(32)))
    assert len(requests.listed()) == 1


def test_a_number_that_is_done_is_off_the_list_and_may_ask_again(requests: CallbackRequests) -> None:
    """An option lists the finished requests."""
    requests.add(_request())
    assert requests.done("972541234567", NOON + timedelta(hours=1))
    assert not requests.done("972541234567", NOON + timedelta(hours=1))
    assert requests.listed() == []
    requests.add(_request(minutes=90))
    assert [request.done_at for request in requests.listed(with_done=True)] == [NOON + timedelta(hours=1), None]


def test_a_request_is_not_done_by_a_call_that_began_before_it(requests: CallbackRequests) -> None:
    """Its record may arrive afterwards."""
    requests.add(_request())
    assert not requests.done("972541234567", NOON, asked_before=NOON - timedelta(seconds=1))
    assert requests.done("972541234567", NOON, asked_before=NOON)


def test_what_was_done_long_ago_is_forgotten(requests: CallbackRequests) -> None:
    """Finished requests are deleted after a time, open ones are not."""
    requests.add(_request("1"))
    requests.add(_request("2"))
    requests.done("1", NOON)
    requests.done("nothing", NOON + timedelta(days=31))
    assert [request.number for request in requests.listed(with_done=True)] == ["2"]


@pytest.mark.parametrize(
    ("fields", "settings", "is_done"),
    [
        ({}, {}, True),
        ({"to_international": "972540000000"}, {}, False),
        ({"to_international": None}, {}, False),
        ({"outcome": "no_answer"}, {}, False),
        ({"direction": "incoming"}, {}, False),
        ({"started": NOON - timedelta(days=9999)}, {}, False),
        ({}, {"close_when_called": False}, False),
    ],
)
def test_a_call_that_was_answered_takes_its_number_off_the_list(
    tmp_path: Path, fields: dict[str, Any], settings: dict[str, Any], is_done: bool
) -> None:
    """Unless a setting leaves that to the command."""
    table = _settings(tmp_path, **settings)
    CallbackQueueSettings.model_validate(table).open().add(_request())
    given = {"to_international": "972541234567", "direction": "outgoing", "outcome": "answered", **fields}
    deliver(callback_queue.handlers, CallRecord(provider="voicenter", event=Cdr(), **given), table)
    assert _list(tmp_path) == ([] if is_done else ["972541234567"])


# --- the commands ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a receiver with two callers on its list."""
    monkeypatch.chdir(tmp_path)
    table = f'did = "{DID}"\ndatabase_url = "sqlite:///{tmp_path}/callback-queue.db"\n'
    (tmp_path / "receiver.toml").write_text(f"[handler_settings.callback_queue]\n{table}")
    requests = CallbackQueueSettings.model_validate(_settings(tmp_path)).open()
    requests.add(_request())
    requests.add(_request("441632960000", 5))
    return tmp_path


def test_list_shows_who_waits(folder: Path) -> None:
    """Numbers can be copied as they are."""
    shown = CliRunner().invoke(cli, ["list"])
    assert shown.exit_code == 0
    heading, first, second = shown.output.splitlines()
    assert heading.split() == ["number", "asked", "called"]
    assert first.split()[0] == "+972541234567"
    assert re.search(r" \d\d:\d\d[+-]\d\d:\d\d", first)
    assert second.split()[0] == "+441632960000"


def test_list_prints_json_for_programs(folder: Path) -> None:
    """One object a line."""
    CliRunner().invoke(cli, ["done", "+44 1632 960000"])
    lines = CliRunner().invoke(cli, ["list", "--json", "--all"]).output.splitlines()
    first, second = map(json.loads, lines)
    assert first == {
        "number": "972541234567",
        "did": DID,
        "call_id": "call-0",
        "asked_at": NOON.isoformat(),
        "done_at": None,
    }
    assert datetime.fromisoformat(second["done_at"]).tzinfo is not None


def test_an_empty_list_says_so_to_people_and_nothing_to_programs(folder: Path) -> None:
    """Both end with exit code 0."""
    for number in ("0541234567", "+441632960000"):
        assert CliRunner().invoke(cli, ["done", number]).exit_code == 0
    assert CliRunner().invoke(cli, ["list"]).output == "No caller waits to be called back.\n"
    assert CliRunner().invoke(cli, ["list", "--json"]).output == ""
    assert "+972541234567" in CliRunner().invoke(cli, ["list", "--all"]).output


@pytest.mark.parametrize("number", ["0541234567", "054-123 4567", "+972541234567", "972541234567"])
def test_done_takes_a_number_however_it_is_written(folder: Path, number: str) -> None:
    """And says which one it was."""
    finished = CliRunner().invoke(cli, ["done", number])
    assert (finished.exit_code, finished.output) == (0, "+972541234567 is off the list\n")
    again = CliRunner().invoke(cli, ["done", number])
    assert again.exit_code == 1
    assert "+972541234567 does not wait to be called back" in again.stderr


def test_done_refuses_what_is_no_number(folder: Path) -> None:
    """With exit code 2."""
    refused = CliRunner().invoke(cli, ["done", "sarah"])
    assert refused.exit_code == 2
    assert "'sarah' is no phone number; write one like" in refused.stderr


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("", "receiver.toml has no [handler_settings.callback_queue]: run this in the receiver's folder"),
        ("port = 'many'", "error: port: "),
        ("[handler_settings.callback_queue]\ndids = '1'", "cannot work; `receiver check` says why"),
        (
            "[handler_settings.callback_queue]\ndatabase_url = 'sqlite:///nowhere/queue.db'",
            "the list could not be read or written: unable to open database file",
        ),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toml: str, message: str
) -> None:
    """With exit code 2, and without a traceback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "receiver.toml").write_text(toml)
    failed = CliRunner().invoke(cli, ["list"])
    assert failed.exit_code == 2
    assert message in failed.stderr
    assert len(failed.stderr.splitlines()) == 1


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"did": 7}, "handler_settings.callback_queue.did: "),
        ({"country_code": "+972"}, "handler_settings.callback_queue.country_code: "),
        ({"database_url": "queue.db"}, "handler_settings.callback_queue.database_url: write sqlite:///FILE"),
        ({"max_dial": 0}, "handler_settings.callback_queue.max_dial: "),
    ],
)
def test_settings_that_cannot_work_stop_the_start(settings: dict[str, Any], message: str) -> None:
    """Each is named."""
    with pytest.raises(SettingsError, match=message):
        Registry(callback_queue.handlers, {}, handler_settings={"callback_queue": settings})


# --- a whole receiver ------------------------------------------------------------------------------------------------


async def test_another_modules_menu_leads_here_and_back_to_it(tmp_path: Path) -> None:
    """Calls of all numbers may be led here; other modules answer all other questions."""
    front_desk = Handlers("front_desk")

    @front_desk.answer(IvrRequest, name="front_desk.menu")
    def menu(step: IvrRequest) -> Menu | Hangup:
        if step.is_first:
            return Menu(menu=MENU, rec="all_lines_are_busy_press_1", size=1)
        return Hangup(rec="never")

    settings = {"callback_queue": _settings(tmp_path, did=[])}
    async with running(tmp_path, callback_queue.handlers, front_desk, handler_settings=settings) as receiver:

        async def ask(**fields: str) -> Any:
            data = {"CALLER_ID": "0541234567", "DID": "0739999999", "IVR_UNIQUE_ID": "c1", **fields}
            reply = await receiver.client.post("/voicenter", json={"METHOD": "GET_IVR_ACTION", "DATA": data})
            return reply.json()["DATA"]

        assert (await ask(MENU="-1", PREVIOUS_MENU="-1", DTMF=""))["REC"] == "all_lines_are_busy_press_1"
        assert (await ask(MENU=MENU, PREVIOUS_MENU="-1", DTMF="1"))["HANGUP_REC"] == "we_will_call_you_back"
        assert _list(tmp_path) == ["972541234567"]
        cdr = {"caller": "0730000000", "target": "0541234567", "type": "Click2Call leg2", "status": "ANSWER"}
        await receiver.client.post("/voicenter", json={**cdr, "ivruniqueid": "c2"})
        await eventually(lambda: states(receiver.deliveries(3)) == ["done"])
    assert _list(tmp_path) == []


def test_a_caller_is_on_the_list_of_a_running_receiver_until_the_command_says_done(tmp_path: Path) -> None:
    """As in practice: `receiver serve` in one terminal, the list in another."""

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        line = [sys.executable, "-m", "handlers.callback_queue", *arguments]
        return subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    (tmp_path / "receiver.toml").write_text(
        f'handlers = ["handlers.callback_queue"]\n[handler_settings.callback_queue]\ndid = "{DID}"\n'
    )
    with serving(tmp_path) as receiver:
        call = {"CALLER_ID": "0541234567", "DID": DID, "IVR_UNIQUE_ID": "c1", "PREVIOUS_MENU": "-1"}
        for menu, dtmf, record in (("-1", "", "press_1_to_be_called_back"), (MENU, "1", "we_will_call_you_back")):
            step = {"METHOD": "GET_IVR_ACTION", "DATA": {**call, "MENU": menu, "DTMF": dtmf}}
            assert record in httpx.post(f"{receiver.url}/voicenter", json=step).text
        [line] = command("list", "--json").stdout.splitlines()
        assert json.loads(line)["number"] == "972541234567"
        assert command("done", "054-1234567").stdout == "+972541234567 is off the list\n"
        assert command("done", "054-1234567").returncode == 1
        assert command("list", "--json").stdout == ""
