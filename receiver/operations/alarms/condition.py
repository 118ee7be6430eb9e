"""What every condition is: facts that are read, and a judgement of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong now."""

    text: str
    """One sentence, without phone numbers and secrets: it leaves this machine."""
    subject: str = ""
    """What it is about, where a condition has several alarms, such as a provider's name."""


class Condition(Protocol):
    """One thing that may be wrong. Reading is separate from judging, which depends on its arguments only."""

    name: str
    """Its name in settings, metrics and docs, such as `dead_deliveries`."""
    scope: str
    """Where it is evaluated: empty for the whole cluster, or the name of a machine."""
    patience: float
    """Seconds that a problem must last before its alarm begins."""
    every: float
    """Seconds between two readings, at least."""

    async def read(self, now: datetime) -> Any:
        """The facts. Raises StoreError where the database cannot say, and any other error where nothing is known."""

    def judge(self, facts: Any, now: datetime) -> list[Problem]:
        """What is wrong by these facts; all else that this condition watches is fine."""


def alarm_name(condition: Condition, subject: str = "") -> str:
    """The name of an alarm: `dead_deliveries`, `provider_silent:voicenter`, `disk_space:web-1`."""
    return ":".join(part for part in (condition.name, condition.scope, subject) if part)


def is_of(condition: Condition, name: str) -> bool:
    """Whether an alarm of that name is one of this condition, here."""
    own = alarm_name(condition)
    return name == own or name.startswith(f"{own}:")


def spoken(seconds: float) -> str:
    """A time for people: 45 s, 12 min, 3 h, 2 days."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
