"""Recordings come from known hosts alone, to a file, within a size."""

import asyncio
from pathlib import Path

import pytest

from receiver import CallRecord
from receiver.providers.base.api.errors import NotFoundError, ParameterError, ProviderReplyError, TransportError
from receiver.providers.voicenter import Cdr
from tests.api.serving import FakeProvider, Scripted, providing

HERE = ["127.0.0.1"]


def record(url: str) -> CallRecord:
    """A call record with a recording."""
    return CallRecord(provider="voicenter", recording=url, event=Cdr(record=url))


@pytest.mark.parametrize("way", ["async", "sync"])
async def test_a_recording_is_streamed_to_a_file(tmp_path: Path, way: str) -> None:
    """Which appears when it is complete."""
    async with providing(Scripted(pieces=[b"ID3", b"x" * 100_000])) as provider:
        found, target = record(f"{provider.url}/rec/1.mp3?token=SECRET"), tmp_path / "1.mp3"
        if way == "async":
            path = await found.fetch_recording(target, hosts=HERE)
        else:
            path = await asyncio.to_thread(found.fetch_recording_sync, target, hosts=HERE)
    assert path == target
    assert target.read_bytes() == b"ID3" + b"x" * 100_000
    assert [file.name for file in tmp_path.iterdir()] == ["1.mp3"]


async def test_a_recording_that_is_too_long_leaves_nothing(tmp_path: Path) -> None:
    """Not even its beginning; what was there before stays."""
    (tmp_path / "1.mp3").write_bytes(b"before")
    async with providing(Scripted(b"x" * 2000)) as provider:
        with pytest.raises(ProviderReplyError, match="longer than 1000 bytes"):
            await record(provider.url).fetch_recording(tmp_path / "1.mp3", hosts=HERE, max_bytes=1000)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"1.mp3": b"before"}


@pytest.mark.parametrize(
    ("url", "hosts", "message"),
    [
        ("", HERE, "there is no recording"),
        ("http://169.254.169.254/latest", HERE, "recordings may not come from 169.254.169.254"),
        ("http://127.0.0.1.evil.example/a", HERE, "recordings may not come from 127.0.0.1.evil.example"),
        ("http://evilexample.com/a", ["*.example.com"], "recordings may not come from evilexample.com"),
        ("http://example.com/a", ["*.example.com"], "recordings may not come from example.com"),
        ("file:///etc/passwd", HERE, "no plain http:// or https:// address"),
        ("http://user:pw@127.0.0.1/a", HERE, "no plain http:// or https:// address"),
        ("http://127.0.0.1:port/a", HERE, "cannot be read"),
    ],
)
async def test_other_hosts_are_refused(tmp_path: Path, url: str, hosts: list[str], message: str) -> None:
    """A callback can name any address, also one inside your network."""
    with pytest.raises(ParameterError, match=message):
        await record(url).fetch_recording(tmp_path / "a", hosts=hosts)
    assert list(tmp_path.iterdir()) == []


def _redirect(url: str) -> Scripted:
    return Scripted(b"", 302, ((b"location", url.encode()),))


async def test_a_redirect_is_followed_to_allowed_hosts_alone(tmp_path: Path) -> None:
    """Each step is checked."""
    async with providing(_redirect("/elsewhere"), Scripted(b"ID3")) as provider:
        await record(provider.url).fetch_recording(tmp_path / "a", hosts=HERE)
        assert provider.asked[1].path == "/elsewhere"
    async with providing(_redirect("http://localhost:1/")) as provider:
        with pytest.raises(ParameterError, match="may not come from localhost"):
            await record(provider.url).fetch_recording(tmp_path / "b", hosts=HERE)


async def test_redirects_end(tmp_path: Path) -> None:
    """Four at most."""
    async with providing(_redirect("/again")) as provider:
        with pytest.raises(ParameterError, match="redirected more than 3 times"):
            await record(provider.url).fetch_recording(tmp_path / "a", hosts=HERE)
    assert len(provider.asked) == 4


async def test_a_recording_that_is_not_there_is_a_provider_error(tmp_path: Path) -> None:
    """By its HTTP status; and without a reply it is a transport error."""
    async with providing(Scripted(b"gone", 404)) as provider:
        with pytest.raises(NotFoundError):
            await record(provider.url).fetch_recording(tmp_path / "a", hosts=HERE)
    with pytest.raises(TransportError):
        await record("http://127.0.0.1:1/a").fetch_recording(tmp_path / "a", hosts=HERE)
    assert list(tmp_path.iterdir()) == []
    assert isinstance(provider, FakeProvider)
