"""What each condition calls a problem, by the facts alone; and what it reads from a journal."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from receiver.operations.alarms.backlog_age import BacklogAge
from receiver.operations.alarms.certificate import Certificate
from receiver.operations.alarms.clock import ClockFacts, ClockJump
from receiver.operations.alarms.condition import Problem, spoken
from receiver.operations.alarms.dead_deliveries import DeadDeliveries
from receiver.operations.alarms.disk_space import DiskSpace
from receiver.operations.alarms.fallbacks import Fallbacks
from receiver.operations.alarms.public_url import PublicUrl
from receiver.operations.alarms.refused_requests import RefusedFacts, RefusedRequests
from receiver.operations.alarms.spool import SpoolUsed
from storage import Database, State, rejections
from storage.figures import Backlog
from storage.rejections import RejectedRequest
from tests.operations.alarms.support import Clock
from tests.storage.support import NOON, append, claim, finish, new_callback

pytestmark = pytest.mark.anyio


async def test_dead_deliveries_are_those_of_a_day(database: Database) -> None:
    """An older one does not hide a new one; the text names the handlers."""
    append(database, *(new_callback(str(number), deliveries=("crm", "log")) for number in range(2)))
    finish(database, claim(database, {"crm": 2}), State.DEAD, result="failed", error="no")
    finish(database, claim(database, {"log": 1}), State.DEAD, result="failed", error="no")
    finish(database, claim(database, {"log": 1}))
    condition = DeadDeliveries(database, 3)
    now = datetime.now(UTC)
    facts = await condition.read(now)
    assert facts == {"crm": 2, "log": 1}
    assert condition.judge(facts, now) == [
        Problem("deliveries died within a day and are still dead: 2 to crm, 1 to log")
    ]
    assert condition.judge({"crm": 2}, now) == []
    assert await condition.read(now + timedelta(days=2)) == {}


async def test_the_backlog_is_what_is_due_and_waits(database: Database) -> None:
    """Not what runs, not what is retried later, and not what waits for its call."""
    condition = BacklogAge(database, 600)
    append(database, *(new_callback(str(number), deliveries=("crm",), call_key="one") for number in range(3)))
    [due] = await condition.read(NOON)
    assert (due.handler, due.count) == ("crm", 3)
    claims = claim(database, {"crm": 5})
    assert await condition.read(NOON) == []
    finish(database, claims, State.DUE, result="retry", retry_in=3600)
    assert await condition.read(NOON) == []
    late = [Backlog("crm", 12, timedelta(minutes=25)), Backlog("log", 1, timedelta(minutes=9))]
    assert condition.judge(late, NOON) == [Problem("deliveries are due and are not run: 12 to crm for 25 min")]
    assert condition.judge(late[1:], NOON) == []


async def test_fallbacks_are_a_share_of_the_questions_of_a_quarter_of_an_hour(database: Database) -> None:
    """Records do not count, nor does a share of few questions."""
    condition = Fallbacks(database, 10)
    given = [("answered", 27), ("fallback", 2), ("failed", 1), ("accepted", 500)]
    append(
        database, *(new_callback(outcome=outcome, deduplicate=False) for outcome, times in given for _ in range(times))
    )
    facts = await condition.read(NOON + timedelta(minutes=14))
    assert facts == dict(given)
    assert condition.judge(facts, NOON) == [Problem("3 of 30 questions in 15 min got a fallback or an error (10 %)")]
    assert condition.judge({**facts, "answered": 28}, NOON) == []
    assert condition.judge({"fallback": 19}, NOON) == []
    assert await condition.read(NOON + timedelta(minutes=16)) == {}


async def test_refused_requests_are_compared_with_the_day_before(database: Database) -> None:
    """Many on every day are no alarm, and a few are none."""
    condition = RefusedRequests(database, 100)
    one = RejectedRequest(at=NOON, reason="r", address="a", path="p", size=0, times=150)
    before = RejectedRequest(at=NOON - timedelta(hours=5), reason="r", address="a", path="p", size=0, times=1440)
    with database.begin() as connection:
        rejections.add(connection, [one, before])
    facts = await condition.read(NOON)
    assert facts == RefusedFacts(150, 10)
    assert condition.judge(facts, NOON) == [Problem("requests refused within 10 min: 150, usually 10")]
    assert condition.judge(RefusedFacts(150, 60), NOON) == []
    assert condition.judge(RefusedFacts(99, 0), NOON) == []


async def test_disk_space_is_that_of_each_folder(tmp_path: Path) -> None:
    """The text names the full one."""
    condition = DiskSpace("web-1", [tmp_path], 1000)
    assert (await condition.read(NOON))[str(tmp_path)] > 0
    facts = {"/var/lib": 999_999_999, "/srv": 1_000_000_000}
    assert condition.judge(facts, NOON) == [Problem("999 MB are free in /var/lib")]
    assert condition.judge({"/srv": 1_000_000_000}, NOON) == []


async def test_a_spool_is_a_problem_while_it_has_callbacks() -> None:
    """For longer than a short restart of the database takes."""
    condition = SpoolUsed("web-1", "spool.db", lambda: 7, 60)
    assert (condition.scope, condition.patience) == ("web-1/spool.db", 60)
    [problem] = condition.judge(await condition.read(NOON), NOON)
    assert problem.text.startswith("callbacks in the spool: 7;")
    assert condition.judge(0, NOON) == []


@pytest.mark.parametrize(("jump", "way"), [(3600, "forward by 60 min"), (-90, "back by 90 s")])
async def test_a_jump_of_the_clock_counts_for_ten_minutes(jump: float, way: str, database: Database) -> None:
    """It is told by a clock that never jumps; a slow drift is none."""
    wall, steady = Clock(), Clock()
    # The database's clock is not that of this test, so the difference from it is left out.
    condition = ClockJump(
        "web-1", database, 60, wall=wall, monotonic=lambda: (steady.now - NOON).total_seconds()
    )  # fmt: skip
    for seconds, wall_seconds in ((60, 60), (60, 61), (60, 60 + jump)):
        wall.advance(wall_seconds)
        steady.advance(seconds)
        facts = await condition.read(NOON)
    assert facts.jumped == jump
    assert condition.judge(ClockFacts(facts.jumped, 0), NOON) == [Problem(f"the clock jumped {way}")]
    wall.advance(601)
    steady.advance(601)
    assert (await condition.read(NOON)).jumped == 0


async def test_a_clock_that_differs_from_the_databases_is_a_problem(postgres_url: str) -> None:
    """On PostgreSQL, which runs on another machine."""
    with Database(postgres_url) as database:
        ahead = ClockJump(
            "web-1", database, 60, wall=lambda: datetime.now(UTC) + timedelta(hours=3), monotonic=lambda: 0.0
        )
        facts = await ahead.read(NOON)
        assert round(facts.ahead / 3600) == 3
        assert ahead.judge(ClockFacts(0, 10_800), NOON) == [Problem("the clock is 3 h ahead of that of the database")]
        assert ahead.judge(ClockFacts(0, 59), NOON) == []


@asynccontextmanager
async def https_server(authority: trustme.CA, ends_at: datetime) -> AsyncIterator[str]:
    """The address of a server whose certificate ends then."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", not_after=ends_at, not_before=NOON - timedelta(days=400)).configure_cert(context)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"


async def test_a_certificate_is_a_problem_some_days_before_its_end(recwarn: pytest.WarningsRecorder) -> None:
    """The text says when it ends."""
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    ends_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    async with https_server(authority, ends_at) as url:
        condition = Certificate(url, 14, context)
        facts = await condition.read(NOON)
    assert facts.ends_at == condition.ends_at == ends_at
    assert condition.judge(facts, ends_at - timedelta(days=14)) == []
    [problem] = condition.judge(facts, ends_at - timedelta(days=13, hours=12))
    assert problem.text == f"the certificate of localhost ends at {ends_at:%Y-%m-%d %H:%M}+00:00; days left: 13"


async def test_a_certificate_that_is_not_valid_is_a_problem() -> None:
    """As one that has ended, or that no known authority has signed."""
    async with https_server(trustme.CA(), datetime.now(UTC) + timedelta(days=30)) as url:
        condition = Certificate(url, 14, ssl.create_default_context())
        [problem] = condition.judge(await condition.read(NOON), NOON)
    assert problem.text.startswith("the certificate of localhost is not valid: ")


async def test_a_server_that_is_away_says_nothing_of_its_certificate() -> None:
    """The alarm of the public address says that it cannot be reached."""
    with pytest.raises(OSError, match=r"."):
        await Certificate("https://127.0.0.1:1", 14, ssl.create_default_context()).read(NOON)


async def test_the_public_address_is_a_problem_when_a_provider_cannot_call_it() -> None:
    """The text names the provider."""
    found = {"voicenter": "", "spokn": ""}

    async def check() -> dict[str, str]:
        return dict(found)

    condition = PublicUrl(check, 600)
    assert condition.judge(await condition.read(NOON), NOON) == []
    assert condition.is_reachable(NOON)
    found["spokn"] = "it answered 502"
    [problem] = condition.judge(await condition.read(NOON), NOON)
    assert problem.text == "the public address of spokn fails: it answered 502"
    assert condition.is_reachable(NOON) is False
    assert condition.is_reachable(NOON + timedelta(minutes=31)) is None


def test_times_are_spoken_in_their_largest_unit() -> None:
    """People read these."""
    assert [spoken(seconds) for seconds in (45, 119, 120, 7199, 7200, 172_800)] == [
        *("45 s", "119 s", "2 min", "120 min", "2 h", "2 days")
    ]
