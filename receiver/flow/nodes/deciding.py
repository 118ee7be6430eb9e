"""Nodes that decide where to go on, without a word to the caller: opening hours, and functions of yours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from receiver.flow.actions import Action, Give
from receiver.flow.hours import HoursError, days, is_holiday, is_open, read_hours, read_zone, require_library
from receiver.flow.nodes.base import Exit, Node
from receiver.flow.targets import Function, Target, Text, describe
from receiver.plugins.module_settings import Setting
from receiver.providers.base.contract import Reply

if TYPE_CHECKING:
    from receiver.flow.plan import Plan
    from receiver.flow.visit import Visit


@dataclass(frozen=True, kw_only=True)
class HoursNode(Node):
    """Opening hours: the call goes one way while it is open, another while it is closed."""

    kind: ClassVar[str] = "hours"

    hours: Text
    """In OpenStreetMap's syntax, such as "Su-Th 08:00-17:00; Fr 08:00-12:00"."""
    zone: Text
    """The time zone, such as "Asia/Jerusalem"."""
    open: Target
    closed: Target
    holidays: Sequence[str | date] | Setting | Function = ()
    """Days that are closed all day: dates, "2026-09-12", or "2026-09-11/2026-09-13" for several."""
    holiday: Target | None = None
    """Where the call goes on a holiday; None for `closed`."""
    country: str = ""
    """The ISO code of the country whose public holidays `PH` in the hours means, where the library knows it."""

    def __post_init__(self) -> None:
        """Raises HandlerError for hours, zones and holidays that cannot be read, as far as they are known already."""
        super().__post_init__()
        require_library()
        try:
            if isinstance(self.zone, str):
                read_zone(self.zone)
            if isinstance(self.hours, str):
                read_hours(self.hours, self.zone if isinstance(self.zone, str) else "UTC", self.country)
            if isinstance(self.holidays, Sequence):
                for holiday in self.holidays:
                    days(holiday)
        except HoursError as error:
            raise HoursError(f"hours {self.name!r}: {error}") from error

    def exits(self, plan: "Plan") -> tuple[Exit, ...]:
        """Open, closed and holiday."""
        holiday = () if self.holiday is None else (Exit("holiday", self.holiday, silent=True),)
        return (Exit("open", self.open, silent=True), Exit("closed", self.closed, silent=True), *holiday)

    def summary(self) -> str:
        """The hours."""
        return describe(self.hours)

    async def enter(self, visit: "Visit") -> Action | Target:
        """Look at the clock."""
        zone, now = await visit.text(self.zone), visit.caller.now
        if is_holiday(await visit.value(self.holidays), zone, now):
            return self.closed if self.holiday is None else self.holiday
        return self.open if is_open(await visit.text(self.hours), zone, now, self.country) else self.closed


@dataclass(frozen=True, kw_only=True)
class FunctionNode(Node):
    """A function of yours that decides. It returns the name of a node, a move, or a reply of the provider.

    Where its reply is a menu of this node's name, the function is called again with what the caller pressed in it.
    """

    kind: ClassVar[str] = "function"

    function: Function
    to: tuple[Target, ...] = ()
    """Where it may lead, for checks and drawings."""

    def exits(self, plan: "Plan") -> tuple[Exit, ...]:
        """What it says of itself."""
        return tuple(Exit("", target, silent=True) for target in self.to)

    def summary(self) -> str:
        """The function."""
        return describe(self.function)

    async def enter(self, visit: "Visit") -> Action | Target:
        """Call it."""
        goal = visit.expect_goal(await visit.call(self.function), self.function)
        return Give(goal) if isinstance(goal, Reply) else goal
