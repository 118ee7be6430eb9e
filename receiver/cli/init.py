"""`receiver init`: the files that run a receiver on a server."""

import os
import secrets
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from receiver.cli import program
from receiver.cli.deployment.machine import PROXIES, Machine, Proxy
from receiver.cli.deployment.next_steps import FOLDER, next_steps
from receiver.cli.deployment.rendering import SETTINGS, machine_files
from receiver.cli.main import app, report_errors
from receiver.cli.output import Column, Table, console, print_error, print_prose
from receiver.errors import SettingsError


@app.command()
def init(
    public_url: Annotated[
        str, typer.Option(metavar="URL", help="The address that providers call, such as https://calls.example.com.")
    ] = "",
    proxy: Annotated[
        Proxy | None, typer.Option(help="The proxy that listens on it.", show_default="the one that is installed")
    ] = None,
    folder: Annotated[Path, typer.Option(help="The folder of the settings and handlers.")] = Path(),
    data: Annotated[Path, typer.Option(help="The folder of the journal and the backups.")] = Path("/var/lib/receiver"),
    database_url: Annotated[
        str, typer.Option(help="The URL of the journal's database.", show_default="an SQLite file in the data folder")
    ] = "",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port that the proxy connects to.")] = 8000,
    user: Annotated[str, typer.Option(help="The system user that the receiver runs as.")] = "receiver",
    certificate: Annotated[
        str, typer.Option(metavar="FILE", help="The proxy's certificate.", show_default="where certbot puts it")
    ] = "",
    certificate_key: Annotated[
        str, typer.Option(metavar="FILE", help="The key of the certificate.", show_default="where certbot puts it")
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that exist; the secret in receiver.toml is kept.")
    ] = False,
) -> None:
    """Write the settings, a secret, the systemd units and the proxy's configuration for this machine.

    The files go to the folder that you are in. Nothing outside of it is changed: the commands that do so are printed,
    with the URLs to paste into the provider's panel. On a terminal it asks for what is not given.
    """
    with report_errors():
        machine = Machine(
            public_url=(public_url or _ask_for_url()).rstrip("/"),
            secret=_kept_secret(folder / SETTINGS) if force else secrets.token_urlsafe(24),
            proxy=proxy or _ask_for_proxy(),
            command=_installed_command(),
            folder=str(folder.absolute().resolve()),
            data=str(data.absolute()),
            user=user,
            port=port,
            database_url=database_url,
            certificate=certificate,
            certificate_key=certificate_key,
        )
        written = _write(machine, overwrite=force)
    _print_result(machine, written)


def _ask_for_url() -> str:
    """The answer of a person; raises SettingsError where there is none to ask."""
    if not sys.stdin.isatty():
        raise SettingsError("public_url: write the address that providers call, --public-url https://calls.example.com")
    return str(typer.prompt("The address that providers call, such as https://calls.example.com"))


def _ask_for_proxy() -> Proxy:
    """The proxy that is installed, or else Caddy; on a terminal a person may choose another one."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
    usual: Proxy = next((proxy for proxy in PROXIES if shutil.which(proxy, path=path)), "caddy")
    if not sys.stdin.isatty():
        return usual
    question = f"The proxy that listens on it: {', '.join(PROXIES)}"
    answer: Proxy = typer.prompt(question, default=usual, value_proc=_one_of_the_proxies)
    return answer


def _one_of_the_proxies(answer: str) -> Proxy:
    """An answer that names one; after any other one the question is asked again."""
    for proxy in PROXIES:
        if proxy == answer.strip().lower():
            return proxy
    raise typer.BadParameter(f"write one of {', '.join(PROXIES)}")


def _installed_command() -> str:
    """The `receiver` command that was called, or else the one beside the Python that runs."""
    command = Path(program.called() or Path(sys.executable).with_name("receiver"))
    return str(command) if command.exists() else f"{sys.executable} -m receiver"


def _kept_secret(settings: Path) -> str:
    """The first secret of settings that exist, so that the URL at the provider stays valid; else a new one."""
    try:
        kept = tomllib.loads(settings.read_text(encoding="utf-8")).get("secrets") or [secrets.token_urlsafe(24)]
    except FileNotFoundError:
        return secrets.token_urlsafe(24)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{settings} cannot be read, and has the secret: {error}") from error
    return str(kept[0])


def _write(machine: Machine, *, overwrite: bool) -> list[Path]:
    """Write all files; which they are. Raises SettingsError if one of them exists and must not be overwritten."""
    folder = Path(machine.folder)
    texts = {
        (folder if name == SETTINGS else folder / FOLDER) / name: text for name, text in machine_files(machine).items()
    }
    if not overwrite and (existing := [str(path) for path in texts if path.exists()]):
        raise SettingsError(f"{', '.join(existing)} would be overwritten: add --force if that is what you want")
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_anew(path, text, mode=0o640 if path.name == SETTINGS else 0o644)
        except OSError as error:
            print_error(f"{path} cannot be written: {error.strerror}")
            raise typer.Exit(2) from error
    return list(texts)


def _write_anew(path: Path, text: str, *, mode: int) -> None:
    """Write a file that has its mode from the first moment: the settings hold the secret."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)


def _print_result(machine: Machine, written: list[Path]) -> None:
    from receiver.providers.base.discovery import discover
    from receiver.web.callback_app import url_path

    for path in written:
        print_prose(f"Written: {path}")
    console.print("\nURLs to paste into the provider's panel:")
    table = Table(Column(), Column(), Column(), indent=2)
    for made in (provider(provider.options_type()) for provider in discover().values()):
        for endpoint in made.endpoints:
            url = f"{machine.public_url}/{machine.secret}{url_path(made, endpoint)}"
            table.add(made.title, endpoint.kind or "all callbacks", url)
    table.print()
    console.print("\nNext, as root:")
    for number, step in enumerate(next_steps(machine), start=1):
        console.print()
        print_prose(f"{number}. {step.title}:", indent=3)
        for command in step.commands:
            console.print(f"   {command}", soft_wrap=True, highlight=False, markup=False)
    console.print()
