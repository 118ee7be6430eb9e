"""What a running receiver sees of requests that arrive through its public address."""

import asyncio
from collections.abc import Iterator

import httpx
from rich.markup import escape

from receiver.cli.output import console, print_prose
from receiver.components import Components
from receiver.web.auth import AccessPolicy, access_policies
from receiver.web.rejections import Rejection
from receiver.web.url_check import Probe, probe_all
from storage import Database

_STEPS = ((Rejection.SECRET, "secret"), (Rejection.ADDRESS, "address"), (Rejection.PASSWORD, "password"))


def check_url(components: Components, database: Database, url: str) -> bool:
    """Call each provider's URL and print what the receiver saw; whether callbacks would arrive at all of them."""
    return asyncio.run(_check_url(components, database, url.rstrip("/")))


async def _check_url(components: Components, database: Database, url: str) -> bool:
    fine = True
    policies = access_policies(components.settings, components.providers)
    async with httpx.AsyncClient() as http:
        async for probe in probe_all(components.providers, policies, database, http, url):
            console.print(f"\n[bold]{escape(probe.address)}[/]", highlight=False, soft_wrap=True)
            for line in _findings(probe, policies[probe.provider.name]):
                print_prose(f"  {line}", indent=4)
            fine = fine and probe.status == httpx.codes.OK and probe.seen is not None
    return fine


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
        if not seen.get("trusted"):
            yield f"{name}: {value} was ignored: {seen['peer']} is not one of trusted_proxies"
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
