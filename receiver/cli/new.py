"""`receiver new`: a handler module with its scenario and its test, from templates."""

import importlib.util
import keyword
import re
import sys
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from receiver.cli.main import app, report_errors
from receiver.cli.output import console, print_error, print_facts, print_prose
from receiver.errors import SettingsError

TEMPLATES = {
    "handler.py.txt": "handlers/$name.py",
    "scenario.toml.txt": "scenarios/$name.toml",
    "test.py.txt": "tests/test_$name.py",
}
"""Where the file of each template goes."""


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The module's name, such as front_desk.")],
    ivr: Annotated[bool, typer.Option("--ivr", help="A phone menu. This is the default.")] = False,
    records: Annotated[bool, typer.Option("--records", help="Call records for another system, such as a CRM.")] = False,
    popup: Annotated[bool, typer.Option("--popup", help="The pop-up screen that shows who calls.")] = False,
) -> None:
    """Write a new handler module with a scenario and a test, in the folder that you are in.

    The files are handlers/NAME.py, scenarios/NAME.toml and tests/test_NAME.py. Files that exist are not overwritten.
    """
    kinds = [kind for kind, chosen in (("ivr", ivr), ("records", records), ("popup", popup)) if chosen]
    if len(kinds) > 1:
        raise typer.BadParameter("choose one of --ivr, --records and --popup")
    with report_errors():
        _check_name(name)
        written = _write(name, kinds[0] if kinds else "ivr")
    _print_next_steps(name, written)


def _check_name(name: str) -> None:
    """Raises SettingsError for a name that no module can have, or that another module has."""
    if not name.isidentifier() or keyword.iskeyword(name):
        possible = re.sub(r"\W+", "_", name).strip("_")
        hint = f"; {possible} is one" if possible.isidentifier() and not keyword.iskeyword(possible) else ""
        raise SettingsError(f"NAME: {name!r} is no name for a Python module{hint}")
    if name in sys.stdlib_module_names or _is_installed(name):
        raise SettingsError(f"NAME: there is an installed package {name}, which your module could hide; choose another")
    if _is_installed(f"handlers.{name}"):
        raise SettingsError(f"NAME: handlers.{name} is part of the receiver, and yours would hide it; choose another")


def _is_installed(module: str) -> bool:
    """Whether a module of that name lies outside of the working folder."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return False
    if spec is None:
        return False
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return any(not Path(place).is_relative_to(Path.cwd()) for place in places)


def _write(name: str, kind: str) -> list[Path]:
    """Write the files of one kind of module; which they are. Raises SettingsError if one of them exists."""
    templates = files("receiver.cli").joinpath("templates", kind)
    texts = {
        Path(Template(place).substitute(name=name)): templates.joinpath(template).read_text(encoding="utf-8")
        for template, place in TEMPLATES.items()
    }
    if existing := [str(path) for path in texts if path.exists()]:
        raise SettingsError(f"{', '.join(existing)} would be overwritten: choose another name, or delete what is there")
    for path, text in texts.items():
        try:
            path.parent.mkdir(exist_ok=True)
            path.write_text(Template(text).substitute(name=name), encoding="utf-8")
        except OSError as error:
            print_error(f"{path} cannot be written: {error.strerror}")
            raise typer.Exit(2) from error
    return list(texts)


def _print_next_steps(name: str, written: list[Path]) -> None:
    print_prose(f"Written: {', '.join(map(str, written))}")
    console.print("\nNext:")
    print_facts(
        (
            ("test it", f"receiver test scenarios/{name}.toml"),
            ("", f"python -m pytest tests/test_{name}.py"),
            ("run it", f"receiver serve --reload --handlers handlers.{name}"),
            ("keep it", f'add "handlers.{name}" to the list `handlers` in receiver.toml'),
        ),
        indent=2,
    )
    console.print()
    print_prose("The test needs pytest: `pip install pytest`.")
