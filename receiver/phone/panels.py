"""What the panels of the screen, as styled text. Knows the width of a panel, and no terminal."""

import math
import textwrap
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.text import Text

from receiver.phone.journal_reader import CallTrace, outcome_line, trace_lines
from receiver.phone.session import PhoneSession
from receiver.phone.transcript import STYLES, deadline_for
from receiver.phone.values import as_text, pairs, printable, values_of_reply, values_of_request
from receiver.phone.words import actions_done, goes_on, how_often, is_spoken, language_of, sound_name, state_of, took
from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import CallState, OutgoingRequest, SimulatedCall
from receiver.simulator import Exchange
from storage import StoredCallback

_COLOURS = {CallState.ENDED: "bold", CallState.ASKING: "bold yellow"}
CALL_CELLS = 25
"""The width of the call's panel."""


def call_panel(session: PhoneSession, waited: float) -> Text:
    """The call: its state, who, what the caller hears, what was pressed, and when the provider continues.

    `waited` is how many seconds the request that is out has waited for its reply.
    """
    call = session.call
    lines = [
        Text(state_of(call).upper(), style=_COLOURS.get(call.state, "bold green")),
        Text(f"from {printable(call.setup.caller)}"),
        Text(f"to   {printable(call.setup.did)}"),
        Text(),
        *_heard(call),
        *_time_left(session, waited),
        *_done(session),
        *_how_it_went(session),
    ]
    return Text("\n").join(lines)


def _heard(call: SimulatedCall) -> Iterable[Text]:
    if call.hears:
        language = language_of(call) if any(map(is_spoken, call.hears)) else ""
        yield Text(f"hears, in {language}" if language else "hears", style="dim")
    for sound in call.hears:
        yield from (Text(line, style="bold") for line in _folded(printable(sound_name(sound))))
        if often := how_often(sound):
            yield Text(f"   {', '.join(often)}")
    if call.digits and call.state is CallState.MENU:
        yield Text.assemble(("keys ", "dim"), (call.digits, "bold"))


def _done(session: PhoneSession) -> Iterable[Text]:
    """After the call, what was done in it."""
    if session.is_over and (actions := actions_done(session)):
        yield Text("done", style="dim")
        yield from (Text(line) for line in _folded(", ".join(actions)))


def _folded(text: str) -> list[str]:
    return textwrap.wrap(text, CALL_CELLS, initial_indent=" ", subsequent_indent="   ")


def _time_left(session: PhoneSession, waited: float) -> Iterable[Text]:
    if session.outgoing is not None and session.outgoing.asks:
        yield Text(f"no reply yet, {waited:.1f} s", style="yellow" if waited > 1 else "dim")
    remaining, timeout = session.remaining, session.call.timeout
    if remaining is None or not timeout:
        return
    filled = min(CALL_CELLS, math.ceil(CALL_CELLS * remaining / timeout))
    yield Text()
    yield Text(goes_on(session))
    yield Text.assemble(("#" * filled, "green"), ("-" * (CALL_CELLS - filled), "dim"))


def _how_it_went(session: PhoneSession) -> Iterable[Text]:
    if session.problem:
        yield Text(session.problem, style="bold red")
    if session.call.faults:
        yield Text(f"FAULT {printable(str(session.call.faults[-1]))}", style="bold red")
    elif session.is_over and not session.problem:
        count = len(session.exchanges)
        yield Text(f"{count} request{'s' * (count != 1)}, no fault", style="green")


def exchange_panel(
    session: PhoneSession, exchange: Exchange, deadline: float, width: int, stored: StoredCallback | None
) -> Text:
    """A request and its reply as values, how long the reply took, what is wrong with it, and what the journal says."""
    lines = [_request_line(session, exchange.request), *flow(pairs(values_of_request(exchange.request)), width)]
    lines.append(_reply_line(session, exchange, deadline))
    lines += [Text(f"FAULT {printable(str(fault))}", style="bold red") for fault in exchange.faults]
    if stored is not None and exchange.request.asks:
        text, kind = outcome_line(stored)
        lines.append(Text(printable(f"journal: {text}"), style=STYLES[kind]))
    lines += _reply(exchange.reply, width)
    return Text("\n").join(lines)


def waiting_panel(session: PhoneSession, request: OutgoingRequest, width: int) -> Text:
    """A request that has no reply yet."""
    return Text("\n").join([_request_line(session, request), *flow(pairs(values_of_request(request)), width)])


def bytes_panel(session: PhoneSession, exchange: Exchange, deadline: float) -> Text:
    """A request and its reply as they were sent."""
    lines = [_request_line(session, exchange.request)]
    lines += [Text(f"{name}: {value}", style="dim") for name, value in exchange.request.headers]
    lines += [*_body(exchange.request.body), Text(), _reply_line(session, exchange, deadline)]
    if exchange.reply is not None:
        lines += [Text(exchange.reply.content_type, style="dim"), *_body(exchange.reply.body)]
    return Text("\n").join(lines)


def _body(body: bytes) -> list[Text]:
    return [Text(printable(line)) for line in as_text(body).splitlines()]


def _request_line(session: PhoneSession, request: OutgoingRequest) -> Text:
    target = request.target.partition("?")[0]
    return Text(f"> {request.method} {session.order.provider.path}{target}", style="bold")


def _reply_line(session: PhoneSession, exchange: Exchange, deadline: float) -> Text:
    allowed = deadline_for(session.order.provider, exchange.request.kind, deadline)
    late = exchange.reply is None or (allowed is not None and exchange.seconds > allowed)
    return Text("< " + took(exchange, allowed), style="bold red" if late else "bold green")


def _reply(reply: HttpReply | None, width: int) -> Iterable[Text]:
    return () if reply is None else flow(pairs(values_of_reply(reply)), width)


def flow(named: Iterable[tuple[str, str]], width: int) -> list[Text]:
    """Pairs of name and value one after the other, in lines of that width; no pair is divided if a line can hold it."""
    lines: list[Text] = []
    for name, value in named:
        pair = Text()
        if name:
            pair.append(printable(f"{name} "), style=STYLES["name"])
        pair.append(value, style="bold" if name else "")
        if lines and cell_len(lines[-1].plain) + 2 + cell_len(pair.plain) <= width:
            lines[-1] = Text("  ").join([lines[-1], pair])
        else:
            lines.append(pair)
    return lines


def journal_panel(trace: CallTrace, problem: str, *, whole: bool) -> Text:
    """What the journal has of the call; only the last place of tracebacks unless `whole`."""
    lines = [Text(printable(text), style=STYLES[kind]) for text, kind in trace_lines(trace, whole=whole)]
    return Text("\n").join(lines or [Text(problem or "nothing of this call yet", style="dim")])


def hints(session: PhoneSession, width: int, *, is_paused: bool) -> Text:
    """The keys of the phone that mean something now, as many as there is room for; help has them all."""
    state = session.call.state
    shown = {
        CallState.MENU: [("0-9*#", "key"), ("w", "silence"), ("h", "hang up")],
        CallState.DIALING: [("a", "answer"), ("b", "busy"), ("n", "no answer"), ("h", "hang up")],
        CallState.TALKING: [("w", "let it end"), ("h", "hang up")],
        CallState.RECORDING: [("w", "let it end"), ("h", "hang up")],
        CallState.ASKING: [("h", "hang up")],
        CallState.ENDED: [("c", "call again"), ("s", "save")],
    }.get(state, [])
    pause = [("p", "go on" if is_paused else "pause")] if session.remaining is not None else []
    always = [("?", "help"), ("q", "quit")]
    for further in [*pause, ("v", "bytes"), ("j", "journal")]:
        if len(_hint_line([*shown, further, *always])) <= width:
            shown.append(further)
    return _hint_line([*shown, *always])


def _hint_line(keys: Sequence[tuple[str, str]]) -> Text:
    return Text("  ").join(Text.assemble((key, "reverse"), f" {what}") for key, what in keys)
