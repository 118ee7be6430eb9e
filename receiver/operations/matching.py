"""Match the rows of a call log with the callbacks that came: which are in both, and which in one of them alone."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from receiver.providers.base.call_log import CallLeg

_Key = Callable[[CallLeg], Hashable]
"""What two legs must share to be one; None for a leg that this says nothing of."""


@dataclass(frozen=True, slots=True)
class Matches:
    """The result, as places in the two sequences."""

    both: tuple[tuple[int, int], ...]
    only_there: tuple[int, ...]
    """In the call log alone."""
    only_here: tuple[int, ...]
    """In the journal alone."""


def match(logged: Sequence[CallLeg], stored: Sequence[CallLeg]) -> Matches:
    """Match each row with at most one callback, and each callback with at most one row.

    Call id and type come first. Where a call has several legs of one type, time and numbers decide; but a wrong time
    alone never parts a row from its callback, since zones are doubtful (B-19, I-16). Where a row or a callback has no
    call id, type, numbers and time must be equal.
    """
    there, here = set(range(len(logged))), set(range(len(stored)))
    both: list[tuple[int, int]] = []
    for key_there, key_here in _PASSES:
        places = _by_key(logged, there, key_there)
        for key, waiting in _by_key(stored, here, key_here).items():
            for pair in zip(places.get(key, ()), waiting, strict=False):
                both.append(pair)
                there.discard(pair[0])
                here.discard(pair[1])
    return Matches(tuple(sorted(both)), tuple(sorted(there)), tuple(sorted(here)))


def differences(logged: CallLeg, stored: CallLeg) -> dict[str, tuple[str, str]]:
    """What the call log and a callback report differently of one leg: what is there and what is here, by its name."""
    found: dict[str, tuple[str, str]] = {}
    if None not in (logged.duration_seconds, stored.duration_seconds):
        found["duration"] = (str(logged.duration_seconds), str(stored.duration_seconds))
    if logged.status and stored.status:
        found["status"] = (logged.status.strip().upper(), stored.status.strip().upper())
    if logged.price is not None and stored.price is not None and logged.price * 100 != stored.price:
        found["price"] = (f"{logged.price.normalize():f}", f"{stored.price.normalize():f}")
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def _by_key(legs: Sequence[CallLeg], places: Iterable[int], key: _Key) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = defaultdict(list)
    for place in sorted(places, key=lambda place: (legs[place].started or _NEVER, place)):
        if (shared := key(legs[place])) is not None:
            found[shared].append(place)
    return found


_NEVER = datetime.max.replace(tzinfo=UTC)


def _with_id(key: _Key) -> _Key:
    return lambda leg: key(leg) if leg.call_id else None


_BY_TYPE = _with_id(lambda leg: (leg.call_id, leg.type))
_BY_CALL = _with_id(lambda leg: leg.call_id)
_BY_CALL_WITHOUT_TYPE = _with_id(lambda leg: None if leg.type else leg.call_id)


def _by_time(leg: CallLeg) -> Hashable:
    return None if leg.started is None or not any(leg.numbers) else (leg.type, leg.numbers, leg.started)


def _without_id(leg: CallLeg) -> Hashable:
    return None if leg.call_id else _by_time(leg)


_PASSES: tuple[tuple[_Key, _Key], ...] = tuple(
    [
        (key, key)
        for key in (
            _with_id(lambda leg: (leg.call_id, leg.type, leg.started, leg.numbers)),
            _with_id(lambda leg: (leg.call_id, leg.type, leg.started)),
            # Without the time, which may be off by a zone: equal legs of one call differ in length and status.
            _with_id(lambda leg: (leg.call_id, leg.type, leg.numbers, leg.duration_seconds, leg.status)),
            _with_id(lambda leg: (leg.call_id, leg.type, leg.numbers)),
            _BY_TYPE,
        )
    ]
    + [
        (_BY_CALL_WITHOUT_TYPE, _BY_CALL),
        (_BY_CALL, _BY_CALL_WITHOUT_TYPE),
        (_without_id, _without_id),
        (_without_id, _by_time),
        (_by_time, _without_id),
    ]
)
"""What must be equal there and here, the strictest first."""
