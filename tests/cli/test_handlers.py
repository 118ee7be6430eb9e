"""`receiver handlers`: what listens to what, in which order, and how it has done lately."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.scenarios.serving import Receiver, run, serving

LONG = "a_handler_whose_name_is_so_long_that_no_terminal_of_eighty_columns_can_hold_it_on_a_line"
MODULE = f"""
from receiver import CallRecord, Context, Handlers
from receiver.providers.voicenter import Hangup, HangupCall, IvrRequest, NoContact, PopupRequest
handlers = Handlers()

@handlers.answer(IvrRequest, did="0730000000", dtmf=["1", "2"], history=True)
def sales(step, ctx: Context):
    return Hangup(rec="bye")

@handlers.answer(IvrRequest, did=lambda did: did.startswith("07"))
def {LONG}(step):
    raise ValueError("the CRM is down")

@handlers.answer(PopupRequest)
def popup(request):
    return NoContact()

@handlers.on(HangupCall, name="crm", aliases=["old crm"], attempts=1, timeout=5, concurrency=2)
def tell(event):
    if event.caller_id == "fails":
        raise ValueError("no such customer")

@handlers.on(CallRecord)
def idle(record): ...
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a module of five handlers."""
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "receiver.toml").write_text('handlers = ["mine"]\n')
    return tmp_path


def listed(folder: Path) -> dict[str, dict[str, Any]]:
    """What `--json` prints, by name."""
    lines = [json.loads(line) for line in run(folder, "handlers", "--json").stdout.splitlines()]
    return {line["name"]: line for line in lines}


def test_without_a_journal_the_handlers_are_listed_all_the_same(folder: Path) -> None:
    """In the order in which they are asked, and no journal is made by looking."""
    done = run(folder, "handlers")
    assert "There is no journal" in done.stderr
    assert not list(folder.glob("receiver.db*"))
    order = [done.stdout.index(name) for name in ("1. mine.sales", f"2. mine.{LONG}", "1. mine.popup", "1. crm")]
    assert order == sorted(order)
    assert "IvrRequest: the first whose filters match answers" in done.stdout
    values = listed(folder)
    assert [one["place"] for one in values.values()] == [1, 2, 1, 1, 1]
    assert all(one["last"] is None and one["failures"] is None for one in values.values())


def test_each_handler_has_its_place_filters_and_limits(folder: Path) -> None:
    """As the author wrote them, and the settings' where they did not."""
    values = listed(folder)
    sales, popup, crm, idle = (values[name] for name in ("mine.sales", "mine.popup", "crm", "mine.idle"))
    assert (sales["subject"], sales["kind"], sales["answers"]) == ("IvrRequest", "GET_IVR_ACTION", True)
    assert (sales["file"], sales["line"], sales["history"]) == (str(folder / "mine.py"), 6, True)
    assert sales["filters"] == {"did": "'0730000000'", "dtmf": "['1', '2']"}
    assert values[f"mine.{LONG}"]["filters"] == {"did": "a function"}
    assert (sales["deadline"], popup["deadline"], crm["deadline"]) == (3.0, 2.5, None)
    assert (crm["aliases"], crm["attempts"], crm["timeout"], crm["concurrency"]) == (["old crm"], 1, 5, 2)
    assert (idle["attempts"], idle["timeout"], idle["concurrency"]) == (10, 60.0, 16)


@pytest.mark.parametrize("columns", ["80", "40"])
def test_a_narrow_terminal_cuts_no_name(folder: Path, columns: str) -> None:
    """Names, files and filters can be copied: none is folded over two lines."""
    printed = run(folder, "handlers", COLUMNS=columns).stdout
    lines = [line.strip() for line in printed.splitlines()]
    assert f"2. mine.{LONG}" in lines
    assert "mine.py:6" in lines
    assert "filters: did='0730000000', dtmf=['1', '2']" in lines


def test_results_come_from_the_journal(folder: Path) -> None:
    """The last one, and the failures of the last day: of questions and of deliveries."""
    with serving(folder) as receiver:
        for dtmf in ("1", "9"):
            _post(receiver, {"METHOD": "GET_IVR_ACTION", "DATA": {"MENU": "main", "DID": "0730000000", "DTMF": dtmf}})
        for caller in ("works", "fails"):
            _post(receiver, {"METHOD": "HANGUP_CALL", "DATA": {"IVR_UNIQUE_ID": caller, "CALLER_ID": caller}})
    values = listed(folder)
    assert (values["mine.sales"]["last"]["result"], values["mine.sales"]["failures"]) == ("answered", 0)
    failed = values[f"mine.{LONG}"]
    assert (failed["last"]["result"], failed["last"]["reason"], failed["failures"]) == (
        "failed",
        "ValueError: the CRM is down (mine.py, line 12)",
        1,
    )
    assert (values["crm"]["last"]["result"], values["crm"]["failures"]) == ("dead", 1)
    assert values["mine.popup"]["last"] is None
    printed = run(folder, "handlers").stdout
    assert "failures in the last day: 1" in printed
    assert re.search(r"last: answered at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d$", printed, re.MULTILINE)
    assert "ValueError: the CRM is down" in printed
    assert "no result yet" in printed


def _post(receiver: Receiver, body: dict[str, Any]) -> None:
    assert httpx.post(f"{receiver.url}/voicenter", json=body).status_code == 200


def test_a_journal_that_cannot_be_read_costs_the_results_alone(folder: Path) -> None:
    """The handlers are listed, and standard error says why there is no more."""
    (folder / "receiver.db").write_bytes(b"this is no database" * 100)
    done = run(folder, "handlers")
    assert "no results are shown" in done.stderr
    assert "mine.sales" in done.stdout


def test_a_receiver_without_handlers_says_so(tmp_path: Path) -> None:
    """With the setting that names them."""
    (tmp_path / "empty.py").write_text("from receiver import Handlers\nhandlers = Handlers()\n")
    assert "the setting `handlers` names" in run(tmp_path, "handlers", "--handlers", "empty").stdout
