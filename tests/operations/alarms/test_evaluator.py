"""Each alarm is said once when it begins and once when it ends, across restarts, processes and outages."""

import logging
from datetime import timedelta

import pytest

from receiver.operations.alarms.condition import Problem
from storage import Database, StoreUnavailableError, alarms
from tests.operations.alarms.support import Clock, Outbox, Process, Told, states
from tests.storage.test_spool import Unreliable

pytestmark = pytest.mark.anyio
BEGINS, ENDED = "dead_deliveries begins", "dead_deliveries has ended"


@pytest.fixture
def clock() -> Clock:
    """Noon."""
    return Clock()


@pytest.fixture
def outbox() -> Outbox:
    """No message yet."""
    return Outbox()


@pytest.fixture
def process(database: Database, clock: Clock, outbox: Outbox) -> Process:
    """A process whose condition has a problem."""
    made = Process(database, clock, outbox, Told())
    made.condition.problems = [Problem("3 deliveries are dead")]
    return made


async def pass_time(process: Process, clock: Clock, minutes: int) -> None:
    """Evaluate each minute."""
    for _ in range(minutes):
        clock.advance(60)
        await process.evaluator.evaluate()


async def test_an_alarm_is_said_once_when_it_begins_and_once_when_it_ends(
    process: Process, clock: Clock, outbox: Outbox, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """However long it lasts, also in the log; the message says what is wrong, since when, and where to read on."""
    caplog.set_level(logging.INFO)
    await pass_time(process, clock, 30)
    assert outbox.titles == [BEGINS]
    assert "3 deliveries are dead.\n\nSince 2026-11-21 12:01:00+00:00." in outbox.bodies[0]
    assert "docs/alarms.md#dead_deliveries" in outbox.bodies[0]
    process.condition.problems = []
    await pass_time(process, clock, 30)
    assert outbox.titles == [BEGINS, ENDED]
    assert [record.message for record in caplog.records] == [
        "alarm dead_deliveries begins: 3 deliveries are dead",
        "alarm dead_deliveries has ended: 3 deliveries are dead",
    ]
    assert not states(database)["dead_deliveries"].is_active
    assert 'receiver_alarms_begun_total{alarm="dead_deliveries"} 1.0' in process.metrics.text().decode()


async def test_what_comes_and_goes_is_one_alarm(process: Process, clock: Clock, outbox: Outbox) -> None:
    """It ends only when nothing was wrong for five minutes."""
    problems = process.condition.problems
    for _ in range(10):
        process.condition.problems = problems
        await pass_time(process, clock, 1)
        process.condition.problems = []
        await pass_time(process, clock, 4)
    assert outbox.titles == [BEGINS]


async def test_a_problem_must_last_as_long_as_its_condition_says(
    process: Process, clock: Clock, outbox: Outbox
) -> None:
    """A shorter one is no alarm, and the next one begins anew."""
    process.condition.patience = 180
    problems = process.condition.problems
    await pass_time(process, clock, 3)
    process.condition.problems = []
    await pass_time(process, clock, 1)
    process.condition.problems = problems
    await pass_time(process, clock, 3)
    assert outbox.titles == []
    await pass_time(process, clock, 1)
    assert outbox.titles == [BEGINS]


async def test_neither_a_restart_nor_another_process_says_it_again(
    process: Process, clock: Clock, outbox: Outbox, database: Database
) -> None:
    """The state is in the journal; the next process also says the end."""
    await process.evaluator.evaluate()
    restarted = Process(database, clock, outbox, Told())
    restarted.condition.problems = process.condition.problems
    await pass_time(restarted, clock, 3)
    assert outbox.titles == [BEGINS]
    restarted.condition.problems = []
    await pass_time(restarted, clock, 6)
    await process.evaluator.evaluate()
    assert outbox.titles[:2] == [BEGINS, ENDED]


async def test_each_subject_has_an_alarm_of_its_own(
    process: Process, clock: Clock, outbox: Outbox, database: Database
) -> None:
    """One provider may begin to call again while another one is silent."""
    process.condition.problems = [Problem("silent", "voicenter"), Problem("silent", "spokn")]
    await pass_time(process, clock, 1)
    process.condition.problems = [Problem("silent", "spokn")]
    await pass_time(process, clock, 6)
    assert outbox.titles == [
        "dead_deliveries:voicenter begins",
        "dead_deliveries:spokn begins",
        "dead_deliveries:voicenter has ended",
    ]
    assert [name for name, state in states(database).items() if state.is_active] == ["dead_deliveries:spokn"]


@pytest.mark.parametrize("name", ["dead_deliveries:voicenter", "dead_deliveries", "all"])
async def test_a_silenced_alarm_is_said_after_the_silence(
    name: str, process: Process, clock: Clock, outbox: Outbox, database: Database
) -> None:
    """By its own name, by that of its condition, or with all others."""
    process.condition.problems = [Problem("silent", "voicenter")]
    with database.begin() as connection:
        alarms.silence(connection, name, clock() + timedelta(minutes=10))
    await pass_time(process, clock, 9)
    assert outbox.titles == []
    assert states(database)["dead_deliveries:voicenter"].is_active
    await pass_time(process, clock, 1)
    assert outbox.titles == ["dead_deliveries:voicenter begins"]


async def test_an_end_within_a_silence_is_not_said(
    process: Process, clock: Clock, outbox: Outbox, database: Database
) -> None:
    """Neither then nor later; the next beginning is said."""
    await process.evaluator.evaluate()
    with database.begin() as connection:
        alarms.silence(connection, "dead_deliveries", clock() + timedelta(minutes=10))
    problems, process.condition.problems = process.condition.problems, []
    await pass_time(process, clock, 20)
    assert outbox.titles == [BEGINS]
    process.condition.problems = problems
    await pass_time(process, clock, 1)
    assert outbox.titles == [BEGINS, BEGINS]


async def test_a_message_that_no_recipient_got_is_sent_again(process: Process, clock: Clock, outbox: Outbox) -> None:
    """With longer and longer pauses."""
    outbox.refuses = True
    await pass_time(process, clock, 3)
    outbox.refuses = False
    await pass_time(process, clock, 10)
    assert outbox.titles == [BEGINS]


async def test_what_cannot_be_read_changes_nothing(
    process: Process, clock: Clock, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The alarm stays; the log has the error once, and its end."""
    caplog.set_level(logging.INFO)
    await pass_time(process, clock, 1)
    process.condition.error = OSError("no route to host")
    await pass_time(process, clock, 20)
    assert outbox.titles == [BEGINS]
    process.condition.error = None
    await pass_time(process, clock, 1)
    assert [record.message for record in caplog.records][1:] == [
        "the condition dead_deliveries could not be evaluated: no route to host",
        "the condition dead_deliveries can be evaluated again",
    ]


async def test_a_costly_condition_is_read_less_often(process: Process, clock: Clock) -> None:
    """In between its last problems count."""
    process.condition.every = 600
    await pass_time(process, clock, 21)
    assert process.condition.readings == 3


async def test_an_alarm_is_said_while_the_journal_is_unreachable(
    database: Database, clock: Clock, outbox: Outbox
) -> None:
    """That callbacks go to the spool must be said then. Once; and it is in the journal when that is back."""
    unreliable = Unreliable(database)
    # stands in for the real one
    process = Process(unreliable, clock, outbox, Told("spool", "web-1/spool.db"))  # type: ignore[arg-type]
    await pass_time(process, clock, 1)
    unreliable.is_unreachable = True
    process.condition.problems = [Problem("2 callbacks are in the spool")]
    await pass_time(process, clock, 5)
    assert outbox.titles == ["spool:web-1/spool.db begins"]
    unreliable.is_unreachable = False
    await pass_time(process, clock, 1)
    assert states(database)["spool:web-1/spool.db"].said
    process.condition.problems = []
    await pass_time(process, clock, 6)
    assert outbox.titles == ["spool:web-1/spool.db begins", "spool:web-1/spool.db has ended"]


async def test_an_alarm_that_no_process_evaluates_any_more_ends(
    process: Process, clock: Clock, outbox: Outbox, database: Database
) -> None:
    """As that of a machine that is gone."""
    gone = Process(database, clock, outbox, Told("disk_space", "web-2"))
    gone.condition.problems = [Problem("10 MB are free")]
    await gone.evaluator.evaluate()
    process.condition.problems = []
    await pass_time(process, clock, 14)
    await process.evaluator.end_forgotten(timedelta(minutes=15))
    assert outbox.titles == ["disk_space:web-2 begins"]
    await pass_time(process, clock, 1)
    await process.evaluator.end_forgotten(timedelta(minutes=15))
    await process.evaluator.end_forgotten(timedelta(minutes=15))
    assert outbox.titles == ["disk_space:web-2 begins", "disk_space:web-2 has ended"]


async def test_old_ends_are_deleted(process: Process, clock: Clock, database: Database) -> None:
    """And silences that are over."""
    await process.evaluator.evaluate()
    process.condition.problems = []
    await pass_time(process, clock, 6)
    with database.begin() as connection:
        alarms.silence(connection, "fallbacks", clock() + timedelta(hours=1))
    await process.evaluator.end_forgotten(timedelta(hours=1))
    assert states(database).keys() == {"dead_deliveries", "fallbacks"}
    clock.advance(31 * 86_400)
    await process.evaluator.end_forgotten(timedelta(hours=1))
    assert states(database) == {}


async def test_a_journal_that_is_unreachable_ends_no_alarm(database: Database, clock: Clock, outbox: Outbox) -> None:
    """Whether others evaluate it is not known then."""
    unreliable = Unreliable(database)
    process = Process(unreliable, clock, outbox, Told())  # type: ignore[arg-type]  # stands in for the real one
    unreliable.is_unreachable = True
    with pytest.raises(StoreUnavailableError):
        await process.evaluator.end_forgotten(timedelta())
