"""Sending over a real connection: retries, time limits, rates, secrets; both clients alike."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from receiver.providers.base.api import exchange
from receiver.providers.base.api.errors import (
    ApiError,
    AuthorisationError,
    ParameterError,
    ProviderError,
    ProviderFailureError,
    ProviderReplyError,
    RateLimitError,
    ReplyTimeoutError,
    TransportError,
)
from receiver.providers.base.api.options import ApiOptions
from receiver.providers.base.api.sending import AsyncSender
from receiver.providers.base.api.sending_sync import SyncSender
from receiver.providers.spokn import Client as SpoknClient
from receiver.providers.viviphone import Client as ViviPhoneClient
from receiver.providers.voicenter import Client, SyncClient
from tests.api import examples_others
from tests.api.examples_others import FAILED, SPOKN_OK, resp
from tests.api.examples_voicenter import ACCEPTED, ACCEPTED_XML, OK
from tests.api.serving import FakeProvider, Scripted, providing
from tests.api.support import APIS, SECRETS, Example, call_of, options_of, request_of

CALL = {"phone": "0501234567", "target": "0721234567"}
LIMIT = b'{"ERROR_NUMBER": 1, "ERROR_DESCRIPTION": "Request limit exceeded. Please try again later.", "CDR_LIST": []}'
NOTHING = b'{"ERROR_NUMBER": 0, "ERROR_DESCRIPTION": "OK", "CDR_LIST": []}'
SEARCH = {"since": "2026-01-01T00:00", "until": "2026-01-02T00:00"}
Send = Callable[..., Awaitable[Any]]


class FakeClock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        """The time."""
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let time go by."""
        self.pauses.append(seconds)
        self.now += seconds

    async def sleep(self, seconds: float) -> None:
        """Let time go by."""
        self.pass_by(seconds)


@pytest.fixture(params=["asynchronous", "synchronous"])
def send(request: pytest.FixtureRequest) -> Callable[[FakeProvider, FakeClock], Send]:
    """Sends a call of Voicenter to a provider, in either way."""

    def sending(provider: FakeProvider, clock: FakeClock, **options: Any) -> Send:
        made = options_of("voicenter", base_url=provider.url, **options)

        async def send_one(title: str, **given: Any) -> Any:
            call = call_of("voicenter", title)
            if request.param == "synchronous":
                sync = SyncSender(APIS["voicenter"], made, clock=clock, sleep=clock.pass_by)
                try:
                    return await asyncio.to_thread(sync.send, call, given)
                finally:
                    sync.close()
            sender = AsyncSender(APIS["voicenter"], made, clock=clock, sleep=clock.sleep)
            try:
                return await sender.send(call, given)
            finally:
                await sender.aclose()

        return send_one

    return sending


async def test_a_call_is_placed_by_three_lines() -> None:
    """As docs/api.md begins."""
    async with providing(Scripted(ACCEPTED_XML)) as provider, Client(code="sandbox", base_url=provider.url) as client:
        placed = await client.click_to_call.call(phone="0501234567", target="0721234567")
    assert placed.call_id == "sdfsdfsdfsdfsdfsdfsdfsdfsdf0brp"
    assert provider.asked[0].body == b"code=sandbox&action=call&phone=0501234567&target=0721234567"


async def test_the_synchronous_client_does_the_same() -> None:
    """For plain functions."""

    def call(url: str) -> str:
        with SyncClient(code="sandbox", base_url=url) as client:
            return client.click_to_call.call("0501234567", "0721234567").call_id

    async with providing(Scripted(ACCEPTED)) as provider:
        assert await asyncio.to_thread(call, provider.url) == "sdfsdfsdfsdfsdfsdfsdfsdfsdf0brp"


async def test_spokn_is_called_with_basic_authentication_and_a_form() -> None:
    """The document answers anything else with 401 and 415."""
    async with (
        providing(Scripted(SPOKN_OK)) as provider,
        SpoknClient(user="1234567", password="p", base_url=provider.url) as client,
    ):
        await client.click_to_call.call("+15550100", "+15550101", token="order-17")
    assert provider.asked[0].headers["authorization"] == "Basic MTIzNDU2Nzpw"
    assert provider.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"


async def test_the_schema_is_downloaded_without_the_password() -> None:
    """Its documented address has no encryption."""
    schema = b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>'
    async with (
        providing(Scripted(schema)) as provider,
        SpoknClient(user="1234567", password="p", base_url=provider.url) as client,
    ):
        assert (await client.schema.download()).xsd == schema.decode()
    assert "authorization" not in provider.asked[0].headers


# --- retries ---------------------------------------------------------------------------------------------------------


async def test_what_is_safe_to_repeat_is_tried_again_with_growing_pauses(send: Any) -> None:
    """A rate limit and a failure of the provider pass."""
    clock = FakeClock()
    async with providing(Scripted(LIMIT), Scripted(b"busy", 503), Scripted(NOTHING)) as provider:
        log = await send(provider, clock)("calls.search", **SEARCH)
    assert (log.calls, len(provider.asked)) == ([], 3)
    first, second = clock.pauses
    assert exchange.FIRST_PAUSE <= first <= 2 * exchange.FIRST_PAUSE
    assert 2 * exchange.FIRST_PAUSE <= second <= 3 * exchange.FIRST_PAUSE


@pytest.mark.parametrize(
    ("title", "given"),
    [
        ("click_to_call.call", CALL),
        ("click_to_call.message", {"phone": "0501234567"}),
        ("click_to_call.callference", {"phone": "0501234567"}),
        ("click_to_call.terminate", {"phone": "AAPINFzL"}),
        ("dialer.add_call", {"campaign": "c", "target": "0501234567"}),
        ("dialer.add_calls", {"calls": [{"campaign": "c", "target": "0501234567"}]}),
        ("dialer.start_campaign", {"campaign": "c"}),
        ("dialer.clear_calls", {"campaign": "c"}),
    ],
)
@pytest.mark.parametrize("reply", [Scripted(b"", 503), Scripted(b"", 429), Scripted(b"no JSON")])
async def test_a_call_is_never_placed_twice(send: Any, title: str, given: dict[str, Any], reply: Scripted) -> None:
    """It may have been placed, whatever the reply says."""
    async with providing(reply) as provider:
        with pytest.raises(ApiError):
            await send(provider, FakeClock())(title, **given)
    assert len(provider.asked) == 1


async def test_a_connection_that_breaks_is_a_transport_error_and_no_second_call(send: Any) -> None:
    """The provider may have carried it out."""

    async def break_off() -> None:
        raise ConnectionError

    broken = Scripted(headers=((b"content-length", b"100"),), pieces=[b"{", break_off])
    async with providing(broken) as provider:
        with pytest.raises(TransportError, match="no reply"):
            await send(provider, FakeClock())("click_to_call.call", **CALL)
    assert len(provider.asked) == 1


async def test_attempts_end(send: Any) -> None:
    """The last error is raised as it is."""
    async with providing(Scripted(LIMIT)) as provider:
        with pytest.raises(RateLimitError, match="Request limit exceeded"):
            await send(provider, FakeClock(), attempts=2)("calls.search", **SEARCH)
    assert len(provider.asked) == 2


async def test_a_refusal_that_will_not_pass_is_not_tried_again(send: Any) -> None:
    """A wrong code stays wrong."""
    refused = LIMIT.replace(b"1,", b"2,", 1)
    async with providing(Scripted(refused)) as provider:
        with pytest.raises(AuthorisationError):
            await send(provider, FakeClock())("calls.search", **SEARCH)
    assert len(provider.asked) == 1


async def test_where_nothing_listens_it_is_a_transport_error(send: Any) -> None:
    """Its message has no credentials."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = FakeProvider(url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(TransportError, match="no reply: ConnectError"):
            await send(nowhere, FakeClock())("active_calls.queues")


# --- limits ----------------------------------------------------------------------------------------------------------


async def test_no_reply_within_the_time_limit_is_a_timeout(send: Any) -> None:
    """A tenth of a second here."""
    waiting = asyncio.Event()
    async with providing(Scripted(OK, before=waiting.wait)) as provider:
        with pytest.raises(ReplyTimeoutError, match=r"no reply within 0\.1 s"):
            await send(provider, FakeClock(), timeout=0.1)("click_to_call.call", **CALL)
        waiting.set()


async def test_a_reply_that_trickles_is_a_timeout_too(send: Any) -> None:
    """Each piece comes in time, the whole does not."""
    clock = FakeClock()

    async def later() -> None:
        clock.now += 4

    async with providing(Scripted(OK, pieces=[b"{", later, b" ", later, b" ", later, b" "])) as provider:
        with pytest.raises(ReplyTimeoutError, match="did not end"):
            await send(provider, clock, timeout=10)("click_to_call.call", **CALL)


async def test_a_reply_that_is_too_long_is_not_kept(send: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cut off at the limit; the error has its beginning."""
    monkeypatch.setattr(exchange, "MAX_REPLY_BYTES", 100_000)
    async with providing(Scripted(b"x" * 1_000_000)) as provider:
        with pytest.raises(ProviderReplyError, match="longer than 100000 bytes") as raised:
            await send(provider, FakeClock())("click_to_call.call", **CALL)
    assert len(raised.value.body) == 64 * 1024


async def test_a_compressed_reply_is_not_asked_for(send: Any) -> None:
    """A short one could unpack to a long one."""
    async with providing(Scripted(ACCEPTED)) as provider:
        await send(provider, FakeClock())("click_to_call.call", **CALL)
    assert provider.asked[0].headers["accept-encoding"] == "identity"


async def test_a_redirect_is_not_followed(send: Any) -> None:
    """It would take the credentials elsewhere."""
    async with providing(Scripted(b"", 302, ((b"location", b"http://127.0.0.1:1/elsewhere"),))) as provider:
        with pytest.raises(ProviderError, match="HTTP status 302"):
            await send(provider, FakeClock())("active_calls.queues")


async def test_the_call_log_keeps_to_its_rate() -> None:
    """30 requests in any minute: the 31st waits for the first to be a minute old."""
    clock = FakeClock()
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=NOTHING))
    sender = AsyncSender(
        APIS["voicenter"], options_of("voicenter"), transport=transport, clock=clock, sleep=clock.sleep
    )
    search = call_of("voicenter", "calls.search")
    for number in range(31):
        clock.now = max(clock.now, float(number))
        await sender.send(search, SEARCH)
    await sender.aclose()
    assert clock.pauses == [30.0]


async def test_a_wrong_parameter_sends_nothing(send: Any) -> None:
    """The message names the parameter."""
    async with providing(Scripted(ACCEPTED)) as provider:
        with pytest.raises(ParameterError, match=r"click_to_call\.call: max_duration: must be a whole number"):
            await send(provider, FakeClock())("click_to_call.call", **CALL, max_duration=0)
    assert provider.asked == []


# --- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [Scripted(resp("<id>7</id>")), Scripted(FAILED), Scripted(b"?", 500)])
async def test_secrets_are_in_no_log_no_error_and_no_repr(
    reply: Scripted, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where httpx logs each URL, and the key is in the URL's query."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
    told = ""
    async with providing(reply) as provider, _viviphone(provider) as client:
        told += repr(client)
        for calling in (client.destination.get("743345568"), client.buttons.create("2125551234", pin="5432")):
            try:
                told += repr(await calling)
            except ProviderError as error:
                told += f"{error!r} {error} {error.__context__!r} {error.__cause__!r}"
    assert "key=SECRETKEY" in provider.asked[0].query
    assert "HTTP Request: GET" in caplog.text
    everything = caplog.text + told
    assert not [secret for secret in (*SECRETS, "5432") if secret in everything]


def _viviphone(provider: FakeProvider) -> ViviPhoneClient:
    return ViviPhoneClient(key="SECRETKEY", base_url=provider.url, attempts=1)


@pytest.mark.parametrize("example", examples_others.EXAMPLES[::3], ids=lambda example: example.name)
def test_options_and_requests_show_no_secret(example: Example) -> None:
    """Somebody may log them."""
    options: ApiOptions = options_of(example.provider)
    shown = repr(options) + str(options) + options.model_dump_json()
    shown += repr(request_of(example.provider, example.title, **example.given))
    assert not [secret for secret in SECRETS if secret in shown]


def test_a_failure_of_the_provider_is_temporary_and_a_refusal_is_not() -> None:
    """What is tried again is decided by the class alone."""
    assert [
        kind.is_temporary for kind in (ProviderFailureError, RateLimitError, AuthorisationError, ProviderError)
    ] == [
        True,
        True,
        False,
        False,
    ]
