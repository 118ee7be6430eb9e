"""The pytest plugin, as a user's own test run meets it: in a folder of its own, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HANDLERS = """
from receiver import CallRecord, Context, Handlers, RetryLater
from receiver.providers.voicenter import Call, IvrRequest, Menu

handlers = Handlers()


@handlers.answer(IvrRequest, did="0730000000")
def menu(step: IvrRequest) -> Menu | Call:
    if step.dtmf == "1":
        return Call(target="0540000000", max_dial=30, max_duration=3600)
    return Menu(menu="main", rec="welcome", size=1)


@handlers.on(CallRecord, name="crm")
async def crm(record: CallRecord, ctx: Context) -> None:
    if (await ctx.http.post("https://crm.example.com/", json=record.as_json())).status_code >= 500:
        raise RetryLater("the CRM is down", after=3600)
"""
SCENARIO = '[[step]]\nexpect = { menu = "main" }\n[[step]]\npress = "1"\nexpect = { target = "%s" }\n[[http]]\nurl = "https://crm"'
TESTS = """
import pytest


def test_the_desk_answers(phone, receiver_app):
    receiver_app.stub("https://crm.example.com/", 500, 200)
    call = phone(did="0730000000").press("1")
    assert (call.action, call.fields["TARGET"], call.state) == ("CALL", "0540000000", "dialing")
    call.callee("answered").hang_up()
    assert call.faults == []
    assert [record.outcome for record in receiver_app.records()] == ["answered", "answered"]
    assert [(one.handler, one.state, one.attempts) for one in receiver_app.deliveries()] == [
        ("crm", "done", 2), ("crm", "done", 1)
    ]


def test_requests_are_answered_as_over_http(receiver_app):
    reply = receiver_app.post("/voicenter/cdr", json={"ivruniqueid": "1"})
    assert reply.json() == {"err": "0", "errdesc": "OK"}
    [callback] = receiver_app.callbacks(kind="CDR")
    assert callback.call_id == "1"


@pytest.mark.receiver(handlers=["handlers.demo"])
def test_a_marker_chooses_other_handlers(phone):
    assert phone().press("2").action == "SAYDIGITS"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's project: handlers, a scenario that passes, one that does not, tests."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "right.toml").write_text(SCENARIO % "0540000000")
    (tmp_path / "scenarios" / "wrong.toml").write_text(SCENARIO % "0540000009")
    (tmp_path / "office.py").write_text(HANDLERS)
    (tmp_path / "test_office.py").write_text(TESTS)
    (tmp_path / "receiver.toml").write_text('handlers = ["office"]\n')
    return tmp_path


def run_pytest(folder: Path, *arguments: str) -> str:
    """What a test run in this folder prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RECEIVER_", "PYTEST"))}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    return done.stdout + done.stderr


def test_scenarios_and_fixtures_work_in_a_project_of_a_user(project: Path) -> None:
    """A scenario that fails shows its difference, without a traceback through the receiver."""
    printed = run_pytest(project, "-W", "error")
    assert "4 passed" in printed, printed
    assert "1 failed" in printed, printed
    assert "wrong.toml:3: step 2, press 1: the reply is another one" in printed
    assert '-  "target": "0540000009"' in printed
    assert "receiver/scenarios/runner.py" not in printed


def test_a_broken_scenario_says_what_to_write(project: Path) -> None:
    """The message of the file's error is what pytest shows."""
    (project / "scenarios" / "wrong.toml").write_text('colour = "red"\n[[step]]\n')
    assert "wrong.toml: colour: " in run_pytest(project)


def test_toml_files_of_other_projects_are_left_alone(tmp_path: Path) -> None:
    """Neither a project that lies below a folder of that name, nor data without steps."""
    project = tmp_path / "scenarios" / "theirs"
    (project / "scenarios").mkdir(parents=True)
    (project / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (project / "data.toml").write_text("[[step]]\n")
    (project / "scenarios" / "data.toml").write_text("a = 1\n")
    (project / "test_theirs.py").write_text("def test_theirs():\n    pass\n")
    assert "1 passed" in run_pytest(project)


def test_the_plugin_loads_nothing_for_tests_that_do_not_use_it(tmp_path: Path) -> None:
    """A test run of another project in the same environment pays nothing for it."""
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n\n\ndef test_nothing():\n    assert 'receiver.app' not in sys.modules\n"
        "    assert 'sqlalchemy' not in sys.modules\n"
    )
    assert "1 passed" in run_pytest(tmp_path)
