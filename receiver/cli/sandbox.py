"""`receiver sandbox`: play the providers, and print the base URLs."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from receiver.cli.main import app, report_errors


@app.command()
def sandbox(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8001,
    receiver: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help='Where callbacks go; "" keeps them here.', show_default="http://127.0.0.1:8000"
        ),
    ] = None,
    drop: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the reports that are lost.", show_default="0")
    ] = None,
    repeat: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the reports that are sent twice.", show_default="0")
    ] = None,
    late: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the reports that are sent late.", show_default="0")
    ] = None,
    reorder: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of the reports that the next one overtakes.", show_default="0"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed hits the same calls.", show_default="1")] = None,
    speed: Annotated[
        float | None, typer.Option(help="Seconds of a call that pass in one real second.", show_default="1")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option("--settings", metavar="FILE", help="A TOML file with more settings.")
    ] = None,
) -> None:
    """Play the providers' APIs and the calls behind them, until stopped. No account is needed and nothing costs."""
    from receiver.sandbox import Sandbox, load_settings
    from receiver.sandbox.server import SandboxServer, url_of
    from receiver.server.sockets import listen

    with report_errors():
        given = load_settings(
            settings,
            receiver=receiver,
            drop=drop,
            repeat=repeat,
            late=late,
            reorder=reorder,
            seed=seed,
            speed=speed,
        )
        listening = listen(host, port)
        playing = Sandbox(given)
    console = Console(file=sys.stdout, soft_wrap=True)

    def say_where() -> None:
        url = url_of(listening)
        console.print(f"The sandbox listens on [bold]{url}[/]\n", highlight=False)
        for part in playing.parts.values():
            console.print(f"  {part.title:<10} {url}/{part.name}", highlight=False)
        console.print(f"\nCallbacks go to {given.receiver or 'nowhere: they are kept'}", highlight=False)
        console.print(f"All API calls and the sandbox's own: {url}/", highlight=False)
        console.print("Stop with Ctrl-C.\n", highlight=False)
        console.file.flush()

    server = SandboxServer(playing, say_where)
    server.run(sockets=[listening])
    if not server.started:
        raise typer.Exit(1)
