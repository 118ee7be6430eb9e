"""`receiver send`: send one of the samples that ship with the receiver."""

from collections.abc import Sequence
from difflib import get_close_matches
from itertools import groupby
from typing import Annotated

import httpx
import typer
from rich.markup import escape

from receiver.cli.main import app, report_errors
from receiver.cli.output import Column, Table, as_text, console, print_error, print_prose, printable
from receiver.components import make_providers
from receiver.providers.base.samples import Sample, find_samples
from receiver.settings import load
from receiver.web.callback_target import CallbackTarget, callback_target

_PREFERRED = ("xmlrpc", "json", "form", "multipart", "query")


@app.command()
def send(
    name: Annotated[str, typer.Argument(help="The sample, such as cdr. Without a name, the samples are listed.")] = "",
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help=f"The format to send: {', '.join(_PREFERRED)}. By default the first of these that the sample has.",
        ),
    ] = "",
    provider: Annotated[
        str, typer.Option(help="The sample's provider, where two providers have a sample of that name.")
    ] = "",
    url: Annotated[str, typer.Option(help="The receiver's address. By default host and port of the settings.")] = "",
    list_samples: Annotated[bool, typer.Option("--list", help="List the samples.")] = False,
) -> None:
    """Send a sample of a provider's callback to a running receiver, and print the request and the reply."""
    _check(provider, format_)
    if list_samples or not name:
        _print_samples(find_samples(provider.lower(), "", format_.lower()))
        return
    sample = _choose(name, format_, provider)
    with report_errors():
        settings = load()
        providers = make_providers(settings)
        target = callback_target(settings, providers[sample.provider], url)
    _send(sample, target)


def _check(provider: str, format_: str) -> None:
    """Refuse a provider or a format that no sample can have."""
    known = {sample.provider for sample in find_samples()}
    if provider and provider.lower() not in known:
        print_error(f"--provider: there is no provider {provider!r}; there are {', '.join(sorted(known))}")
        raise typer.Exit(2)
    if format_ and format_.lower() not in _PREFERRED:
        print_error(f"--format: there is no format {format_!r}; there are {', '.join(_PREFERRED)}")
        raise typer.Exit(2)


def _choose(name: str, format_: str, provider: str) -> Sample:
    samples = sorted(find_samples(provider.lower(), name.lower()), key=lambda sample: _PREFERRED.index(sample.format))
    found = [sample for sample in samples if format_.lower() in ("", sample.format)]
    if found:
        return found[0]
    if samples:
        print_error(f"the sample {name} does not come as {format_}; it comes as {_formats(samples)}")
    else:
        close = get_close_matches(name.lower(), {sample.name for sample in find_samples()}, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        print_error(f"there is no sample {name}; {hint}`receiver send --list` lists them")
    raise typer.Exit(2)


def _send(sample: Sample, target: CallbackTarget) -> None:
    # Samples are written for the provider's own path; the settings may have moved it.
    address = target.base + sample.target.removeprefix(f"/{sample.provider}")
    print_prose(sample.what, style="dim")
    console.print(f"[bold]{sample.method} {escape(address)}[/]", highlight=False, soft_wrap=True)
    for header, value in sample.headers:
        console.print(escape(f"{header}: {value}"), highlight=False, soft_wrap=True)
    _print_body(sample.body)
    try:
        reply = httpx.request(
            sample.method, address, headers=list(sample.headers), content=sample.body, timeout=10, auth=target.auth
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        print_error(
            f"no receiver answers at {target.origin}: {error}. Start one with `receiver serve`, or give its "
            "address with --url"
        )
        raise typer.Exit(1) from error
    console.print(f"[bold]reply {reply.status_code}[/] {reply.headers.get('content-type', '')}", highlight=False)
    _print_body(reply.content)
    if reply.status_code != httpx.codes.OK:
        raise typer.Exit(1)


def _print_body(body: bytes) -> None:
    lines = (printable(line) for line in as_text(body).splitlines())
    console.print("\n" + escape("\n".join(lines)) + "\n", highlight=False, soft_wrap=True)


def _print_samples(samples: Sequence[Sample]) -> None:
    """A table for each provider, with the malformed samples at its end."""
    for number, (provider, group) in enumerate(groupby(samples, key=lambda sample: sample.provider)):
        by_name: dict[str, list[Sample]] = {}
        for sample in sorted(group, key=lambda sample: (sample.name.startswith("broken-"), sample.name)):
            by_name.setdefault(sample.name, []).append(sample)
        table = Table(Column("name"), Column("formats", rank=1), Column("content", prose=True, least=20), indent=2)
        for name, same in by_name.items():
            usual = min(same, key=lambda sample: _PREFERRED.index(sample.format))
            table.add(name, _formats(same), usual.what)
        if number:
            console.print()
        console.print(f"{provider}:")
        table.print()


def _formats(samples: Sequence[Sample]) -> str:
    return ", ".join(sorted((sample.format for sample in samples), key=_PREFERRED.index))
