"""Rejected requests: their replies, their counts, and what is stored of them."""

from pathlib import Path

import pytest

from storage.rejections import KEPT, RejectedRequest, add, latest
from tests.support import Running, eventually, running

SECRET = "a-secret-of-ours"
CDR = {"ivruniqueid": "1"}


def _refused(receiver: Running) -> list[RejectedRequest]:
    return receiver.query(lambda connection: latest(connection, 1000))


async def test_each_rejection_is_stored_with_its_reason_and_without_its_body(tmp_path: Path) -> None:
    """With address, path, reason and size, to find a missing callback."""
    options = {"secrets": SECRET, "passwords": "user:password", "max_body_bytes": 100, "max_transcript_bytes": 200}
    async with running(tmp_path, **options) as receiver:
        good = f"/{SECRET}/voicenter"
        auth = ("user", "password")
        replies = [
            await receiver.client.post("/voicenter", json=CDR),
            await receiver.client.post("/a-wrong-secret/voicenter", json=CDR),
            await receiver.client.post("/nothing/here", json=CDR),
            await receiver.client.post(good, json=CDR),
            await receiver.client.put(good, json=CDR, auth=auth),
            await receiver.client.post(good, json=CDR, headers={"Content-Encoding": "br"}, auth=auth),
            await receiver.client.post(good, content=b"x" * 201, auth=auth),
            await receiver.client.post(f"{good}/ivr", content=b"x" * 101, auth=auth),
            await receiver.client.post(good, json=CDR, auth=auth),
        ]
    assert [reply.status_code for reply in replies] == [404, 404, 404, 401, 405, 415, 413, 413, 200]
    assert [reply.text for reply in replies[:4]] == ["Not Found"] * 3 + ["Unauthorized"]
    kept = {(one.path, one.reason.split(" in ")[0].split(";")[0]): one.size for one in _refused(receiver)}
    assert kept == {
        ("/voicenter", "a wrong secret"): 19,
        ("/…/…", "no callback arrives at this path"): 19,
        ("/voicenter", "no password, or a wrong one"): 19,
        ("/voicenter", "a method that no callback has"): 19,
        ("/voicenter", "a Content-Encoding other than gzip and deflate"): 19,
        ("/voicenter", "a body that is too long"): 201,
        ("/voicenter/ivr", "a body that is too long"): 101,
    }
    assert {one.address for one in _refused(receiver)} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (f"/{SECRET}", "/…"),
        (f"/voicenter/{SECRET}", "/voicenter/…"),
        (f"/{SECRET}/voicentre", "/…/…"),
        (f"/{SECRET[:-1]}/voicenter/cdr/x", "/…/voicenter/cdr/…"),
        ("/an-old-secret-of-ours/spokn", "/spokn"),
    ],
)
async def test_no_secret_is_stored_wherever_it_is_in_the_path(tmp_path: Path, path: str, kept: str) -> None:
    """Also a misplaced one, and an old one."""
    async with running(tmp_path, secrets=SECRET) as receiver:
        assert (await receiver.client.post(path, json=CDR)).status_code == 404
    assert [one.path for one in _refused(receiver)] == [kept]


async def test_without_secrets_an_unknown_path_is_stored_as_sent(tmp_path: Path) -> None:
    """A misspelt path can be seen."""
    async with running(tmp_path) as receiver:
        await receiver.client.post("/voicentre/", json=CDR)
    assert [one.path for one in _refused(receiver)] == ["/voicentre"]


async def test_equal_rejections_are_one_entry(tmp_path: Path) -> None:
    """Many different ones are only counted, so that senders cannot fill the disk or keep the database busy."""
    async with running(tmp_path, metrics=True) as receiver:
        for _ in range(3):
            await receiver.client.post("/a", json=CDR)
        for number in range(150):
            await receiver.client.post(f"/{number}", json=CDR)
        text = (await receiver.client.get("/metrics")).text
    found = {one.path: one for one in _refused(receiver)}
    assert found["/a"].times == 3
    assert len(found) == 101
    assert found[""].times == 51
    assert 'receiver_requests_refused_total{reason="path"} 153.0' in text


async def test_they_are_written_while_the_receiver_runs(tmp_path: Path) -> None:
    """Within seconds."""
    async with running(tmp_path) as receiver:
        await receiver.client.post("/a", json=CDR)
        await eventually(lambda: len(_refused(receiver)) == 1)


async def test_a_huge_declared_length_does_not_affect_other_entries(tmp_path: Path) -> None:
    """The database has 64 bits."""
    async with running(tmp_path) as receiver:
        for length in ("9999999999999999999", "1" * 40):
            await receiver.client.post("/a", content=b"", headers={"Content-Length": length})
        await receiver.client.post("/b", json=CDR)
    assert {one.path for one in _refused(receiver)} == {"/a", "/b"}


async def test_only_the_latest_are_kept(tmp_path: Path) -> None:
    """Older ones are deleted."""
    async with running(tmp_path) as receiver:
        await receiver.client.post("/old", json=CDR)
    one = _refused(receiver)[0]

    with receiver.database() as database:
        for _ in range(3):
            with database.begin() as connection:
                add(connection, [one] * (KEPT // 2))
    kept = receiver.query(lambda connection: latest(connection, 10 * KEPT))
    assert len(kept) == KEPT
