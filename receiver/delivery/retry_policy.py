"""When a failed delivery is tried again: a pure decision."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how far apart. Pauses are seconds."""

    attempts: int = 10
    """Tries in all; after the last one the delivery is dead."""
    first_pause: float = 5.0
    factor: float = 3.0
    ceiling: float = 3600.0
    """No pause is longer, whatever the exponent says."""
    jitter: float = 0.2
    """Each pause is stretched by up to this share, so that what failed together is not tried together."""
    is_immediate: bool = False
    """No pause at all, whatever a handler asks for: for tests of handlers."""

    def pause_after(self, attempt: int, jitter: float) -> float | None:
        """Seconds to wait after attempt number `attempt` failed; None when it was the last.

        `jitter` is a random number from 0 to 1: the share of the policy's jitter to add.
        """
        if attempt >= self.attempts:
            return None
        if self.is_immediate:
            return 0.0
        # The exponent is bounded before it is used: 3.0 ** 1000 is no number.
        pause = min(self.ceiling, self.first_pause * self.factor ** min(attempt - 1, 60))
        return min(self.ceiling, pause * (1 + self.jitter * jitter))

    def requested_pause(self, after: float) -> float:
        """Seconds to wait where the handler asked for a pause of `after` seconds."""
        return 0.0 if self.is_immediate else max(0.0, after)
