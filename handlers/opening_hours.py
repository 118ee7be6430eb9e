"""Ring the front desk during opening hours; else play a recording, or record a message.

handlers = ["handlers.opening_hours"]

[handler_settings.opening_hours]
did = "0730000000"
hours = "Su-Th 08:00-17:00; Fr 08:00-12:00"
time_zone = "Asia/Jerusalem"
target = "0540000000"

It is a flow: `receiver flow draw --handlers handlers.opening_hours` draws it.

Needs the extra `handlers`: pip install 'callback-receiver[handlers]'.
"""

from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from receiver import Handlers, Setting
from receiver.flow import Caller, Flow, check_hours


class OpeningHoursSettings(BaseModel, extra="forbid"):
    """The table `[handler_settings.opening_hours]`."""

    did: Annotated[list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
    """The numbers to answer, as the provider sends them."""
    hours: str
    """Opening hours in OpenStreetMap's syntax."""
    time_zone: str
    """The time zone of the hours and holidays, such as Asia/Jerusalem."""
    holidays: list[date | str] = []
    """Closed days: 2026-09-12, or "2026-09-21/2026-09-26" for several."""
    target: str
    """The number or extension to ring during opening hours."""
    ring: Annotated[int, Field(gt=0)] = 30
    """Seconds to ring at most."""
    max_duration: Annotated[int, Field(gt=0)] = 3600
    """Seconds the call may last."""
    welcome_rec: str = ""
    """Played before it rings; empty for none."""
    closed_rec: str = "we_are_closed"
    holiday_rec: str = ""
    """Played on a holiday; empty for `closed_rec`."""
    no_answer_rec: str = "no_answer"
    """Played if the call is not answered."""
    messages: bool = False
    """Whether a message is recorded after these recordings; else the call ends."""
    max_message: Annotated[int, Field(gt=0)] = 120
    """Seconds a message may last."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_hours(self.hours, self.time_zone, self.holidays)
        return self


def message_or_end(caller: Caller) -> str:
    """The node that records a message, or the one that ends the call."""
    return f"{caller.node}_message" if caller.settings["messages"] else f"{caller.node}_end"


def holiday_rec(caller: Caller) -> str:
    """The recording on a holiday."""
    return str(caller.settings["holiday_rec"] or caller.settings["closed_rec"])


handlers = Handlers(settings=OpeningHoursSettings)

flow = Flow("opening_hours", start="hours")
flow.hours(
    "hours",
    Setting("hours"),
    zone=Setting("time_zone"),
    holidays=Setting("holidays"),
    open="desk",
    closed="closed",
    holiday="holiday",
)
flow.dial(
    "desk",
    Setting("target"),
    ring=Setting("ring"),
    talk=Setting("max_duration"),
    rec=Setting("welcome_rec"),
    otherwise="no_answer",
)
for name, rec in (("closed", Setting("closed_rec")), ("holiday", holiday_rec), ("no_answer", Setting("no_answer_rec"))):
    flow.function(name, message_or_end, to=[f"{name}_message", f"{name}_end"])
    flow.message(f"{name}_message", rec, seconds=Setting("max_message"))
    flow.end(f"{name}_end", rec)
flow.attach(handlers, did=Setting("did"))
