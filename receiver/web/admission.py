"""Admission: limits on the work in progress. What exceeds them is rejected at once, and the sender retries."""

from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from time import monotonic

RESERVED_FOR_QUESTIONS = 4
"""One in so many requests is reserved for questions, whatever URL they come to: a caller is waiting."""


class Admission:
    """Counts requests and bytes in progress. The limits are the settings of the same names."""

    def __init__(
        self,
        *,
        max_requests: int,
        max_pending_bytes: int,
        max_rate_per_address: int = 0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._max_requests = max_requests
        self._max_pending_bytes = max_pending_bytes
        self._max_rate = max_rate_per_address
        self._clock = clock
        self._requests = 0
        self._bytes = 0
        self._second = 0
        self._in_second: Counter[str] = Counter()

    @property
    def requests(self) -> int:
        """Requests that wait for their reply."""
        return self._requests

    @property
    def pending_bytes(self) -> int:
        """Bytes of their bodies, and of those that are still arriving."""
        return self._bytes

    def is_too_fast(self, address: str) -> bool:
        """Whether this address has used up its requests of this second; counts one more."""
        if not self._max_rate:
            return False
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._in_second.clear()
        sender = _sender(address)
        self._in_second[sender] += 1
        return self._in_second[sender] > self._max_rate

    def begin(self, *, asks: bool) -> bool:
        """Admit a request if there is room; `asks` says that it is a question."""
        most = self._max_requests if asks else self._max_requests - self._max_requests // RESERVED_FOR_QUESTIONS
        if self._requests >= most:
            return False
        self._requests += 1
        return True

    def end(self) -> None:
        """An admitted request has its reply."""
        self._requests -= 1

    def hold(self, size: int) -> bool:
        """Reserve so many bytes of memory, if there is room."""
        if self._bytes + size > self._max_pending_bytes:
            return False
        self._bytes += size
        return True

    def free(self, size: int) -> None:
        """Release bytes that were reserved."""
        self._bytes -= size


def _sender(address: str) -> str:
    """What is counted: an IPv4 address, or an IPv6 /64 network, because one sender has all addresses of it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return parsed.exploded[:19] if isinstance(parsed, IPv6Address) and not parsed.ipv4_mapped else address
