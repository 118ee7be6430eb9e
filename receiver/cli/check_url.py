"""What a running receiver sees of requests that arrive through its public address."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from rich.markup import escape

from receiver.app import Components
from receiver.cli.output import console, print_prose
from receiver.providers.base.contract import Provider
from receiver.web.auth import AccessPolicy, access_policies
from receiver.web.probe import HEADER
from receiver.web.rejections import Rejection
from storage import Database, probes

WAIT_SECONDS = 3.0
"""For the receiver to store what it saw."""
_STEPS = ((Rejection.SECRET, "secret"), (Rejection.ADDRESS, "address"), (Rejection.PASSWORD, "password"))


@dataclass(frozen=True, slots=True)
class Probe:
    """One request through the public address: what came back, and what the receiver saw (None: nothing arrived)."""

    provider: Provider[Any]
    address: str
    error: str
    status: int
    seen: dict[str, Any] | None


def check_url(components: Components, database: Database, url: str) -> bool:
    """Call each provider's URL and print what the receiver saw; whether callbacks would arrive at all of them."""
    fine = True
    for probe in _probes(components, database, url.rstrip("/")):
        console.print(f"\n[bold]{escape(probe.address)}[/]", highlight=False, soft_wrap=True)
        for line in _findings(probe, access_policies(components.settings, components.providers)[probe.provider.name]):
            print_prose(f"  {line}", indent=4)
        fine = fine and probe.status == httpx.codes.OK and probe.seen is not None
    return fine


def _probes(components: Components, database: Database, url: str) -> Iterator[Probe]:
    trust = access_policies(components.settings, components.providers)
    for name, asked in trust.items():
        provider = components.providers[name]
        with database.begin() as connection:
            token = probes.create(connection)
        shown = url + ("/SECRET" if asked.secrets else "") + provider.path
        error, status = _call(url, provider, asked, token)
        yield Probe(provider, shown, error, status, _seen(database, token) if not error else None)


def _call(url: str, provider: Provider[Any], asked: AccessPolicy, token: str) -> tuple[str, int]:
    secret = f"/{asked.secrets[0].decode()}" if asked.secrets else ""
    user, _, password = asked.passwords[0].decode().partition(":") if asked.passwords else ("", "", "")
    try:
        reply = httpx.get(
            f"{url}{secret}{provider.path}",
            headers={HEADER: token},
            auth=(user, password) if asked.passwords else None,
            timeout=10,
            follow_redirects=False,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return str(error) or type(error).__name__, 0
    return "", reply.status_code


def _seen(database: Database, token: str) -> dict[str, Any] | None:
    until = time.monotonic() + WAIT_SECONDS
    while True:
        with database.read_only() as connection:
            text = probes.result(connection, token)
        if text:
            seen: dict[str, Any] = orjson.loads(text)
            return seen
        if time.monotonic() > until:
            return None
        time.sleep(0.05)


def _findings(probe: Probe, asked: AccessPolicy) -> Iterator[str]:
    if probe.error:
        yield f"cannot be reached: {probe.error}. Is the name right, the port open, the certificate valid?"
        return
    yield f"answered {probe.status}" + (" instead of 200" if probe.status != httpx.codes.OK else "")
    if httpx.codes.is_redirect(probe.status):
        yield "a redirect, which providers do not follow: give them the address that it leads to"
    if probe.seen is None:
        yield (
            "the request did not arrive at a receiver with this journal: another program answers there, or a proxy "
            "forwards it elsewhere or changes its path"
        )
        return
    seen = probe.seen
    yield f"scheme {seen['scheme']}, Host {seen['host']}, path {seen['path']}"
    yield f"connected from {seen['peer']}, sent by {seen['address']}"
    for name, value in seen["forwarded"].items():
        if seen["address"] == seen["peer"]:
            yield (
                f"{name}: {value} was ignored: {seen['peer']} is not one of trusted_proxies, or the header names the "
                "same address"
            )
    if seen["scheme"] == "http":
        what = "the callbacks and the secret" if asked.secrets else "the callbacks"
        yield f"without HTTPS {what} can be read on their way"
    if Rejection.PATH.name in seen["refused"]:
        yield f"{Rejection.PATH.reason}: does a proxy change it?"
    else:
        yield from _steps(seen["refused"], asked)


def _steps(refused: list[str], asked: AccessPolicy) -> Iterator[str]:
    given = (asked.secrets, asked.networks, asked.passwords)
    for (refusal, name), wanted in zip(_STEPS, given, strict=True):
        if not wanted:
            yield f"{name}: not required"
        elif refusal.name in refused:
            yield f"{name}: rejected ({refusal.reason})" + (
                ". That is about this machine: the provider's address may be on the list"
                if refusal is Rejection.ADDRESS
                else ""
            )
        else:
            yield f"{name}: accepted"
