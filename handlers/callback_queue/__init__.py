"""Let callers request a call back: they press 1, and are on a list until they were called.

handlers = ["handlers.callback_queue"]

[handler_settings.callback_queue]
did = "0730000000"
target = "0540000000"

The list, in the folder of the receiver:

python -m handlers.callback_queue list
python -m handlers.callback_queue done 0541234567

A caller without a number is asked to enter one. A menu of another module leads here with
`Menu(menu="callback_queue", rec=..., size=1)`. Name this module before modules that answer every call.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr

from receiver import CallRecord, Context, Handlers, Setting, international
from receiver.providers.voicenter import Call, Hangup, IvrRequest, Menu

from .requests import CallbackRequests, Request

MENU, AGAIN_MENU, NUMBER_MENU = "callback_queue", "callback_queue_again", "callback_queue_number"
LENGTHS = range(7, 16)
"""The lengths of a phone number with its country code; shorter numbers are extensions."""


def _database(url: SecretStr) -> SecretStr:
    if not re.match(r"(sqlite|postgresql)(\+\w+)?://", url.get_secret_value()):
        raise ValueError("write sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE")
    return url


class CallbackQueueSettings(BaseModel, extra="forbid"):
    """The table `[handler_settings.callback_queue]`."""

    did: Annotated[list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)] = []
    """The numbers whose callers hear the offer at once, as the provider sends them."""
    offer_rec: str = "press_1_to_be_called_back"
    number_rec: str = "key_in_your_number"
    confirm_rec: str = "we_will_call_you_back"
    goodbye_rec: str = "goodbye"
    target: str = ""
    """The number to dial for callers who do not press 1; if empty, the call ends."""
    max_dial: Annotated[int, Field(gt=0)] = 30
    """Seconds of ringing, at most; if there is no answer, the offer is made once more."""
    max_duration: Annotated[int, Field(gt=0)] = 3600
    """Seconds of that call, at most."""
    close_when_called: bool = True
    """Whether an answered outgoing call to a number on the list removes it."""
    country_code: Annotated[str, Field(pattern=r"^[0-9]{0,4}$")] = "972"
    """The country of numbers without a country prefix."""
    keep_days: Annotated[int, Field(ge=0, le=36_500)] = 30
    """Days after which finished requests are deleted."""
    database_url: Annotated[SecretStr, AfterValidator(_database)] = SecretStr("sqlite:///callback-queue.db")
    """The database of the list."""

    def open(self) -> CallbackRequests:
        """The list."""
        return CallbackRequests(self.database_url.get_secret_value(), self.keep_days)


handlers = Handlers(settings=CallbackQueueSettings)


@handlers.answer(IvrRequest, did=Setting("did"), menu="-1")
def offer(step: IvrRequest, ctx: Context) -> Menu:
    """Offer a call back to a new caller."""
    return Menu(menu=MENU, rec=CallbackQueueSettings.model_validate(ctx.settings).offer_rec, size=1)


@handlers.answer(IvrRequest, menu=[MENU, AGAIN_MENU, NUMBER_MENU])
def pressed(step: IvrRequest, ctx: Context) -> Menu | Call | Hangup:
    """Add the caller to the list, and confirm it afterwards."""
    settings = CallbackQueueSettings.model_validate(ctx.settings)
    keyed_in = step.menu == NUMBER_MENU
    if not step.dtmf or (step.dtmf != "1" and not keyed_in):
        return _ring(settings) if step.menu == MENU and settings.target else Hangup(rec=settings.goodbye_rec)
    number = dialable(step.dtmf if keyed_in else step.caller_id, settings.country_code)
    if number is None:
        return Menu(menu=NUMBER_MENU, rec=settings.number_rec, size=max(LENGTHS))
    settings.open().add(Request(number, step.did, step.call_id, ctx.received_at))
    return Hangup(rec=settings.confirm_rec)


def _ring(settings: CallbackQueueSettings) -> Call:
    return Call(
        target=settings.target,
        max_dial=settings.max_dial,
        max_duration=settings.max_duration,
        next_menu=AGAIN_MENU,
        next_menu_rec=settings.offer_rec,
        next_menu_size=1,
    )


@handlers.on(CallRecord, direction="outgoing", outcome="answered")
def close(record: CallRecord, ctx: Context) -> None:
    """Remove a number from the list that was called after its request, and answered."""
    settings = CallbackQueueSettings.model_validate(ctx.settings)
    if settings.close_when_called and record.to_international:
        settings.open().done(record.to_international, ctx.received_at, asked_before=record.started)


def dialable(text: str, country_code: str) -> str | None:
    """A number in international form; None if it is not an external number."""
    number = international(re.sub(r"[\s()./*#-]", "", text), country_code)
    return number if number and len(number) in LENGTHS else None
