"""`receiver new`: what it writes passes at once, and it overwrites and hides nothing."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx
import pytest

from tests.scenarios.serving import run, run_in_terminal, serving

ENTRY_POINTS = "[pytest11]\nreceiver = receiver.pytest_plugin\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def _pytest(folder: Path, installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`pytest` as typed in the folder, with the receiver's plugin installed."""
    metadata = installed / "receiver_plugin-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: receiver-plugin\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RECEIVER_", "PYTEST"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), str(installed)])
    return subprocess.run(
        [Path(sys.executable).parent / "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize(
    ("options", "handler"),
    [
        ((), "handlers.front_desk.menu"),
        (("--ivr",), "handlers.front_desk.menu"),
        (("--records",), "handlers.front_desk.send_to_crm"),
        (("--popup",), "handlers.front_desk.who_calls"),
    ],
    ids=["default", "ivr", "records", "popup"],
)
def test_a_new_module_passes_at_once(folder: Path, tmp_path: Path, options: tuple[str, ...], handler: str) -> None:
    """`receiver check`, its scenario, and its tests: by plain `pytest`, in a folder without any configuration."""
    said = run(folder, "new", "front_desk", *options).stdout
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert written == {"handlers/front_desk.py", "scenarios/front_desk.toml", "tests/test_front_desk.py"}
    assert all(path in said for path in written)
    scenario = tomllib.loads((folder / "scenarios" / "front_desk.toml").read_text())
    assert scenario["handlers"] == ["handlers.front_desk"]
    assert handler in run(folder, "check", "--handlers", "handlers.front_desk").stdout
    assert "1 passed, 0 failed" in run(folder, "test").stdout
    done = _pytest(folder, tmp_path / "installed", "-W", "error", "tests")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("option", "handler"), [("--ivr", "missed"), ("--records", "send_to_crm")])
def test_a_call_that_is_reported_twice_is_one_delivery(folder: Path, option: str, handler: str) -> None:
    """HANGUP_CALL and CDR both make a call record; the generated handler gets one of them."""
    run(folder, "new", "front_desk", option)
    reports = (
        {"METHOD": "HANGUP_CALL", "DATA": {"CALLER_ID": "0540000000", "CALL_STATUS": "NOANSWER", "IVR_UNIQUE_ID": "1"}},
        {"METHOD": "CDR", "DATA": {"caller": "0540000000", "target": "1", "status": "NOANSWER", "ivruniqueid": "1"}},
    )
    with serving(folder, "--handlers", "handlers.front_desk") as receiver:
        for report in reports:
            httpx.post(f"{receiver.url}/voicenter", json=report).raise_for_status()
    assert sorted(one["kind"] for one in receiver.callbacks()) == ["CDR", "HANGUP_CALL"]
    states = [word for state in ("due", "running", "done", "dead", "dropped") for word in ("--state", state)]
    deliveries = run(folder, "deliveries", "list", "--json", *states).stdout.splitlines()
    assert [json.loads(line)["handler"] for line in deliveries] == [f"handlers.front_desk.{handler}"]


def test_it_says_what_to_do_next(folder: Path) -> None:
    """Each command stands whole on its line."""
    lines = run_in_terminal(folder, "new", "front_desk")
    for command in (
        "receiver test scenarios/front_desk.toml",
        "python -m pytest tests/test_front_desk.py",
        "receiver serve --reload --handlers handlers.front_desk",
    ):
        assert any(command in line for line in lines)


def test_nothing_is_overwritten(folder: Path) -> None:
    """If one of the files exists, none is written."""
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "front_desk.toml").write_text("mine")
    said = run(folder, "new", "front_desk", code=2).stderr
    assert "scenarios/front_desk.toml would be overwritten: choose another name" in said
    assert (folder / "scenarios" / "front_desk.toml").read_text() == "mine"
    assert not (folder / "handlers").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("front-desk",), "'front-desk' is no name for a Python module; front_desk is one"),
        (("1st",), "'1st' is no name for a Python module"),
        (("class",), "'class' is no name for a Python module"),
        (("../escape",), "'../escape' is no name for a Python module; escape is one"),
        (("json",), "there is an installed package json, which your module could hide"),
        (("httpx",), "there is an installed package httpx, which your module could hide"),
        (("demo",), "handlers.demo is part of the receiver, and yours would hide it"),
        (("front_desk", "--ivr", "--popup"), "choose one of --ivr, --records and --popup"),
    ],
)
def test_a_name_that_cannot_be_is_refused(folder: Path, arguments: tuple[str, ...], says: str) -> None:
    """No module has it, or another one does; nothing is written."""
    said = run(folder, "new", *arguments, code=2).stderr
    assert says in " ".join(said.replace("│", " ").split())
    assert not list(folder.iterdir())


def test_a_package_of_the_working_folder_is_no_reason_to_refuse(folder: Path) -> None:
    """It is the author's own."""
    (folder / "orders").mkdir()
    (folder / "orders" / "__init__.py").touch()
    run(folder, "new", "orders")
