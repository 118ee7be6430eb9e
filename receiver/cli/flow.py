"""`receiver flow`: check and draw declarative IVRs."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from receiver.cli.main import app, report_errors
from receiver.cli.options import AsJson, HandlerModules
from receiver.cli.output import console, print_error, print_json, printable
from receiver.components import Components, load_components
from receiver.errors import SettingsError
from receiver.flow import Flow
from receiver.flow.flow import flow_of
from receiver.flow.recordings import needed_recordings
from receiver.plugins.module_settings import setting_values
from receiver.settings import load

group = typer.Typer(no_args_is_help=True, help="Check and draw the flows of your handler modules.")
app.add_typer(group, name="flow")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The flow; else all of them.", show_default=False)]


def flows_of(components: Components) -> dict[Flow, Mapping[str, Any]]:
    """The flows that answer calls, in the order of their handlers, each with the settings of its module."""
    tables = components.settings.handler_settings
    found = ((flow_of(handler), handler) for handler in components.registry)
    return {flow: setting_values(handler, tables.get(handler.module, {})) for flow, handler in found if flow}


def _wanted(name: str, handlers: list[str] | None) -> dict[Flow, Mapping[str, Any]]:
    """The flows of that name, or all, with their settings. Raises SettingsError if there are none."""
    settings = load(handlers=handlers)
    flows = flows_of(load_components(settings))
    if not flows:
        modules = ", ".join(settings.handlers) or "no module at all"
        raise SettingsError(f"handlers: {modules} attaches no flow; name a module that does with --handlers")
    found = {flow: values for flow, values in flows.items() if name in ("", flow.name)}
    if not found:
        raise SettingsError(f"there is no flow {name!r}; there are {', '.join(flow.name for flow in flows)}")
    return found


@group.command()
def check(name: Name = "", as_json: AsJson = False, handlers: HandlerModules = None) -> None:
    """Find unreachable nodes, unknown targets, loops, invalid keys and missing recordings; exit code 1 if any."""
    with report_errors():
        flows = _wanted(name, handlers)
    problems = {flow: flow.check(values) for flow, values in flows.items()}
    for flow, found in problems.items():
        if as_json:
            for problem in found:
                print_json({"flow": flow.name, **asdict(problem)})
            continue
        said = f"[red]{len(found)} problem(s)[/]" if found else "no problem"
        console.print(f"[bold]{escape(flow.name)}[/]: {len(flow.nodes)} nodes, {said}", highlight=False)
        for problem in found:
            console.print(escape(printable(f"  {problem}")), highlight=False, soft_wrap=True)
    if any(problems.values()):
        raise typer.Exit(1)


@group.command()
def draw(
    name: Name = "",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Write an SVG to this file.", show_default=False)
    ] = None,
    handlers: HandlerModules = None,
) -> None:
    """Draw a flow as a tree in the terminal, or as an SVG."""
    with report_errors():
        flows = _wanted(name, handlers)
        if out is not None and len(flows) > 1:
            names = ", ".join(flow.name for flow in flows)
            raise SettingsError(f"--out takes one flow; name one of {names}")
    if out is None:
        for flow in flows:
            console.print(flow.tree(), highlight=False)
        return
    flow = next(iter(flows))
    try:
        out.write_text(flow.draw(), encoding="utf-8")
    except OSError as error:
        print_error(f"{out} cannot be written: {error.strerror}")
        raise typer.Exit(2) from error
    console.print(f"{flow.name} is drawn in {out}", highlight=False, soft_wrap=True, markup=False)


@group.command()
def recordings(name: Name = "", as_json: AsJson = False, handlers: HandlerModules = None) -> None:
    """List the recordings of a flow, to upload them to the provider."""
    with report_errors():
        flows = _wanted(name, handlers)
    lines = [(flow.name, needed) for flow in flows for needed in needed_recordings(flow)]
    if as_json:
        for flow_name, needed in lines:
            print_json({"flow": flow_name, **asdict(needed)})
        return
    width = max((len(needed.file) for _, needed in lines), default=0)
    for _, needed in lines:
        line = f"{needed.file:<{width}}  {needed.language:<3} {', '.join(needed.nodes)}"
        console.print(escape(printable(line)), highlight=False, soft_wrap=True)
