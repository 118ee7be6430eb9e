"""Evaluates conditions, keeps the states of their alarms, and says each beginning and each end once."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from receiver.metrics import Metrics
from receiver.operations.alarms.book import AlarmBook
from receiver.operations.alarms.condition import Condition, Problem, alarm_name, is_of
from receiver.operations.alarms.progress import Message, due_message, is_silenced, with_problem, without_problem
from receiver.operations.alarms.sending import Sender
from storage import StoreError
from storage.alarms import AlarmState

logger = logging.getLogger(__name__)

PAGE = "docs/alarms.md"
READ_SECONDS = 60.0
"""How long one condition may read."""
LONGEST_PAUSE = timedelta(hours=1)
"""Between two attempts to send a message that no recipient got."""


class Evaluator:
    """Evaluates some conditions. `clock` is the time in UTC, `here` the name of this machine."""

    def __init__(
        self,
        conditions: Sequence[Condition],
        book: AlarmBook,
        sender: Sender,
        *,
        ends_after: timedelta,
        clock: Callable[[], datetime],
        here: str,
        metrics: Metrics,
    ) -> None:
        self._conditions = conditions
        self._book = book
        self._sender = sender
        self._ends_after = ends_after
        self._clock = clock
        self._here = here
        self._metrics = metrics
        self._found: dict[str, tuple[datetime, list[Problem]]] = {}
        self._waiting: dict[str, datetime] = {}
        self._failing: set[str] = set()
        self._resend: dict[str, tuple[datetime, timedelta]] = {}

    async def evaluate(self) -> None:
        """Evaluate what is due, store what has changed, and send what is to be said."""
        states = await self._book.load()
        for condition in self._conditions:
            await self._evaluate(condition, states)
        mine = [one for one in states.values() if any(is_of(condition, one.name) for condition in self._conditions)]
        await self._say(states, mine)

    async def end_forgotten(self, unseen: timedelta) -> None:
        """End alarms that no process has evaluated for so long: of a machine that is gone, or a removed setting.

        Raises StoreError.
        """
        now = self._clock()
        states = await self._book.load()
        forgotten = [name for name, one in states.items() if now - (one.seen_at or now) >= unseen]
        for name in forgotten:
            if states[name].is_active:
                await self._keep(states, without_problem(states[name], now, timedelta()))
        await self._say(states, [states[name] for name in forgotten])
        await self._book.forget_old(now)

    async def _evaluate(self, condition: Condition, states: dict[str, AlarmState]) -> None:
        problems = await self._problems(condition)
        if problems is None:
            return
        now = self._clock()
        wrong = {alarm_name(condition, problem.subject): problem for problem in problems}
        for name in [name for name in self._waiting if is_of(condition, name) and name not in wrong]:
            del self._waiting[name]
        for name, problem in wrong.items():
            state = states.get(name) or AlarmState(name=name)
            since = self._waiting.setdefault(name, now)
            if state.is_active or (now - since).total_seconds() >= condition.patience:
                await self._keep(states, with_problem(state, problem, now), condition.name)
        for name, state in list(states.items()):
            if state.is_active and is_of(condition, name) and name not in wrong:
                await self._keep(states, without_problem(state, now, self._ends_after))

    async def _problems(self, condition: Condition) -> list[Problem] | None:
        """What is wrong, or was at the last reading if the next one is not due; None where that is not known."""
        name, now = alarm_name(condition), self._clock()
        read_at, problems = self._found.get(name, (None, []))
        if read_at is not None and (now - read_at).total_seconds() < condition.every:
            return problems
        try:
            async with asyncio.timeout(READ_SECONDS):
                facts = await condition.read(now)
            problems = condition.judge(facts, self._clock())
        except Exception as error:
            self._metrics.alarms_evaluated("failed")
            if name not in self._failing:
                known = isinstance(error, (StoreError, OSError))
                logger.warning("the condition %s could not be evaluated: %s", name, error, exc_info=not known)
            self._failing.add(name)
            return None
        self._metrics.alarms_evaluated("done")
        if name in self._failing:
            self._failing.discard(name)
            logger.info("the condition %s can be evaluated again", name)
        self._found[name] = now, problems
        return problems

    async def _keep(self, states: dict[str, AlarmState], new: AlarmState, condition: str = "") -> None:
        """Store a state, and log an alarm that begins or ends."""
        before = states.get(new.name)
        was_active = before is not None and before.is_active
        states[new.name] = new
        if new != before:
            await self._book.save([new])
        if new.is_active and not was_active:
            self._metrics.alarm_began(condition)
            logger.error("alarm %s begins: %s", new.name, new.text)
        elif was_active and not new.is_active:
            logger.warning("alarm %s has ended: %s", new.name, new.text)

    async def _say(self, states: dict[str, AlarmState], of: Sequence[AlarmState]) -> None:
        """Send what is due. Of a silenced alarm the beginning is said after the silence, and an end never."""
        now = self._clock()
        for state in of:
            message = due_message(state)
            if message is None:
                continue
            if is_silenced(states, state.name, now):
                if message is Message.END:
                    await self._mark(states, state, said=False)
            elif now >= self._resend.get(state.name, (now, timedelta()))[0]:
                await self._send(states, state, message)

    async def _send(self, states: dict[str, AlarmState], state: AlarmState, message: Message) -> None:
        title, body = message_of(state, message, self._here)
        if await self._sender.send(title, body):
            self._resend.pop(state.name, None)
            await self._mark(states, state, said=message is Message.BEGIN)
            return
        _, pause = self._resend.get(state.name, (None, timedelta(seconds=30)))
        pause = min(2 * pause, LONGEST_PAUSE)
        self._resend[state.name] = self._clock() + pause, pause
        logger.error("no recipient got the message that alarm %s %s; it is sent again", state.name, message)

    async def _mark(self, states: dict[str, AlarmState], state: AlarmState, *, said: bool) -> None:
        states[state.name] = marked = replace(state, said=said)
        await self._book.save([marked])


def message_of(state: AlarmState, message: Message, here: str) -> tuple[str, str]:
    """Title and text of a message."""
    when = state.began_at if message is Message.BEGIN else state.ended_at
    at = f"{when.isoformat(sep=' ', timespec='seconds')}" if when else ""
    condition = state.name.partition(":")[0]
    what = state.text if message is Message.BEGIN else f"It was: {state.text}"
    began = "Since" if message is Message.BEGIN else "Ended at"
    body = f"{what}.\n\n{began} {at}. Sent by the receiver on {here}. What to do: {PAGE}#{condition}"
    return f"{state.name} {message}", body
