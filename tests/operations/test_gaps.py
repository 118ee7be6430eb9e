"""Calls of which something is missing, by the journal alone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from receiver.components import make_providers
from receiver.operations.gaps import find_gaps
from receiver.settings import Settings
from storage import Database, NewCallback, journal

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def callback(kind: str, minutes: int = 60, call_id: str = "c1", body: bytes = b"", **fields: Any) -> NewCallback:
    """A callback that came so many minutes ago."""
    given: dict[str, Any] = {"provider": "voicenter", "path": "/voicenter", **fields}
    content = f"{kind}{minutes}{call_id}{body!r}".encode()[-16:].ljust(16)
    return NewCallback(
        received_at=NOW - timedelta(minutes=minutes), outcome="accepted", content_hash=content, deduplicate=False,
        kind=kind, call_id=call_id, body=body, **given,
    )  # fmt: skip


def post(leg: int, status: int = 0) -> NewCallback:
    """A post of Spokn."""
    body = f"aparty=%2B1&bparty=%2B2&leg={leg}&status={status}&token=t1".encode()
    return callback("STATUS", call_id="t1", body=body, provider="spokn", path="/spokn")


@pytest.mark.parametrize(
    ("stored", "missing"),
    [
        ([callback("HANGUP_CALL")], ["no CDR"]),
        ([callback("GET_IVR_ACTION")], ["no CDR"]),
        ([callback("IVR_LAYER_INPUT")], ["no CDR"]),
        ([callback("IVR_LAYER_INPUT"), callback("CDR")], []),
        ([callback("GET_IVR_ACTION"), callback("HANGUP_CALL"), callback("CDR")], []),
        ([callback("CDR")], []),
        ([callback("HANGUP_CALL", minutes=5)], []),  # the CDR may be on its way
        ([callback("HANGUP_CALL", minutes=9000)], []),  # before `since`
        ([callback("HANGUP_CALL", call_id="")], []),
        ([post(1)], ["no post of leg 2"]),
        ([post(1), post(2)], []),
        ([post(1, status=2)], []),  # leg 1 was not answered, so there was no leg 2
        ([post(2)], []),
        ([callback("POPUP")], []),
    ],
)
@pytest.mark.anyio
async def test_a_gap_is_what_the_kinds_of_a_call_leave_open(
    stored: Sequence[NewCallback], missing: list[str], database: Database
) -> None:
    """A hang-up or an IVR without a CDR, and an answered leg 1 without leg 2."""
    await database.write(partial(journal.append, batch=stored))
    providers = make_providers(Settings())
    with database.read_only() as connection:
        found = find_gaps(connection, providers, NOW - timedelta(days=1), NOW - timedelta(minutes=10))
    assert [gap.missing for gap in found] == missing


@pytest.mark.anyio
async def test_the_oldest_gap_comes_first(database: Database) -> None:
    """By the last callback of each call."""
    calls = [callback("HANGUP_CALL", minutes, f"c{minutes}") for minutes in (30, 90, 60)]
    await database.write(partial(journal.append, batch=calls))
    with database.read_only() as connection:
        found = find_gaps(connection, make_providers(Settings()), NOW - timedelta(days=1), NOW)
    assert [gap.call.call_id for gap in found] == ["c90", "c60", "c30"]
