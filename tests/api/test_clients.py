"""Handlers get clients by settings, and nothing of them is loaded where none is used."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from receiver import CallRecord, Context, Handlers
from receiver.app import Surroundings
from receiver.components import api_options, make_providers
from receiver.errors import HandlerError, SettingsError
from receiver.providers.base.api.clients import ApiClients
from receiver.providers.voicenter import Client, SyncClient
from receiver.settings import load
from storage import placed_calls
from tests.api.examples_others import ANVEO_OK, DONE, SPOKN_OK
from tests.api.examples_voicenter import ACCEPTED
from tests.api.serving import Scripted, providing
from tests.api.support import options_of
from tests.scenarios.serving import run
from tests.support import eventually, running

CDR = {
    "ivruniqueid": "call-1",
    "caller": "0501234567",
    "target": "0722776772",
    "type": "Incoming Call",
    "status": "NOANSWER",
}


def make_handlers() -> Handlers:
    """As docs/api.md shows: call back whoever was missed."""
    handlers = Handlers()

    @handlers.on(CallRecord)
    async def call_back(record: CallRecord, ctx: Context) -> None:
        await ctx.api(Client).click_to_call.call(phone="AAPINFzL", target=record.customer)

    return handlers


async def test_a_handler_calls_back_a_missed_caller(tmp_path: Path) -> None:
    """The client comes from `providers.voicenter.api`; the journal notes that the call was placed."""
    async with providing(Scripted(ACCEPTED)) as provider:
        api = {"code": "sandbox", "base_url": provider.url}
        began = datetime.now(UTC)
        async with running(tmp_path, make_handlers(), providers={"voicenter": {"api": api}}) as started:
            reply = await started.client.post("/voicenter/cdr", json=CDR)
            assert reply.status_code == 200
            await eventually(lambda: bool(provider.asked))
            await eventually(lambda: [one.state for one in started.deliveries(1)] == ["done"])
    assert provider.asked[0].body == b"code=sandbox&action=call&phone=AAPINFzL&target=0501234567"
    until = datetime.now(UTC)
    [placed] = started.query(lambda connection: placed_calls.without_callback(connection, began, until))
    assert (placed.provider, placed.placed_by) == ("voicenter", "click_to_call.call")


async def test_a_client_is_shared_and_named_by_class_or_provider() -> None:
    """`ctx.api` makes it once."""
    async with ApiClients({"voicenter": options_of("voicenter")}) as apis:
        ctx = Context(apis=apis)
        assert ctx.api(Client) is ctx.api("voicenter")
        assert isinstance(ctx.api(SyncClient), SyncClient)


def test_a_client_without_settings_says_what_to_write() -> None:
    """The table's name."""
    for name, place in (("voicenter", "providers.voicenter.api"), ("viviphone", "apis.viviphone")):
        with pytest.raises(SettingsError, match=rf"write \[{place}\] to receiver.toml"):
            Context().api(name)
    with pytest.raises(SettingsError, match="'telco' has no API; there are anveo, spokn, viviphone, voicenter"):
        Context().api("telco")


async def test_where_there_is_no_network_only_async_clients_work() -> None:
    """A scenario's stubs are asynchronous: a plain function must not reach the real provider from a test."""

    class Stub(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, content=ACCEPTED)

    surroundings = Surroundings(transport=Stub())
    async with ApiClients({"voicenter": options_of("voicenter")}, surroundings.transport) as apis:
        assert (await apis.get(Client).click_to_call.call("050", "072")).call_id
        with pytest.raises(HandlerError, match="there is no network here"):
            apis.get(SyncClient)


async def test_each_provider_has_a_table_of_settings(tmp_path: Path) -> None:
    """Those with callbacks below `providers`, the others below `apis`."""
    replies = (Scripted(SPOKN_OK), Scripted(DONE), Scripted(ANVEO_OK))
    async with providing(*replies) as provider:
        url = {"base_url": provider.url}
        settings = load(
            providers={"spokn": {"api": {"user": "1", "password": "p", **url}}},
            apis={"viviphone": {"key": "k", **url}, "anveo": {"user_key": "k", **url}},
        )
        async with ApiClients(api_options(settings, make_providers(settings))) as apis:
            await apis.get("spokn").click_to_call.call("+15550100", "+15550101")
            await apis.get("viviphone").voicemail.set("1", voicemail_delay=15)
            anveo = apis.get("anveo")
            await anveo.buttons.create(
                button_id="1",
                profile_id="2",
                image_url="http://a.example/b.png",
                color_style=1,
                configuration="CALLFLOW",
                call_flow="key",
                hour_from=0,
                hour_to=24,
                off_hours_message="no",
            )
    assert [one.path for one in provider.asked] == ["/c2c/1.0/call", "/api/", "/"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"providers": {"voicenter": {"api": {}}}}, "providers.voicenter.api.code: it is missing"),
        (
            {"providers": {"voicenter": {"api": {"code": "c", "colour": 1}}}},
            "providers.voicenter.api.colour: there is no",
        ),
        ({"apis": {"viviphone": {}}}, "apis.viviphone.key: it is missing"),
        ({"apis": {"voicenter": {"code": "c"}}}, "apis.voicenter: write it to providers.voicenter.api"),
        ({"apis": {"telco": {}}}, "apis.telco: there is no such API; here there are anveo, viviphone"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict[str, Any], message: str) -> None:
    """By the table and the option."""

    def options() -> None:
        loaded = load(**settings)
        api_options(loaded, make_providers(loaded))

    with pytest.raises(SettingsError, match=message):
        options()


def test_settings_that_cannot_work_stop_the_start(tmp_path: Path) -> None:
    """And `receiver check` says so."""
    (tmp_path / "receiver.toml").write_text("[apis.viviphone]\n")
    assert "apis.viviphone.key: it is missing" in run(tmp_path, "check", code=2).stderr


def test_an_environment_variable_may_hold_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it need not be in a file."""
    monkeypatch.setenv("RECEIVER_PROVIDERS__VOICENTER__API__CODE", "from-the-environment")
    monkeypatch.setenv("RECEIVER_APIS__VIVIPHONE__KEY", "key-from-there")
    settings = load()
    options = api_options(settings, make_providers(settings))
    assert options["voicenter"].credential is not None
    assert options["voicenter"].credential.get_secret_value() == "from-the-environment"
    assert options["viviphone"].credential is not None


def test_a_code_of_digits_alone_is_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment it looks like a number; a Spokn ID is one."""
    for name, value in (("USER", "1234567"), ("PASSWORD", "98765432")):
        monkeypatch.setenv(f"RECEIVER_PROVIDERS__SPOKN__API__{name}", value)
    settings = load()
    options = api_options(settings, make_providers(settings))
    assert options["spokn"].headers["authorization"].get_secret_value() == "Basic MTIzNDU2Nzo5ODc2NTQzMg=="


def test_a_receiver_that_calls_no_api_does_not_load_what_clients_need() -> None:
    """Neither tenacity nor a single definition, for the server and for the other commands."""
    program = (
        "import sys, receiver.cli, receiver.app, receiver.web.callback_app\n"
        "from receiver.providers.base.discovery import discover\n"
        "discover()\n"
        "found = [name for name in sys.modules if name == 'tenacity' or '.api.' in name and '.base.' not in name]\n"
        "assert not found, found\n"
        "from receiver.providers.voicenter import Client\n"
        "assert 'tenacity' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_package_without_that_name_says_so() -> None:
    """Lazy names change nothing else."""
    import receiver.providers.spokn

    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = receiver.providers.spokn.Nothing  # type: ignore[attr-defined]  # the mistake that is tested
