"""Nodes without an action of their own: opening hours, and functions of the author."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from receiver.flow.actions import Action, SendReply
from receiver.flow.hours import HoursError, days, is_holiday, is_open, read_hours, read_zone, require_library
from receiver.flow.nodes.base import Exit, Node
from receiver.flow.targets import Function, Target, Text, describe
from receiver.plugins.module_settings import Setting
from receiver.providers.base.contract import Reply

if TYPE_CHECKING:
    from receiver.flow.engine import Engine
    from receiver.flow.model import FlowModel


@dataclass(frozen=True, kw_only=True)
class HoursNode(Node):
    """Opening hours: continues at `open` or `closed`."""

    kind: ClassVar[str] = "hours"

    hours: Text
    """In OpenStreetMap's syntax, such as "Su-Th 08:00-17:00; Fr 08:00-12:00"."""
    zone: Text
    """The time zone, such as "Asia/Jerusalem"."""
    open: Target
    closed: Target
    holidays: Sequence[str | date] | Setting | Function = ()
    """Closed days: dates, "2026-09-12", or "2026-09-11/2026-09-13" for several."""
    holiday: Target | None = None
    """The target on a holiday; None for `closed`."""
    country: str = ""
    """The ISO code of a country, for the public holidays `PH`."""

    def __post_init__(self) -> None:
        """Raises HoursError for invalid hours, zones and holidays that are not settings or functions."""
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

    def exits(self, flow: "FlowModel") -> tuple[Exit, ...]:
        """Open, closed and holiday."""
        holiday = () if self.holiday is None else (Exit("holiday", self.holiday, silent=True),)
        return (Exit("open", self.open, silent=True), Exit("closed", self.closed, silent=True), *holiday)

    def summary(self) -> str:
        """The hours."""
        return describe(self.hours)

    async def enter(self, engine: "Engine") -> Action | Target:
        """Compare the clock with the hours."""
        zone, now = await engine.text(self.zone), engine.caller.now
        if is_holiday(await engine.value(self.holidays), zone, now):
            return self.closed if self.holiday is None else self.holiday
        return self.open if is_open(await engine.text(self.hours), zone, now, self.country) else self.closed


@dataclass(frozen=True, kw_only=True)
class FunctionNode(Node):
    """A function that returns the name of a node, a move, or a reply of the provider.

    If its reply is a menu with the name of this node, the function is called again with the input in it.
    """

    kind: ClassVar[str] = "function"

    function: Function
    to: tuple[Target, ...] = ()
    """Its targets, for checks and drawings."""

    def exits(self, flow: "FlowModel") -> tuple[Exit, ...]:
        """`to`."""
        return tuple(Exit("", target, silent=True) for target in self.to)

    def summary(self) -> str:
        """The function."""
        return describe(self.function)

    async def enter(self, engine: "Engine") -> Action | Target:
        """Call the function."""
        goal = engine.check_goal(await engine.call(self.function), self.function)
        return SendReply(goal) if isinstance(goal, Reply) else goal
