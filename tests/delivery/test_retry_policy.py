"""The back-off of failed deliveries."""

import pytest

from receiver.delivery.retry_policy import RetryPolicy

POLICY = RetryPolicy(attempts=5, first_pause=5, factor=3, ceiling=100, jitter=0.2)


@pytest.mark.parametrize(
    ("attempt", "random", "pause"),
    [
        (1, 0.0, 5.0),
        (1, 1.0, 6.0),
        (2, 0.0, 15.0),
        (3, 1.0, 54.0),
        (4, 0.0, 100.0),
        (4, 1.0, 100.0),
        (5, 0.0, None),
        (6, 0.0, None),
    ],
)
def test_pauses_grow_up_to_a_ceiling_and_end_after_the_last_attempt(
    attempt: int, random: float, pause: float | None
) -> None:
    """Jitter stretches a back-off, but never beyond the ceiling."""
    assert POLICY.pause_after(attempt, random) == pause


def test_a_very_late_attempt_has_a_pause_too() -> None:
    """The exponent is bounded."""
    assert RetryPolicy(attempts=10**6).pause_after(10**5, 1.0) == 3600.0
