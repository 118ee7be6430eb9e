"""A demo that needs no configuration: a small IVR, a pop-up with one contact, and a printed line for every call.

Copy it, and change what each key does.
"""

from receiver import CallRecord, Handlers
from receiver.providers.voicenter import (
    Call,
    Contact,
    Dial,
    GoToLayer,
    Hangup,
    HangupCause,
    IvrRequest,
    LayerInput,
    Menu,
    NoContact,
    PopupRequest,
    SayDigits,
    SilentRecord,
    Target,
    Vo,
)

handlers = Handlers()


@handlers.answer(IvrRequest)
def main_menu(step: IvrRequest) -> Menu | Call | SayDigits | Vo | SilentRecord | Hangup:
    """Greet with a menu of one digit, then act on the digit."""
    if step.is_first:
        return Menu(menu="main", rec="welcome", size=1, loop=3, delay=2)
    match step.menu, step.dtmf:
        case "main", "1":
            return Call(target="0540000000", caller_id=step.caller_id, max_dial=30, max_duration=3600)
        case "main", "2":
            return SayDigits(menu="main", rec="welcome", size=1, digits_rec="your_number_is", digits=_digits(step))
        case "main", "3":
            return Vo(layer=7, record="one_moment")
        case "main", "4":
            return SilentRecord(rec="after_the_tone", max_duration=120)
    return Hangup(rec="goodbye", cause=HangupCause.NORMAL_CALL_CLEARING)


def _digits(step: IvrRequest) -> str:
    """The caller's number; callers inside the firm have a code of letters, and hear a zero."""
    return "".join(filter(str.isdigit, step.caller_id)) or "0"


@handlers.answer(LayerInput)
def layer(step: LayerInput) -> GoToLayer | Dial:
    """Digit 1 continues in layer 22; any other rings an agent."""
    if step.dtmf == "1":
        return GoToLayer(layer=22, custom_data={"chosen": step.dtmf})
    return Dial(
        targets=(Target(target="0501234567"),),
        max_call_duration=7200,
        max_dial_duration=30,
        recording=True,
        next_vo_id=1,
    )


@handlers.answer(PopupRequest)
def who_calls(request: PopupRequest) -> Contact | NoContact:
    """Return a contact for every number that ends in 72."""
    if not request.phone.endswith("72"):
        return NoContact()
    url = f"https://crm.example.com/contacts?phone={request.phone}"
    return Contact(url=url, client_name="John Doe", company="Example Ltd")


@handlers.on(CallRecord)
def print_call(record: CallRecord) -> None:
    """Print one line for every call that has ended."""
    started = record.started.isoformat(sep=" ", timespec="seconds") if record.started else "at an unknown time"
    talk = "" if record.talk_seconds is None else f", {record.talk_seconds} s"
    parties = f"{record.from_number or '?'} → {record.to_number or '?'}"
    line = f"call {record.call_id or '?'} {started}: {parties} {record.outcome}{talk}"
    line = "".join(char for char in line if char.isprintable())  # a number may hold anything
    print(f"{line}\n", end="", flush=True)  # at once: other calls end at the same moment
