"""`receiver send`: play the provider, with the documented samples that ship with the receiver."""

from typing import Annotated

import httpx
import typer
from rich.markup import escape
from rich.table import Table

from receiver.app import make_providers
from receiver.cli.main import app, report_errors
from receiver.cli.output import as_text, console, print_error, printable
from receiver.providers.base.samples import Sample, find_samples
from receiver.settings import Settings, load
from receiver.web.auth import AccessPolicy, access_policies


@app.command()
def send(
    name: Annotated[str, typer.Argument(help="A sample's name, such as cdr; --list shows them.")] = "",
    format_: Annotated[
        str, typer.Option("--format", help="xmlrpc, json, form, multipart or query; else the first there is.")
    ] = "",
    provider: Annotated[str, typer.Option(help="Where two providers have a sample of that name: whose.")] = "",
    url: Annotated[str, typer.Option(help="The receiver's address; else host and port from the settings.")] = "",
    list_samples: Annotated[bool, typer.Option("--list", help="List the samples.")] = False,
) -> None:
    """Send a documented callback to a running receiver, and show request and reply."""
    if list_samples or not name:
        console.print(_table(find_samples()))
        return
    samples = sorted(find_samples(provider.lower(), name.lower()), key=lambda sample: _PREFERRED.index(sample.format))
    found = [sample for sample in samples if format_.lower() in ("", sample.format)]
    if not found:
        formats = ", ".join(sample.format for sample in samples)
        hint = f"{name} comes as {formats}" if formats else "`receiver send --list` shows the samples"
        print_error(f"there is no sample {' '.join(filter(None, (name, format_)))}; {hint}")
        raise typer.Exit(2)
    with report_errors():
        settings = load()
        providers = make_providers(settings)
    owner, trust = providers[found[0].provider], access_policies(settings, providers)[found[0].provider]
    secret = f"/{trust.secrets[0].decode()}" if trust.secrets else ""
    # Samples are written for the provider's own path; the settings may have moved it.
    target = secret + owner.path + found[0].target.removeprefix(f"/{owner.name}")
    _send(found[0], (url or _own_address(settings)).rstrip("/") + target, trust)


_PREFERRED = ("xmlrpc", "json", "form", "multipart", "query")


def _own_address(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - not a bind
    return f"http://{host}:{settings.port}"


def _send(sample: Sample, address: str, trust: AccessPolicy) -> None:
    console.print(f"[bold]{sample.method} {escape(address)}[/]", highlight=False)
    for header, value in sample.headers:
        console.print(escape(f"{header}: {value}"), highlight=False)
    _print_body(sample.body)
    try:
        user, _, password = trust.passwords[0].decode().partition(":") if trust.passwords else ("", "", "")
        auth = (user, password) if trust.passwords else None
        reply = httpx.request(
            sample.method, address, headers=list(sample.headers), content=sample.body, timeout=10, auth=auth
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        print_error(f"{error}; start one with `receiver serve`")
        raise typer.Exit(1) from error
    console.print(f"[bold]reply {reply.status_code}[/] {reply.headers.get('content-type', '')}", highlight=False)
    _print_body(reply.content)
    if reply.status_code != httpx.codes.OK:
        raise typer.Exit(1)


def _print_body(body: bytes) -> None:
    lines = (printable(line) for line in as_text(body).splitlines())
    console.print("\n" + escape("\n".join(lines)) + "\n", highlight=False, soft_wrap=True)


def _table(samples: list[Sample]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("name", "formats", "provider", "what"):
        table.add_column(heading)
    by_name: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        by_name.setdefault((sample.provider, sample.name), []).append(sample)
    for (provider, name), formats in by_name.items():
        table.add_row(name, ", ".join(sample.format for sample in formats), provider, formats[0].what)
    return table
