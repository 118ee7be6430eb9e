"""Questions that were answered here and are not in the journal yet, for the history of their call.

A question is stored after its reply, so its caller may press the next key before the commit.
"""

from collections import deque

from storage import Appended, NewCallback

MAX_KEPT_BYTES = 8 * 1024 * 1024
"""Bytes of bodies and replies that are kept although their rows are in the spool, while the database is unreachable."""


class UncommittedRows:
    """Rows by their call, from their submission to their commit; a row that did not reach the journal stays longer.

    Those that stay are dropped, the oldest first, when they exceed `max_kept_bytes`.
    """

    def __init__(self, max_kept_bytes: int = MAX_KEPT_BYTES) -> None:
        self._max_kept_bytes = max_kept_bytes
        self._by_call: dict[str, list[NewCallback]] = {}
        self._kept: deque[NewCallback] = deque()
        self._kept_bytes = 0

    def __len__(self) -> int:
        return sum(map(len, self._by_call.values()))

    def of_call(self, call_key: str) -> tuple[NewCallback, ...]:
        """The rows of a call, in the order of their submission."""
        return tuple(self._by_call.get(call_key, ()))

    def add(self, row: NewCallback) -> None:
        """Keep a row that is submitted to the journal. Each call must be followed by a call of `settle`."""
        if row.call_key:
            self._by_call.setdefault(row.call_key, []).append(row)

    def settle(self, row: NewCallback, stored: Appended | None) -> None:
        """The commit has ended: drop the row if it is in the journal. `stored` is None if it was not stored at all."""
        if not row.call_key:
            return
        if stored is not None and stored.id:
            self._drop(row)
            return
        self._kept.append(row)
        self._kept_bytes += _size(row)
        while self._kept_bytes > self._max_kept_bytes:
            oldest = self._kept.popleft()
            self._kept_bytes -= _size(oldest)
            self._drop(oldest)

    def _drop(self, row: NewCallback) -> None:
        rows = self._by_call[row.call_key]
        rows[:] = [other for other in rows if other is not row]
        if not rows:
            del self._by_call[row.call_key]


def _size(row: NewCallback) -> int:
    return len(row.body) + len(row.query) + len(row.reply_body) + len(row.call_state or b"")
