"""A provider in an installed package: found by its entry point, with its own signature check."""

import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from receiver import CallRecord, Handlers
from receiver.components import make_providers
from receiver.errors import SettingsError
from receiver.providers.base.discovery import discover
from receiver.providers.base.samples import find_samples
from receiver.settings import Settings
from receiver.web.auth import access_policies, require_access_control
from tests.fuzz.checking import check_of
from tests.fuzz.making import paths
from tests.providers.support import provider_of, sample_request
from tests.support import Running, eventually, running, states

PACKAGE = '''
"""A provider whose status callbacks are forms with a signature over the URL and the parameters."""

import base64, hashlib, hmac
from functools import partial
from typing import Annotated, ClassVar
from urllib.parse import parse_qsl

from pydantic import SecretStr

from receiver.providers.base.contract import (
    CallbackRequest, Endpoint, Fault, HttpReply, Kind, Mode, ParsedCallback, ParsedRequest, Provider, Reply,
)
from receiver.providers.base.event import Event, Integer, Reads, Text
from receiver.providers.base.fingerprint import fingerprint
from receiver.providers.base.options import ProviderOptions
from receiver.providers.base.record import CallRecord, Outcome
from receiver.wire import Format


class StatusCallback(Event):
    kind: ClassVar[str] = "STATUS_CALLBACK"
    call_sid: Text = ""
    call_status: Text = ""
    to: Text = ""

    @property
    def call_id(self) -> str:
        return self.call_sid


class Options(ProviderOptions):
    auth_token: SecretStr = SecretStr("")


class Empty(Reply):
    pass


class Sketch(Provider[Options]):
    name: ClassVar[str] = "sketch"
    title: ClassVar[str] = "Sketch"
    options_type: ClassVar[type[ProviderOptions]] = Options
    endpoints: ClassVar[tuple[Endpoint, ...]] = (Endpoint(), Endpoint("account/{sid}/calls"))
    kinds: ClassVar[tuple[Kind, ...]] = (Kind("STATUS_CALLBACK", Mode.NOTIFY, StatusCallback, has_record=True),)
    signature_headers: ClassVar[tuple[str, ...]] = ("x-sketch-signature",)

    @property
    def has_signature(self) -> bool:
        return bool(self.options.auth_token.get_secret_value())

    def verify_signature(self, request: CallbackRequest, url: str) -> bool:
        if not self.has_signature:
            return True
        fields = sorted(parse_qsl(request.body.decode(), keep_blank_values=True))
        signed = url + "".join(name + value for name, value in fields)
        key = self.options.auth_token.get_secret_value().encode()
        wanted = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha1).digest())
        return hmac.compare_digest(wanted, request.header("x-sketch-signature").encode())

    def read(self, request: CallbackRequest) -> ParsedRequest:
        values = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        content = fingerprint(self.name, "STATUS_CALLBACK", values)
        make = partial(StatusCallback.from_wire, values)
        call = ParsedCallback("STATUS_CALLBACK", content, make=make, call_id=values.get("CallSid", ""))
        return ParsedRequest(Format.FORM, (call,))

    def acknowledgement(self, kind: str) -> Reply:
        return Empty()

    def fault_reply(self, kind: str, fault: Fault, reason: str) -> Reply:
        return Empty()

    def fallback(self, event: Event) -> Reply | None:
        return None

    def error_reply(self, kind: str) -> Reply:
        return Empty()

    def write(self, reply: Reply, dialect: Format) -> HttpReply:
        return HttpReply(b"<Response/>", "text/xml")

    def record(self, event: Event) -> CallRecord | None:
        outcome = {"completed": Outcome.ANSWERED, "busy": Outcome.BUSY}.get(event.call_status, Outcome.UNKNOWN)
        return CallRecord(provider=self.name, call_id=event.call_id, to_number=event.to, outcome=outcome, event=event)


PROVIDER = Sketch
'''
BROKEN_QUERY = """def is_callback_query(self, request):
        raise ValueError("broken")

"""
TOKEN = "a-token-that-signs"
FIELDS = {"CallSid": "CA1", "CallStatus": "busy", "To": "+972540000000", "Ünïcode": "ש"}


@pytest.fixture
def built_in() -> set[str]:
    """The names of the providers that have a folder."""
    return set(discover())


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built_in: set[str]) -> Iterator[Path]:
    """An installed package in a separate folder."""
    assert "sketch" not in built_in
    site = tmp_path / "site"
    (site / "sketch_provider").mkdir(parents=True)
    (site / "sketch_provider" / "__init__.py").write_text(PACKAGE, encoding="utf-8")
    info = site / "sketch_provider-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sketch-provider\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[receiver.providers]\nsketch = sketch_provider\n")
    monkeypatch.syspath_prepend(str(site))
    yield info
    sys.modules.pop("sketch_provider", None)


def _signature(url: str, token: str = TOKEN) -> str:
    signed = url + "".join(name + value for name, value in sorted(FIELDS.items()))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


async def _post(receiver: Running, path: str, signature: str) -> httpx.Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Sketch-Signature": signature}
    return await receiver.client.post(path, content=urlencode(FIELDS), headers=headers)


@pytest.mark.usefixtures("offered")
async def test_a_callback_of_an_installed_provider_reaches_a_handler(tmp_path: Path) -> None:
    """No central list names it: route, settings, record and journal follow from its class."""
    handlers, records = Handlers(), list[CallRecord]()
    handlers.on(CallRecord, name="crm", outcome="busy")(records.append)
    settings = {"sketch": {"auth_token": TOKEN}}
    async with running(tmp_path, handlers, providers=settings) as receiver:
        reply = await _post(receiver, "/sketch", _signature("http://receiver/sketch"))
        assert (reply.status_code, reply.text) == (200, "<Response/>")
        await eventually(lambda: states(receiver.deliveries(1)) == ["done"])
    [stored] = receiver.callbacks()
    assert (stored.provider, stored.kind, stored.call_id) == ("sketch", "STATUS_CALLBACK", "CA1")
    assert [(one.provider, one.to_number) for one in records] == [("sketch", "+972540000000")]


@pytest.mark.usefixtures("offered")
async def test_a_wrong_signature_is_rejected(tmp_path: Path) -> None:
    """The signature covers the URL with its query, and `public_url` where it is set; nothing is stored."""
    settings = {"sketch": {"auth_token": TOKEN, "path": "calls/sk"}}
    async with running(tmp_path, providers=settings, public_url="https://calls.example.com/") as receiver:
        good = _signature("https://calls.example.com/calls/sk?a=1")
        for path, signature, status in (
            ("/calls/sk?a=1", good, 200),
            ("/calls/sk", good, 403),
            ("/calls/sk?a=1", _signature("http://receiver/calls/sk?a=1"), 403),
            ("/calls/sk?a=1", _signature("https://calls.example.com/calls/sk?a=1", "another-token"), 403),
            ("/calls/sk?a=1", "", 403),
        ):
            assert (await _post(receiver, path, signature)).status_code == status
    assert len(receiver.callbacks()) == 1


@pytest.mark.parametrize(
    ("code", "replacement", "method", "status", "stored"),
    [
        ('"x-sketch-signature").encode()', '"x-sketch-signature")', "POST", 403, 0),  # bytes with text: a TypeError
        ("if not self.has_signature:", "if 1 / 0:", "POST", 403, 0),
        ("def read(", BROKEN_QUERY + "    def read(", "GET", 200, 1),
    ],
)
async def test_a_hook_that_raises_is_logged_and_decides_on_the_safe_side(
    offered: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    code: str,
    replacement: str,
    method: str,
    status: int,
    stored: int,
) -> None:
    """A failed check of a signature proves nothing; a query that could not be judged is stored. Never a 500."""
    (offered.parent / "sketch_provider" / "__init__.py").write_text(
        PACKAGE.replace(code, replacement), encoding="utf-8"
    )
    async with running(tmp_path, providers={"sketch": {"auth_token": TOKEN if method == "POST" else ""}}) as receiver:
        reply = await receiver.client.request(
            method, "/sketch?CallSid=CA1", headers={b"X-Sketch-Signature": "Ünïcode".encode("latin-1")}
        )
        assert reply.status_code == status
    assert len(receiver.callbacks()) == stored
    [record] = [record for record in caplog.records if record.name == "receiver.web.callback_endpoint"]
    assert "sketch" in record.getMessage()
    assert record.exc_info is not None


@pytest.mark.usefixtures("offered")
async def test_a_signature_that_is_not_ascii_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Like any other wrong one, and without a traceback."""
    async with running(tmp_path, providers={"sketch": {"auth_token": TOKEN}}) as receiver:
        headers = {b"X-Sketch-Signature": "Ünïcode".encode("latin-1")}
        assert (await receiver.client.post("/sketch", content=b"a=1", headers=headers)).status_code == 403
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.usefixtures("offered")
async def test_a_path_may_have_parameters(tmp_path: Path) -> None:
    """With and without a slash at the end; the endpoint is found again from the stored path."""
    async with running(tmp_path) as receiver:
        assert (await _post(receiver, "/sketch/account/AC7/calls/", "")).status_code == 200
        assert (await _post(receiver, "/sketch/account/AC7", "")).status_code == 404
    [stored] = receiver.callbacks()
    assert stored.path == "/sketch/account/AC7/calls"
    provider = make_providers(Settings())["sketch"]
    assert provider.endpoint_of(stored.path).path == "account/{sid}/calls"
    assert provider.endpoint_of("/sketch").path == ""


def test_the_shared_tests_and_the_fuzzer_take_it_as_it_is(offered: Path) -> None:
    """Its samples reach their endpoint, its paths have values for their parameters, its replies are checked."""
    samples = offered.parent / "sketch_provider" / "samples"
    samples.mkdir()
    head = "POST /sketch/account/AC7/calls HTTP/1.1\r\nUser-Agent: provider-sample\r\n\r\n"
    (samples / "busy.form.http").write_text(f"{head}CallSid=CA1", newline="")
    reply = {"status": 200, "content_type": "text/xml"}
    expect = {"what": "Busy.", "documented": True, "kind": "STATUS_CALLBACK", "reply": reply}
    (samples / "busy.form.expect.json").write_text(json.dumps(expect))
    [sample] = find_samples("sketch")
    assert sample_request(provider_of("sketch"), sample).endpoint.path == "account/{sid}/calls"
    assert {"/sketch", "/sketch/account/AC7/calls", "/voicenter/cdr"} <= set(paths())
    assert not [path for path in paths() if "{" in path]
    for content_type, fault in (("text/xml", ""), ("text/html", "type text/html")):
        assert check_of("sketch")(httpx.Response(200, headers={"Content-Type": content_type})) == fault


@pytest.mark.usefixtures("offered")
def test_a_signature_is_access_control(built_in: set[str]) -> None:
    """The receiver may listen on a public address if every provider has access control."""
    secrets = {name: {"secrets": ["a-long-secret"]} for name in built_in if discover()[name].endpoints}
    for token, refuses in (("", True), (TOKEN, False)):
        settings = Settings(host="0.0.0.0", providers={**secrets, "sketch": {"auth_token": token}})
        providers = make_providers(settings)
        if refuses:
            with pytest.raises(SettingsError, match="sketch"):
                require_access_control(settings, providers, access_policies(settings, providers))
        else:
            require_access_control(settings, providers, access_policies(settings, providers))


@pytest.mark.parametrize(
    ("entry", "code", "message"),
    [
        ("sketch_provider", "raise ValueError('broken')", "cannot be imported"),
        ("no_such_package", "", "cannot be imported"),
        ("sketch_provider:PROVIDER", PACKAGE, "must name a provider's package"),
        ("sketch_provider", PACKAGE.replace('"sketch"', '"spokn"', 1), "two providers are named 'spokn'"),
    ],
)
def test_a_broken_provider_package_stops_the_start(offered: Path, entry: str, code: str, message: str) -> None:
    """The error names the entry point, so that the operator knows what to uninstall."""
    (offered / "entry_points.txt").write_text(f"[receiver.providers]\nsketch = {entry}\n")
    (offered.parent / "sketch_provider" / "__init__.py").write_text(code, encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        discover()


def test_a_package_without_callbacks_is_left_out(offered: Path, built_in: set[str]) -> None:
    """A provider with only an API client has no class PROVIDER."""
    (offered.parent / "sketch_provider" / "__init__.py").write_text('"""An API client only."""\n')
    assert set(discover()) == built_in


def test_a_folder_without_callbacks_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built_in: set[str]
) -> None:
    """The same for a folder beside the other providers."""
    import receiver.providers

    (tmp_path / "anveo").mkdir()
    (tmp_path / "anveo" / "__init__.py").write_text('"""An API client only."""\n')
    monkeypatch.setattr(receiver.providers, "__path__", [*receiver.providers.__path__, str(tmp_path)])
    assert set(discover()) == built_in
    sys.modules.pop("receiver.providers.anveo", None)
