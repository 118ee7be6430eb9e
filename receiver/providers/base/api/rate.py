"""Keeps a client within a limit of requests, without a clock and without sleeping."""

from collections import deque
from threading import Lock


class RequestBudget:
    """Allows at most `requests` in any `seconds`: a sliding window.

    A token bucket would let twice as many pass in its first window: a full bucket, and what flows in meanwhile.
    """

    def __init__(self, requests: int, seconds: float) -> None:
        self._seconds = seconds
        self._starts: deque[float] = deque(maxlen=requests)
        self._lock = Lock()

    def reserve(self, now: float) -> float:
        """Take one place. Returns the seconds to wait before it may be used; `now` is any monotonic clock."""
        with self._lock:
            is_full = len(self._starts) == self._starts.maxlen
            start = max(now, self._starts[0] + self._seconds) if is_full else now
            self._starts.append(start)
            return start - now
