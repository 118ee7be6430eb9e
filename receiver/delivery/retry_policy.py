"""When a failed delivery is retried: a pure function of the attempt and a random number."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How many attempts, and with which back-off. Times are in seconds."""

    attempts: int = 10
    """Attempts in all; after the last one the delivery is dead."""
    first_pause: float = 5.0
    factor: float = 3.0
    ceiling: float = 3600.0
    """Upper limit of the back-off."""
    jitter: float = 0.2
    """Each back-off is stretched by up to this share, so that what failed together is not retried together."""
    is_immediate: bool = False
    """No back-off, whatever a handler asks for: for tests of handlers."""

    def pause_after(self, attempt: int, jitter: float) -> float | None:
        """Seconds to wait after attempt number `attempt` failed; None if it was the last.

        `jitter` is a random number from 0 to 1: the share of the policy's jitter to add.
        """
        if attempt >= self.attempts:
            return None
        if self.is_immediate:
            return 0.0
        # The exponent is bounded, because 3.0 ** 1000 overflows.
        pause = min(self.ceiling, self.first_pause * self.factor ** min(attempt - 1, 60))
        return min(self.ceiling, pause * (1 + self.jitter * jitter))

    def requested_pause(self, after: float) -> float:
        """Seconds to wait where the handler asked for a pause of `after` seconds."""
        return 0.0 if self.is_immediate else max(0.0, after)
