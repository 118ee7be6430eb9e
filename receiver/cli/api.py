"""`receiver api`: call a provider's API. Its commands are made from the definitions of the calls."""

from typing import Annotated

import typer

from receiver.cli.main import app, report_errors
from receiver.cli.output import console, print_json


@app.command("api", context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True})
def call_api(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="A provider, one of its calls and that call's options."),
    ] = None,
    list_calls: Annotated[bool, typer.Option("--list", help="List all calls, or those of one provider.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
) -> None:
    """Call a provider's API, such as `receiver api voicenter click-to-call --phone 0501234567 --target 0721234567`.

    `receiver api PROVIDER CALL --help` shows the options of a call, `receiver api --list` all calls.
    """
    from receiver.cli.api_calls import find_api, rows_of, run, table_of
    from receiver.providers.base.api.discovery import discover_apis

    provider, *arguments = words or [""]
    as_json = as_json or "--json" in arguments
    with report_errors():
        apis = [find_api(provider)] if provider else list(discover_apis().values())
    if not list_calls and set(arguments) - {"--list", "--json"}:
        run(apis[0], [*arguments, *(["--json"] if as_json and "--json" not in arguments else [])])
    elif as_json:
        for row in rows_of(apis):
            print_json(row)
    else:
        console.print(table_of(apis))
