"""Rules that hold for every provider, and for each of its samples."""

import json
import xmlrpc.client
from collections.abc import Callable
from typing import Any

import pytest

from receiver.providers.base.contract import Fault, HttpReply, Mode, ParsedRequest, Provider, Reply
from receiver.providers.base.discovery import discover
from receiver.providers.base.samples import Sample, find_samples
from receiver.wire import Format
from tests.providers.support import differing, exact, parsed, provider_of, record_of, sample_request

PROVIDERS = sorted(name for name, provider in discover().items() if provider.endpoints)
"""Those that send callbacks."""
SAMPLES = find_samples()


def _id(sample: Sample) -> str:
    return f"{sample.provider}-{sample.name}-{sample.format}"


every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=_id)
every_provider = pytest.mark.parametrize("name", PROVIDERS)


def _read(sample: Sample) -> tuple[Provider[Any], ParsedRequest]:
    provider = provider_of(sample.provider)
    return provider, provider.read(sample_request(provider, sample))


def _expected(sample: Sample, one: str, many: str) -> list[Any]:
    if many in sample.expect:
        return list(sample.expect[many])
    return [sample.expect[one]] if one in sample.expect else []


@every_provider
def test_every_provider_has_samples_of_every_kind_from_its_document(name: str) -> None:
    """Each kind of callback has a sample that the provider's document shows or describes."""
    documented = {sample.expect["kind"] for sample in find_samples(name) if sample.documented}
    assert documented == {kind.name for kind in discover()[name].kinds}


@every_provider
def test_every_provider_is_named_after_its_folder_and_its_kinds_after_their_events(name: str) -> None:
    """The journal, URLs and folders use the same name."""
    provider = discover()[name]
    assert provider.__module__.startswith(f"receiver.providers.{name}.")
    assert all(kind.event.kind == kind.name for kind in provider.kinds)


@every_provider
def test_a_kind_asks_exactly_when_it_has_replies(name: str) -> None:
    """Questions list the replies a handler may give; notifications list none."""
    for kind in discover()[name].kinds:
        assert (kind.mode is Mode.ASK) == bool(kind.replies)


@every_sample
def test_a_sample_is_a_whole_request_without_what_senders_add(sample: Sample) -> None:
    """The sender adds Host and Content-Length; everything else is in the file."""
    assert sample.method in {"GET", "POST"}
    assert sample.what.endswith(".")
    assert not {name.lower() for name, _ in sample.headers} & {"host", "content-length"}


@every_sample
def test_a_sample_has_the_expected_format_kind_and_notes(sample: Sample) -> None:
    """The bytes alone decide format and kind; there is a note for each repair, and no other."""
    _, parsed = _read(sample)
    assert parsed.dialect == sample.format
    assert {item.kind for item in parsed.callbacks} == {sample.expect["kind"]}
    assert list(parsed.notes) == sample.expect.get("notes", [])


@every_sample
def test_a_sample_has_the_expected_fields(sample: Sample) -> None:
    """Each field has its expected value and type; every other field has its default."""
    _, parsed = _read(sample)
    events = [differing(item.event) for item in parsed.callbacks if item.event is not None]
    assert exact(events) == exact(_expected(sample, "event", "events"))


@every_sample
def test_a_sample_has_the_expected_fault_or_none(sample: Sample) -> None:
    """A sample with a fault has the expected reason."""
    _, parsed = _read(sample)
    faults = [item.fault for item in parsed.callbacks if item.fault is not None]
    assert faults == ([Fault(sample.expect["fault"])] if "fault" in sample.expect else [])
    assert all(sample.expect["reason"] in item.reason for item in parsed.callbacks if item.fault is not None)


@every_sample
def test_a_sample_gives_the_expected_call_record(sample: Sample) -> None:
    """Notifications of finished calls become records; questions become none."""
    provider, parsed = _read(sample)
    records = [record_of(provider, item.event) for item in parsed.callbacks if item.event is not None]
    assert exact([record for record in records if record is not None]) == exact(_expected(sample, "record", "records"))


@every_sample
def test_every_value_of_a_sample_stays_reachable_as_sent(sample: Sample) -> None:
    """`raw` has each name and value as sent, however the field was converted."""
    _, parsed = _read(sample)
    for item in parsed.callbacks:
        if item.event is not None:
            known = {name: item.event.raw[name] for name in item.event.extra}
            assert known == item.event.extra
            assert not item.event.unread
            assert item.event.raw


def _reply(sample: Sample, provider: Provider[Any], parsed: ParsedRequest) -> Reply:
    item = parsed.callbacks[0]
    if item.fault is not None:
        return provider.fault_reply(item.kind, item.fault, item.reason)
    kind = provider.kind(item.kind)
    assert kind is not None
    if kind.mode is Mode.NOTIFY:
        return provider.acknowledgement(item.kind)
    wanted = sample.expect["handler_reply"]
    types = {reply.__name__: reply for reply in kind.replies}
    return types[wanted["type"]](**wanted["fields"])


def _written(sample: Sample) -> HttpReply:
    provider, parsed = _read(sample)
    return provider.write(_reply(sample, provider, parsed), parsed.dialect)


@every_sample
def test_a_sample_is_answered_with_the_expected_status_and_content_type(sample: Sample) -> None:
    """The reply comes in the request's format, with the documented status."""
    reply = _written(sample)
    assert reply.status == sample.expect["reply"]["status"]
    assert reply.content_type == sample.expect["reply"]["content_type"]


@every_sample
def test_a_sample_is_answered_with_the_expected_values_and_types(sample: Sample) -> None:
    """The standard library's strict parser finds each value with its documented type."""
    reply, expected = _written(sample), sample.expect["reply"]
    if "fault_code" in expected:
        with pytest.raises(xmlrpc.client.Fault) as caught:
            xmlrpc.client.loads(reply.body)
        assert caught.value.faultCode == expected["fault_code"]
    elif "values" in expected:
        values = parsed(reply)
        if "reason" in sample.expect and "errdesc" in values:
            assert sample.expect["reason"] in values.pop("errdesc")
        assert exact(values) == exact(expected["values"])
    elif "text" in expected:
        assert reply.body.decode() == expected["text"]
    else:
        assert sample.expect["reason"] in reply.body.decode()


def _events(sample: Sample) -> str:
    return json.dumps(_expected(sample, "event", "events"), sort_keys=True)


@pytest.mark.parametrize("name", sorted({(sample.provider, sample.name) for sample in SAMPLES}), ids="-".join)
def test_the_same_content_has_the_same_hash_in_every_format(name: tuple[str, str]) -> None:
    """The hash depends on the content, not on the bytes: equal in every format, and only for equal content."""
    hashes: dict[str, set[bytes]] = {}
    for sample in find_samples(*name):
        _, parsed = _read(sample)
        if "fault" not in sample.expect:
            hashes.setdefault(_events(sample), set()).update(item.content_hash for item in parsed.callbacks)
    counts = [len(found) for found in hashes.values()]
    items = [len(_expected(sample, "event", "events")) for sample in find_samples(*name)]
    assert counts == [max(items)] * len(counts)
    assert len(set().union(*hashes.values())) == sum(counts)


@every_provider
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("dialect", Format)
def test_every_fault_of_every_kind_has_a_reply_in_every_format(name: str, fault: Fault, dialect: Format) -> None:
    """Every failure gets a reply, also if the kind is unknown."""
    provider = provider_of(name)
    for kind in ("", *(kind.name for kind in provider.kinds)):
        reply = provider.write(
            provider.fault_reply(kind, fault, "some reason, ä, \x00, \N{PILE OF POO} " * 20), dialect
        )
        assert reply.body
        assert reply.status == 200


@every_provider
def test_every_question_has_an_error_reply_and_no_fallback_unless_configured(name: str) -> None:
    """A caller is waiting, so there is a reply without a handler and without settings."""
    provider = provider_of(name)
    for kind in provider.kinds:
        assert provider.fallback(kind.event()) is None
        assert provider.write(provider.error_reply(kind.name), Format.JSON).body


@pytest.mark.parametrize(
    ("find", "rule"),
    [
        (lambda: find_samples("voicenter", "cdr", "xmlrpc"), 1),
        (lambda: find_samples("voicenter", "cdr"), 3),
        (lambda: find_samples(format_="multipart", name="leg1"), 1),
        (lambda: find_samples("unknown"), 0),
    ],
)
def test_samples_are_found_by_provider_name_and_format(find: Callable[[], list[Sample]], rule: int) -> None:
    """An empty filter matches all; without a match the list is empty."""
    assert len(find()) == rule


def test_samples_come_sorted() -> None:
    """By provider, name and format, whatever the file system's order."""
    keys = [(sample.provider, sample.name, sample.format) for sample in SAMPLES]
    assert keys == sorted(keys)
