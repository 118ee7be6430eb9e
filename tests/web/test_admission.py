"""Admission: limits on the work in progress, and room that is reserved for questions."""

import asyncio
from pathlib import Path

import pytest

from receiver.plugins import Handlers
from receiver.providers.voicenter import Hangup, IvrRequest
from receiver.web.admission import Admission
from tests.support import running

CDR = {"ivruniqueid": "1"}
QUESTION = {"METHOD": "GET_IVR_ACTION", "DATA": {"MENU": "-1", "IVRUNIQUEID": "1"}}


def test_the_rate_is_limited_for_each_address() -> None:
    """The count restarts each second. All addresses of an IPv6 /64 network are one sender."""
    now = 100.0
    admission = Admission(max_requests=10, max_pending_bytes=10, max_rate_per_address=2, clock=lambda: now)
    assert [admission.is_too_fast("192.0.2.1") for _ in range(3)] == [False, False, True]
    assert not admission.is_too_fast("192.0.2.2")
    assert [admission.is_too_fast(f"2001:db8::{tail}") for tail in range(3)] == [False, False, True]
    assert not admission.is_too_fast("2001:db8:0:1::1")
    now = 101.0
    assert not admission.is_too_fast("192.0.2.1")


def test_without_a_limit_no_address_is_too_fast() -> None:
    """A provider may send all callbacks from one address: the limit is off by default."""
    admission = Admission(max_requests=10, max_pending_bytes=10)
    assert not any(admission.is_too_fast("192.0.2.1") for _ in range(10_000))


def test_room_is_reserved_for_questions() -> None:
    """A quarter of it."""
    admission = Admission(max_requests=8, max_pending_bytes=10)
    assert [admission.begin(asks=False) for _ in range(7)] == [True] * 6 + [False]
    assert [admission.begin(asks=True) for _ in range(3)] == [True, True, False]
    admission.end()
    assert admission.begin(asks=True)


async def test_a_sender_that_is_too_fast_gets_429(tmp_path: Path) -> None:
    """Retry-After says when to retry."""
    async with running(tmp_path, max_rate_per_address=3) as receiver:
        replies = [await receiver.client.post("/voicenter", json={**CDR, "n": n}) for n in range(20)]
    refused = [reply for reply in replies if reply.status_code == 429]
    assert refused
    assert refused[0].headers["retry-after"] == "1"
    assert len(receiver.callbacks()) == 20 - len(refused)


@pytest.mark.parametrize(
    ("path", "question", "status"),
    [
        ("/voicenter", CDR, 503),
        ("/voicenter/cdr", CDR, 503),
        ("/voicenter/ivr", QUESTION, 200),
        ("/voicenter", QUESTION, 200),
    ],
)
async def test_an_overload_is_rejected_in_the_providers_dialect(
    tmp_path: Path, path: str, question: dict[str, object], status: int
) -> None:
    """503 at once with the documented error, and nothing is stored; but questions are admitted at any URL."""
    held = asyncio.Event()
    handlers = Handlers("held")

    @handlers.answer(IvrRequest)
    async def wait(_: IvrRequest) -> Hangup:
        await held.wait()
        return Hangup()

    async with running(tmp_path, handlers, max_requests=4) as receiver, asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(receiver.client.post("/voicenter", json=QUESTION)) for _ in range(3)]
        await asyncio.sleep(0.2)
        reply = tasks.create_task(receiver.client.post(path, json=question))
        await asyncio.sleep(0.2)
        held.set()
        assert [(await one).status_code for one in waiting] == [200] * 3
        answer = await reply
        assert answer.status_code == status
        if status == 503:
            assert answer.headers["retry-after"] == "1"
            assert answer.json()["err"] == "2"
    assert len(receiver.callbacks()) == 3 + (status == 200)


async def test_the_bodies_in_memory_have_a_common_limit(tmp_path: Path) -> None:
    """A body that exceeds it is rejected while it arrives; its bytes are released afterwards."""
    async with running(tmp_path, max_pending_bytes=100) as receiver:
        for _ in range(3):
            assert (await receiver.client.post("/voicenter", content=b"x" * 101)).status_code == 503
            assert (await receiver.client.post("/voicenter", json=CDR)).status_code == 200
