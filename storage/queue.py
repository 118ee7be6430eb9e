"""The queue of deliveries: claims, leases, results, and the order within each call."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, literal_column, select, update

from storage import journal
from storage.clock import now_us
from storage.tables import BLOCKED, attempts, callbacks, deliveries, from_microseconds
from storage.text import clean
from storage.values import Attempt, Claim, Delivery, Finish, State

LONGEST_ERROR = 2000
"""Characters of an error that are stored; its traceback may be longer."""
CHUNK = 1000
"""Numbers in one statement: databases limit their parameters."""
WINDOW = 50
"""Due rows that are read beyond the free places."""
RECOVER_SECONDS = 10.0
"""How often blocked deliveries are scanned for stuck ones."""
MAX_WINDOWS = 20
"""Windows that one claim reads: a long queue takes several claims."""
RELEASED = "released"
"""The result of an attempt that was interrupted because its worker was stopped: it does not count."""
LOST = "lost"
"""The result of an attempt whose worker crashed before it recorded one."""


def claim(
    connection: Connection,
    worker: str,
    free: Mapping[str, int],
    lease_seconds: float,
    total: int = 1000,
    holding: Collection[int] = (),
) -> list[Claim]:
    """Lease due deliveries to a worker: to each handler at most as many as it has `free` places, `total` in all.

    Of one call only the earliest unfinished delivery of a handler can be claimed, so its events stay in order. A
    delivery whose lease has ended is claimed again, and its attempt is recorded as lost; but never one that the worker
    is `holding` itself.
    """
    now = now_us(connection)
    taken: list[Any] = []
    for handler, places in free.items():
        taken += _lock_due(connection, handler, min(places, total - len(taken)), now, holding)
    if not taken:
        return []
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_([row.id for row in taken]))
        .values(
            state=State.RUNNING,
            worker=worker,
            attempts=deliveries.c.attempts + 1,
            due_at=from_microseconds(now + int(lease_seconds * 1_000_000)),
        )
    )
    _record_lost(connection, [row for row in taken if row.state == State.RUNNING], now)
    return _claims(connection, taken)


def _lock_due(connection: Connection, handler: str, places: int, now: int, holding: Collection[int]) -> list[Any]:
    """Lock due rows of a handler until its places are filled; those that must wait for their call are blocked."""
    taken: dict[int, Any] = {}
    window = {"handler": handler, "now": from_microseconds(now), "window": places + WINDOW}
    for _ in range(MAX_WINDOWS):
        if len(taken) >= places:
            break
        rows = connection.execute(_DUE, window).all()
        blocked = [row for row in rows if row.head < row.id or row.other_runs]
        blocked_ids = {row.id for row in blocked}
        free = [row for row in rows if row.id not in blocked_ids and row.id not in taken and row.id not in holding]
        taken |= {row.id: row for row in free[: places - len(taken)]}
        if not blocked:
            break
        _block(connection, handler, blocked, now)  # they leave the window, so the next one has other rows
    return list(taken.values())


def _block(connection: Connection, handler: str, blocked: Sequence[Any], now: int) -> None:
    """Block deliveries behind an unfinished one of their call; finishing it unblocks them."""
    calls = {row.call_key: row.head if row.head < row.id else row.id - 1 for row in blocked}
    for call_key, head in calls.items():
        connection.execute(
            _BLOCK, {"of_handler": handler, "of_call": call_key, "head": head, "now": from_microseconds(now)}
        )
    crashed = [row.id for row in blocked if row.state == State.RUNNING]
    if crashed:  # their lease has ended, and they are still blocked
        later = from_microseconds(now) + timedelta(seconds=RECOVER_SECONDS)
        connection.execute(update(deliveries).where(deliveries.c.id.in_(crashed)).values(due_at=later))


_RUNNING: ColumnElement[str] = literal_column("'running'")
_other = deliveries.alias("other")
_same_call = and_(_other.c.handler == deliveries.c.handler, _other.c.call_key == deliveries.c.call_key)
_head = select(func.min(_other.c.id)).where(_same_call, _other.c.due_at.is_not(None)).scalar_subquery()
# A requeued delivery, or one whose number was allocated before another's, may find a later one running.
_other_runs = select(_other.c.id).where(_same_call, _other.c.state == _RUNNING, _other.c.id != deliveries.c.id).exists()
_DUE = (
    select(
        deliveries.c.id,
        deliveries.c.callback_id,
        deliveries.c.handler,
        deliveries.c.call_key,
        deliveries.c.attempts,
        deliveries.c.forgiven,
        deliveries.c.state,
        _head.label("head"),
        _other_runs.label("other_runs"),
    )
    .where(deliveries.c.handler == bindparam("handler"), deliveries.c.due_at <= bindparam("now"))
    .order_by(deliveries.c.due_at, deliveries.c.id)
    .limit(bindparam("window"))
    .with_for_update(skip_locked=True, of=deliveries)  # SQLite has a single writer and needs no locks
)
_blocked_ids = (
    select(deliveries.c.id)
    .where(
        deliveries.c.handler == bindparam("of_handler"),
        deliveries.c.call_key == bindparam("of_call"),
        deliveries.c.id > bindparam("head"),
        deliveries.c.due_at <= bindparam("now"),
        deliveries.c.state == State.DUE,
    )
    .with_for_update(skip_locked=True)
)
_BLOCK = update(deliveries).where(deliveries.c.id.in_(_blocked_ids)).values(due_at=BLOCKED)


def make_next_due(connection: Connection, finished: Sequence[int], now: int) -> int:
    """Make due the next delivery of each call to the same handler, after these have finished; how many."""
    made = 0
    for start in range(0, len(finished), CHUNK):
        done = deliveries.alias("done")
        following = (
            select(func.min(deliveries.c.id))
            .join(done, and_(done.c.handler == deliveries.c.handler, done.c.call_key == deliveries.c.call_key))
            .where(done.c.id.in_(finished[start : start + CHUNK]), deliveries.c.due_at.is_not(None))
            .group_by(deliveries.c.handler, deliveries.c.call_key)
        )
        # No condition on due_at: a worker may be blocking it at this moment, and the update must wait for that.
        updated = connection.execute(
            update(deliveries)
            .where(deliveries.c.id.in_(following), deliveries.c.state == State.DUE)
            .values(due_at=from_microseconds(now))
        )
        made += int(updated.rowcount)
    return made


def recover_stuck(connection: Connection, handlers: Sequence[str]) -> int:
    """Make due the blocked deliveries that no unfinished one precedes any more; how many.

    A worker that blocked one while another finished the one before it may not have seen that.
    """
    stuck = (
        select(deliveries.c.id)
        .where(
            deliveries.c.handler.in_(handlers),
            deliveries.c.due_at == BLOCKED,
            _head == deliveries.c.id,
            ~_other_runs,
        )
        .with_for_update(skip_locked=True, of=deliveries)
    )
    now = from_microseconds(now_us(connection))
    return int(connection.execute(update(deliveries).where(deliveries.c.id.in_(stuck)).values(due_at=now)).rowcount)


def _record_lost(connection: Connection, rows: Sequence[Any], now: int) -> None:
    lost = [
        {
            "delivery_id": row.id,
            "number": row.attempts,
            "started_at": from_microseconds(now),
            "took_us": 0,
            "result": LOST,
            "error": "the worker crashed: its lease ended before it recorded a result",
            "traceback": "",
        }
        for row in rows
    ]
    if lost:
        connection.execute(insert(attempts), lost)


def _claims(connection: Connection, taken: Sequence[Any]) -> list[Claim]:
    wanted = {row.callback_id for row in taken}
    found = connection.execute(journal.SELECT_CALLBACK.where(callbacks.c.id.in_(wanted)))
    by_id = {row.id: journal.stored(row) for row in found}
    return [
        Claim(
            delivery_id=row.id,
            handler=row.handler,
            attempt=row.attempts + 1,
            uncounted_attempts=row.forgiven,
            callback=by_id[row.callback_id],
        )
        for row in taken
    ]


def finish(
    connection: Connection, finishes: Sequence[Finish], made_due: Callable[[int], None] = lambda _: None
) -> list[bool]:
    """Record the results of attempts. False where the lease had ended and another worker has taken over.

    `made_due` is called with the number of deliveries that are due as a result, now or later, if there are any.
    """
    now = now_us(connection)
    held = _held(connection, finishes)
    kept = [finish for finish in finishes if (finish.delivery_id, finish.worker, finish.attempt) in held]
    if kept:
        connection.execute(_FINISH, [_finish_row(finish, now) for finish in kept])
        ended = [finish.delivery_id for finish in kept if finish.state is not State.DUE]
        if due := make_next_due(connection, ended, now) + len(kept) - len(ended):
            made_due(due)
    failures = [_attempt_row(finish, now) for finish in kept if finish.result != "done"]
    if failures:
        connection.execute(insert(attempts), failures)
    return [(finish.delivery_id, finish.worker, finish.attempt) in held for finish in finishes]


def _held(connection: Connection, finishes: Sequence[Finish]) -> set[tuple[int, str, int]]:
    running = (
        select(deliveries.c.id, deliveries.c.worker, deliveries.c.attempts)
        .where(
            deliveries.c.id.in_([finish.delivery_id for finish in finishes]),
            deliveries.c.state == State.RUNNING,
        )
        .order_by(deliveries.c.id)  # the same order as in `renew`
        .with_for_update()
    )
    return {(row.id, row.worker, row.attempts) for row in connection.execute(running)}


_FINISH = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("of"))
    .values(
        state=bindparam("new_state"),
        due_at=bindparam("new_due_at"),
        reason=bindparam("new_reason"),
        finished_at=bindparam("new_finished_at"),
        forgiven=deliveries.c.forgiven + bindparam("uncounted"),
        worker="",
    )
)


def _finish_row(finish: Finish, now: int) -> dict[str, Any]:
    again = finish.state is State.DUE
    return {
        "of": finish.delivery_id,
        "new_state": finish.state,
        "new_due_at": from_microseconds(now + int(finish.retry_in * 1_000_000)) if again else None,
        "new_reason": clean(finish.error, LONGEST_ERROR),
        "uncounted": int(finish.result == RELEASED),
        "new_finished_at": None if again else from_microseconds(now),
    }


def _attempt_row(finish: Finish, now: int) -> dict[str, Any]:
    return {
        "delivery_id": finish.delivery_id,
        "number": finish.attempt,
        "started_at": finish.started_at or from_microseconds(now),
        "took_us": finish.took_us,
        "result": finish.result,
        "error": clean(finish.error, LONGEST_ERROR),
        "traceback": clean(finish.traceback),
    }


def renew(connection: Connection, worker: str, ids: Sequence[int], lease_seconds: float) -> list[int]:
    """Renew the leases that this worker still holds; the numbers of those."""
    until = from_microseconds(now_us(connection) + int(lease_seconds * 1_000_000))
    held = (
        select(deliveries.c.id)
        .where(deliveries.c.id.in_(ids), deliveries.c.worker == worker, deliveries.c.state == State.RUNNING)
        .order_by(deliveries.c.id)
        .with_for_update()
    )
    mine = list(connection.execute(held).scalars())
    connection.execute(update(deliveries).where(deliveries.c.id.in_(mine)).values(due_at=until))
    return mine


def release_unknown(connection: Connection, worker: str, holding: Collection[int]) -> int:
    """Make due what is leased to this worker but not in `holding`; the attempt does not count. Returns how many."""
    unknown = (
        select(deliveries.c.id)
        .where(deliveries.c.state == _RUNNING, deliveries.c.worker == worker, deliveries.c.id.not_in(holding))
        .order_by(deliveries.c.id)
        .with_for_update()
    )
    released = update(deliveries).where(deliveries.c.id.in_(unknown))
    values = {
        "state": State.DUE,
        "due_at": from_microseconds(now_us(connection)),
        "forgiven": deliveries.c.forgiven + 1,
        "worker": "",
    }
    return int(connection.execute(released.values(values)).rowcount)


def seconds_to_next(connection: Connection, handlers: Sequence[str]) -> float | None:
    """Seconds until the next delivery to these handlers is due; None if there is none."""
    soonest = select(func.min(deliveries.c.due_at)).where(
        deliveries.c.handler.in_(handlers), deliveries.c.due_at.is_not(None)
    )
    due_at = connection.execute(soonest).scalar_one_or_none()
    if due_at is None:
        return None
    left = due_at - from_microseconds(now_us(connection))
    return float(max(0.0, left.total_seconds()))


def of_callback(connection: Connection, callback_id: int) -> list[Delivery]:
    """The deliveries of a callback with their failed attempts, in order."""
    rows = connection.execute(
        select(deliveries).where(deliveries.c.callback_id == callback_id).order_by(deliveries.c.id)
    )
    found = {row.id: as_delivery(row) for row in rows}
    tries = connection.execute(
        select(attempts).where(attempts.c.delivery_id.in_(found)).order_by(attempts.c.delivery_id, attempts.c.number)
    )
    for row in tries:
        fields = dict(row._mapping)
        delivery = found[fields.pop("delivery_id")]
        found[delivery.id] = replace(delivery, failures=(*delivery.failures, Attempt(**fields)))
    return list(found.values())


def as_delivery(row: Any) -> Delivery:
    """The value of a row of the table."""
    fields = {name: value for name, value in row._mapping.items() if name not in {"call_key", "worker", "forgiven"}}
    due_at = None if row.due_at == BLOCKED else row.due_at
    return Delivery(**{**fields, "state": State(row.state), "due_at": due_at})


def counts(connection: Connection) -> dict[tuple[str, State], int]:
    """How many deliveries are in each state, by handler."""
    rows = connection.execute(
        select(deliveries.c.handler, deliveries.c.state, func.count()).group_by(
            deliveries.c.handler, deliveries.c.state
        )
    )
    return {(handler, State(state)): count for handler, state, count in rows}


def unfinished(connection: Connection) -> dict[str, int]:
    """How many deliveries wait or run for each handler's name."""
    rows = connection.execute(
        select(deliveries.c.handler, func.count())
        .where(deliveries.c.due_at.is_not(None))
        .group_by(deliveries.c.handler)
    )
    return {handler: count for handler, count in rows}  # noqa: C416 - a row is not a pair to the type checker


def get(connection: Connection, delivery_id: int) -> Delivery | None:
    """The delivery of that number with its failed attempts."""
    callback_id = connection.execute(
        select(deliveries.c.callback_id).where(deliveries.c.id == delivery_id)
    ).scalar_one_or_none()
    if callback_id is None:
        return None
    return next(delivery for delivery in of_callback(connection, callback_id) if delivery.id == delivery_id)
