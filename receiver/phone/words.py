"""A call in words: what it does, what the caller hears, what was sent and replied."""

from collections.abc import Iterator

from receiver.phone.session import PhoneSession
from receiver.providers.base.simulation import KEYS, CallState, SimulatedCall, Sound
from receiver.simulator import Exchange, Step
from receiver.wire import Format

LANGUAGES = {"AR": "Arabic", "EN": "English", "ES": "Spanish", "FR": "French", "HE": "Hebrew", "RU": "Russian"}
"""Codes of languages, as providers use them; others are shown as they are."""
_GOES_ON = {
    CallState.MENU: "no key: continues in",
    CallState.DIALING: "answers in",
    CallState.TALKING: "talk ends in",
    CallState.RECORDING: "record ends in",
}


def state_of(call: SimulatedCall) -> str:
    """What the call does, and where: "menu main", "rings 0540000000"."""
    where = f" {call.position}" if call.position else ""
    match call.state:
        case CallState.NEW:
            return "not placed yet"
        case CallState.ASKING:
            return "waits for the reply"
        case CallState.MENU:
            return f"menu{where}" if not call.position.isdigit() else f"layer{where}"
        case CallState.DIALING:
            return "dialing" + (f", {call.position}" if call.position.startswith("leg") else "")
        case CallState.ENDED:
            return "ended"
        case _:
            return call.state.value


def who(call: SimulatedCall) -> str:
    """Who calls whom."""
    setup = call.setup
    name = f" ({setup.caller_name})" if setup.caller_name else ""
    return f"from {setup.caller}{name} to {setup.did}"


def hears(call: SimulatedCall) -> list[str]:
    """What the caller hears: "recording welcome, 3 times, 2 s apart, in Hebrew"; one line for each sound."""
    language = language_of(call)
    return [
        ", ".join(
            [sound_name(sound), *how_often(sound), *([f"in {language}"] if language and is_spoken(sound) else [])]
        )
        for sound in call.hears
    ]


def sound_name(sound: Sound) -> str:
    """What is heard: "recording welcome"."""
    return f"{sound.what} {sound.text}".rstrip()


def how_often(sound: Sound) -> list[str]:
    """How often a sound is repeated, and after which pause; empty for one that is not."""
    pause = [f"{sound.pause} s apart"] if sound.pause else []
    return [f"{sound.times} times", *pause] if sound.times > 1 else []


def is_spoken(sound: Sound) -> bool:
    """Whether a sound has the language of the reply."""
    return sound.what in {"recording", "digits"}


def language_of(call: SimulatedCall) -> str:
    """The language of the last reply, for people; empty where it named none."""
    language = call.instruction.language if call.instruction else ""
    return LANGUAGES.get(language.upper(), language)


def actions_done(session: PhoneSession) -> list[str]:
    """What was done and had an effect, keys that follow each other in one word."""
    found: list[str] = []
    for step in session.player.steps[1:]:
        if not step.was_taken:
            continue
        if found and step.action in KEYS and set(found[-1]) <= set(KEYS):
            found[-1] += step.action
        else:
            found.append(step.action)
    return found


def goes_on(session: PhoneSession) -> str:
    """When the provider continues without an action, and how; empty if it does not."""
    remaining = session.remaining
    if remaining is None:
        return ""
    return f"{_GOES_ON[session.call.state]} {seconds(remaining)}"


def seconds(number: float) -> str:
    """Seconds as people say them: "14 s", "3 min 20 s"."""
    whole = -int(-number // 1)
    minutes, rest = divmod(whole, 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def took(exchange: Exchange, deadline: float | None) -> str:
    """How long the reply took, and how long it may take."""
    if exchange.reply is None:
        return f"no reply in {exchange.seconds:.1f} s"
    allowed = f" of {deadline:g} s" if deadline is not None else ""
    return f"{exchange.reply.status} in {milliseconds(exchange.seconds)}{allowed}"


def milliseconds(number: float) -> str:
    """A time as a reply takes: "0.4 ms", "12 ms", "1.25 s"."""
    if number >= 1:
        return f"{number:.2f} s"
    return f"{number * 1000:.1f} ms" if number < 0.01 else f"{number * 1000:.0f} ms"


def why_no_effect(step: Step, call: SimulatedCall) -> str:
    """Why an action changed nothing; empty if it did."""
    return "" if step.was_taken else f"{step.action} has no effect now: {state_of(call)}"


def format_of(call: SimulatedCall) -> str:
    """The format of its requests, for people."""
    return {Format.XMLRPC: "XML-RPC", Format.JSON: "JSON"}.get(call.format, str(call.format))


def possible(call: SimulatedCall) -> Iterator[tuple[str, str]]:
    """What can be done now: the action, and what it means."""
    match call.state:
        case CallState.MENU:
            yield "0-9 * #", "press a key"
            yield "wait", "press nothing"
        case CallState.DIALING:
            yield "answer", "the dialled side picks up"
            yield "busy", "it is busy"
            yield "noanswer", "it does not pick up"
        case CallState.TALKING | CallState.RECORDING:
            yield "wait", "until it ends"
    if call.state not in {CallState.NEW, CallState.ENDED}:
        yield "hangup", "the caller hangs up"
