"""`receiver alarms`: what is listed, silenced and sent."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from receiver.cli import app
from receiver.operations.alarms.catalogue import CONDITIONS
from storage import Database, alarms
from storage.alarms import AlarmState
from tests.handlers.servers import web_server
from tests.storage.support import NOON
from tests.test_docs import read, section


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The journal of the working folder."""
    monkeypatch.chdir(tmp_path)
    with Database(f"sqlite:///{tmp_path}/receiver.db") as database:
        database.migrate()
        yield database


def alarm_command(*arguments: str) -> Result:
    """`receiver alarms`, as it is typed."""
    return CliRunner().invoke(app, ["alarms", *arguments])


def test_alarms_are_listed_with_their_times(journal: Database) -> None:
    """Active ones first; in JSON with the zone of each time."""
    with journal.begin() as connection:
        alarms.save(
            connection,
            [
                AlarmState(name="backlog_age", text="late", ended_at=NOON),
                AlarmState(name="dead_deliveries", text="3 are dead", began_at=NOON, said=True),
            ],
        )
    rows = alarm_command("list").stdout.splitlines()[1:]
    assert [row.split()[:2] for row in rows] == [["dead_deliveries", "active"], ["backlog_age", "ended"]]
    first, second = map(json.loads, alarm_command("list", "--json").stdout.splitlines())
    assert first == {
        "name": "dead_deliveries",
        "active": True,
        "text": "3 are dead",
        "began_at": "2026-11-21T12:00:00+00:00",
        "ended_at": None,
        "silenced_until": None,
    }
    assert second["ended_at"] == "2026-11-21T12:00:00+00:00"


def test_an_empty_list_is_no_failure(journal: Database) -> None:
    """Programs get no line, and people a sentence."""
    listed = alarm_command("list")
    assert (listed.exit_code, listed.stdout) == (0, "")
    assert "No alarm is active" in listed.stderr


@pytest.mark.parametrize("name", ["dead_deliveries", "disk_space:web-1", "all"])
def test_a_silence_is_listed_until_it_is_ended(name: str, journal: Database) -> None:
    """For as long as it was made."""
    assert alarm_command("silence", name, "--for", "2h").exit_code == 0
    [shown] = map(json.loads, alarm_command("list", "--json").stdout.splitlines())
    until = datetime.fromisoformat(shown["silenced_until"]) - datetime.now(UTC)
    assert shown["name"] == name
    assert timedelta(minutes=119) < until <= timedelta(hours=2)
    row = next(line for line in alarm_command("list").stdout.splitlines() if line.startswith(name))
    assert row.split()[1] == "silenced"
    assert "silenced no more" in alarm_command("unsilence", name).stdout
    assert "was not silenced" in alarm_command("unsilence", name).stdout


@pytest.mark.parametrize(("arguments", "says"), [(("nothing",), "dead_deliveries"), (("all", "--for", "2"), "2h or")])
def test_a_wrong_name_or_time_is_explained(arguments: tuple[str, ...], says: str, journal: Database) -> None:
    """With what may be written."""
    refused = alarm_command("silence", *arguments)
    assert refused.exit_code == 2
    assert says in refused.stderr


def test_a_test_message_reaches_each_recipient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the heartbeat URL is called; what fails is named, and exit code 1."""
    monkeypatch.chdir(tmp_path)
    with web_server() as good, web_server(500) as bad, web_server() as switch:
        settings = '[alarms]\nurls = ["{}", "{}"]\nheartbeat_url = "{}/ping"\n'
        both = [one.url.replace("http", "json") for one in (good, bad)]
        (tmp_path / "receiver.toml").write_text(settings.format(*both, switch.url))
        tested = alarm_command("test")
    assert tested.exit_code == 1
    assert tested.stdout == "alarms.urls.0 (JSON): sent\nalarms.heartbeat_url: sent\n"
    assert "alarms.urls.1 (JSON)" in tested.stderr
    assert "Nothing is wrong" in good.received[0].body.decode()
    assert switch.received[0].path == "/ping"


def test_a_test_without_recipients_says_what_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, as for every setting that cannot work."""
    monkeypatch.chdir(tmp_path)
    tested = alarm_command("test")
    assert tested.exit_code == 2
    assert "alarms.urls: there are no recipients" in tested.stderr


def test_every_condition_is_explained() -> None:
    """The page of alarms has a section for each, which messages point to, with what to do."""
    conditions = section(read("docs/alarms.md"), "The conditions")
    assert [line[4:] for line in conditions.splitlines() if line.startswith("### ")] == list(CONDITIONS)
    for name in CONDITIONS:
        assert "What to do: " in section(read("docs/alarms.md"), name)
