"""How much the receiver takes on at one moment; what is more is turned away at once, and the sender tries again."""

from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from time import monotonic

KEPT_FOR_QUESTIONS = 4
"""One in so many requests is kept for URLs where only questions arrive: somebody is on the line there."""


class Admission:
    """Counts what is under way. All limits are those of the settings of the same names; 0 is none."""

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
        """Take a request on, if there is room; `asks` says that only questions arrive at its URL."""
        most = self._max_requests if asks else self._max_requests - self._max_requests // KEPT_FOR_QUESTIONS
        if self._requests >= most:
            return False
        self._requests += 1
        return True

    def end(self) -> None:
        """A request that was taken on has its reply."""
        self._requests -= 1

    def hold(self, size: int) -> bool:
        """Take so many bytes into memory, if there is room."""
        if self._bytes + size > self._max_pending_bytes:
            return False
        self._bytes += size
        return True

    def free(self, size: int) -> None:
        """Bytes that were held are no longer needed."""
        self._bytes -= size


def _sender(address: str) -> str:
    """Who is counted: an IPv4 address, or an IPv6 network of 64 bits, of which one sender has all addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return parsed.exploded[:19] if isinstance(parsed, IPv6Address) and not parsed.ipv4_mapped else address
