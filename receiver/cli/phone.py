"""`receiver phone`: a telephone in the terminal."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer

from receiver.cli.main import app, report_errors
from receiver.cli.options import DatabaseUrl
from receiver.cli.output import console, print_error, print_json, print_note
from receiver.components import make_providers
from receiver.phone.clock import PhoneClock
from receiver.phone.journal_reader import JournalReader
from receiver.phone.line import Line, NoReceiverError, patience_of, require_receiver
from receiver.phone.order import USUAL_CALLER, USUAL_DID, CallOrder, find_play, read_options
from receiver.phone.plain import PlainPhone
from receiver.phone.recording import require_free, save_call
from receiver.phone.script import read_script, run_script
from receiver.phone.session import PhoneSession
from receiver.phone.transcript import Transcript, step_as_json
from receiver.settings import Settings, load
from receiver.simulator import HttpSender, Step, VirtualClock
from receiver.web.callback_target import CallbackTarget, callback_target
from receiver.wire import Format


@dataclass(frozen=True, slots=True)
class _Request:
    """What was asked for on the command line."""

    settings: Settings
    order: CallOrder
    target: CallbackTarget
    record: Path | None
    force: bool
    as_json: bool
    plain: bool
    speed: float


@app.command()
def phone(
    call: Annotated[
        str,
        typer.Argument(help="Which call: ivr, layer, popup, record, click_to_call, or a provider.", show_default="ivr"),
    ] = "",
    provider: Annotated[str, typer.Option(help="Whose call, such as voicenter.", show_default=False)] = "",
    did: Annotated[str, typer.Option(help="The number that is called.")] = USUAL_DID,
    caller: Annotated[str, typer.Option(help="The number that calls.")] = USUAL_CALLER,
    caller_name: Annotated[str, typer.Option(help="The caller's name.", show_default=False)] = "",
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="xmlrpc, json, form or query; else the provider's usual one.",
            show_default=False,
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="What only some calls have, such as type=Queue.", show_default=False),
    ] = None,
    layer: Annotated[
        int | None, typer.Option(min=0, metavar="NUMBER", help="Call in this layer of the provider's IVR.")
    ] = None,
    url: Annotated[
        str, typer.Option(help="The receiver's address.", show_default="host and port of the settings")
    ] = "",
    script: Annotated[
        str | None,
        typer.Option(help='Without a screen: do these actions, such as "1 2 # wait hangup".', show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --script: one JSON object a step.")] = False,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the call to this file, as a scenario.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="With --record: overwrite the file.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines instead of a screen.")] = False,
    speed: Annotated[
        float, typer.Option(min=0, metavar="NUMBER", help="How fast the provider's time passes; at 0 it is stopped.")
    ] = 1.0,
    database_url: DatabaseUrl = None,
) -> None:
    """Call a running receiver as a provider would: by keys, or from a script.

    With --script, exit code 1 says that a reply was faulty or that no receiver answered.
    """
    with report_errors():
        settings = load(database_url=database_url)
        options = read_options(option or []) | ({} if layer is None else {"layer": str(layer)})
        found, play = find_play(make_providers(settings), call or ("layer" if layer is not None else ""), provider)
        order = CallOrder(
            provider=found,
            play=play,
            caller=caller,
            caller_name=caller_name,
            did=did,
            format=format_,
            options=options,
        )
        order.new_call(VirtualClock().now)  # refuses what cannot be played
        target = callback_target(settings, found, url)
        if record is not None:
            require_free(record, force=force)
        actions = None if script is None else read_script(script)
        if as_json and actions is None:
            print_error('--json goes with --script, such as --script "1 2 hangup"')
            raise typer.Exit(2)
    request = _Request(settings, order, target, record, force, as_json, plain, speed)
    raise typer.Exit(_run(request, actions))


def _run(request: _Request, actions: list[str] | None) -> int:
    """Play, and the exit code."""
    try:
        with report_errors():
            return asyncio.run(_play(request, actions))
    except KeyboardInterrupt:
        return 130


async def _play(request: _Request, actions: list[str] | None) -> int:
    """Play with the frontend that was asked for."""
    try:
        await require_receiver(request.target)
    except NoReceiverError as error:
        print_error(str(error))
        return 1
    provider = request.order.provider
    clock = VirtualClock() if actions is not None else PhoneClock(request.speed)
    journal = JournalReader.open(request.settings, provider)
    async with httpx.AsyncClient() as client:
        sender = HttpSender(client, request.target.base, request.target.auth, patience_of(provider))
        session = PhoneSession(request.order, Line(sender, request.target.origin), clock)
        try:
            if actions is not None:
                return await _play_script(request, session, journal, actions)
            if request.plain or not _has_screen():
                await _play_plain(request, session, journal)
            else:
                await _play_screen(request, session, journal)
        finally:
            journal.close()
    return 0


def _has_screen() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


async def _play_script(request: _Request, session: PhoneSession, journal: JournalReader, actions: list[str]) -> int:
    transcript = _transcript(request, session)

    def show(step: Step) -> None:
        if request.as_json:
            print_json(step_as_json(session, step))
        else:
            transcript.step(step)

    if not request.as_json:
        transcript.opening()
    left = await run_script(session, actions, show)
    if left:
        print_note(f"the call had ended before: {' '.join(left)}")
    if request.as_json and session.problem:
        print_error(session.problem)
    if not request.as_json:
        transcript.ending()
        answered = sum(exchange.reply is not None for exchange in session.exchanges)
        transcript.journal(await journal.settled(session.call.call_ids, answered), journal.problem)
    if request.record is not None:
        await save_call(session, journal, request.record, force=request.force)
        print_note(f"written to {request.record}")
    return 1 if session.has_faults else 0


def _transcript(request: _Request, session: PhoneSession) -> Transcript:
    return Transcript(session, request.settings.deadline, lambda line: console.print(line, soft_wrap=True))


async def _play_plain(request: _Request, session: PhoneSession, journal: JournalReader) -> None:
    await PlainPhone(session, _transcript(request, session), journal, record=request.record).run()


async def _play_screen(request: _Request, session: PhoneSession, journal: JournalReader) -> None:
    from receiver.phone.screen import PhoneApp  # only here: it takes a third of a second to import

    screen = PhoneApp(
        session,
        journal,
        deadline=request.settings.deadline,
        address=request.target.shown,
        record=request.record,
    )
    await screen.run_async()
