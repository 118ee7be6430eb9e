"""The public address: whether a callback that is sent to it arrives at this journal's receivers."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from receiver.operations.alarms.condition import Problem

RECENT_CHECKS = 3
"""How many times the pause between two checks the last one counts for."""


class PublicUrl:
    """An alarm while the address fails for at least one provider, as `receiver check --url` sees it.

    `check` calls the address and returns what is wrong, by provider; empty texts where nothing is.
    """

    name = "public_url"
    scope = ""

    def __init__(self, check: Callable[[], Awaitable[Mapping[str, str]]], every: float) -> None:
        self._check = check
        self.every = every
        self.patience = every
        """It must fail twice."""
        self._last: tuple[datetime, bool] | None = None

    async def read(self, now: datetime) -> Mapping[str, str]:
        """What is wrong, by provider."""
        found = await self._check()
        self._last = now, not any(found.values())
        return found

    def is_reachable(self, now: datetime) -> bool | None:
        """Whether the last check succeeded; None without a recent one: another process may check since then."""
        if self._last is None or (now - self._last[0]).total_seconds() > RECENT_CHECKS * self.every:
            return None
        return self._last[1]

    def judge(self, facts: Mapping[str, str], now: datetime) -> list[Problem]:
        """One problem, which names the providers."""
        wrong = {provider: text for provider, text in facts.items() if text}
        if not wrong:
            return []
        return [
            Problem("; ".join(f"the public address of {provider} fails: {text}" for provider, text in wrong.items()))
        ]
