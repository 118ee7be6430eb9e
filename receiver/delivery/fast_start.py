"""Fast start: deliveries that start right after the transaction that creates them.

Storing a delivery, claiming it, parsing its callback again and recording its result took four times as long as
receiving the callback. So the receiver leases a delivery to itself as it creates it, and runs it with the event that
is still in memory. The protocol, in the order of the calls:

1. `reserve` (called by the notify path before the callback is stored): places for its handlers, as a `LeaseRequest`.
   None while older deliveries wait in the journal, because those go first.
2. The journal stores callback and deliveries. It leases those of the request to this worker, except where an earlier
   delivery of the same call to the same handler is unfinished (`storage.enqueue`).
3. `begin` (called after the commit): the leased deliveries start, and the places are released. What was not leased is
   found by the next claim, like any other delivery.
4. `before_claim` and `after_claim` (called by the worker): whether a claim has seen everything, so that new deliveries
   may start at once again.

A crash changes nothing: the lease ends, and the attempt counts as lost. On PostgreSQL two receivers could start two
deliveries of one call at the same moment and break their order, so there every delivery is claimed.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord
from receiver.providers.base.subjects import Subjects
from storage import Appended, Claim, LeaseRequest, NewCallback
from storage.values import as_stored

MAX_PREFETCHED = 256
"""Deliveries to one handler that wait in memory for a place to run; with more, they wait in the journal alone."""

Start = Callable[[Claim, Subjects | None], None]
"""Runs a leased delivery as soon as there is a place for it."""


@dataclass(frozen=True, slots=True)
class ClaimMark:
    """What was in progress when a claim began."""

    unsettled: int
    missed: int


class FastStart:
    """Reserves places for new deliveries and starts those that the journal has leased.

    `prefetched` is how many deliveries to a handler wait in memory, or None for an unknown handler; `subject_of` is
    what a handler listens to.
    """

    def __init__(
        self,
        worker: str,
        lease_seconds: float,
        *,
        is_possible: bool,
        prefetched: Callable[[str], int | None],
        subject_of: Callable[[str], type[Event] | type[CallRecord]],
        start: Start,
        wake: Callable[[], None],
    ) -> None:
        self._worker = worker
        self._lease_seconds = lease_seconds
        self._is_possible = is_possible
        self._prefetched = prefetched
        self._subject_of = subject_of
        self._start = start
        self._wake = wake
        self._reserved: Counter[str] = Counter()
        self.is_behind = True
        """Whether older deliveries may wait in the journal that this worker could claim."""
        self._missed = self._unsettled = 0
        """Callbacks for which there was no place: all of them, and those that are not stored yet."""

    def stop(self) -> None:
        """Reserve no more."""
        self._is_possible = False

    def reserve(self, handlers: Sequence[str], total: int) -> LeaseRequest | None:
        """Reserve places for deliveries that are about to be created.

        `handlers` are those that may start at once, of `total` that a delivery is created for. Each call is followed
        by one of `begin`, whatever it returned.
        """
        free: tuple[str, ...] = ()
        if self._is_possible and not self.is_behind:
            free = tuple(name for name in handlers if self._has_room(name))
        if len(free) < total:
            self.is_behind = True
            self._missed += 1
        if not free:
            self._unsettled += 1
            return None
        self._reserved.update(free)
        return LeaseRequest(self._worker, self._lease_seconds, free)

    def _has_room(self, name: str) -> bool:
        waiting = self._prefetched(name)
        return waiting is not None and self._reserved[name] + waiting < MAX_PREFETCHED

    def begin(self, new: NewCallback, stored: Appended | None, subjects: Subjects | None) -> None:
        """Start the deliveries of a callback that were leased, and release its places.

        `stored` is None if it was not stored. Without `subjects` the callback is parsed again for its handlers.
        """
        if new.lease is None:
            self._unsettled -= 1
        else:
            self._reserved.subtract(new.lease.handlers)
        leased = stored.leased if stored else ()
        if len(leased) < len(new.deliveries):
            self._wake()
        if stored is None or not leased:
            return
        callback = as_stored(new, stored.id)
        for number, (name, delivery_id) in enumerate(leased):
            own = subjects
            if number and subjects is not None:
                own = subjects.copy_for(self._subject_of(name))
            self._start(Claim(delivery_id=delivery_id, handler=name, attempt=1, callback=callback), own)

    def before_claim(self) -> ClaimMark:
        """Mark the beginning of a claim."""
        return ClaimMark(self._unsettled, self._missed)

    def after_claim(self, mark: ClaimMark, *, found: bool, saw_all_handlers: bool) -> None:
        """End a claim: new deliveries may start at once if it left nothing and missed nothing."""
        saw_all = saw_all_handlers and not mark.unsettled and mark.missed == self._missed
        self.is_behind = found or not saw_all
