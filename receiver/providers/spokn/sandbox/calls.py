"""The call behind the API: two legs, retries of the first one, and a status post for each."""

from collections.abc import Mapping
from typing import ClassVar

from receiver.providers.base.simulation import CalleeOutcome, CallSetup, CallState, Sound
from receiver.providers.spokn.events import StatusCode
from receiver.providers.spokn.simulation import ClickToCall

LONGEST_RING = 60.0
"""Seconds a leg rings; the document names no limit."""
RETRIED = (CalleeOutcome.BUSY, CalleeOutcome.UNAVAILABLE)
"""What makes the first leg be dialled again: "number busy or unreachable" (002:43)."""


class SandboxCall(ClickToCall):
    """A click-to-call with the limits of its request. `token` is posted as it was given; it may be empty."""

    title: ClassVar[str] = "a click-to-call with its limits and retries"
    options: ClassVar[Mapping[str, str]] = {
        **ClickToCall.options,
        "token": "the memo of the request",
        "minutes": "the longest duration; 60 unless it is said",
        "maxretries": "how often the first leg is dialled again; 0 unless it is said",
        "retrytime": "seconds before that; 0 unless it is said",
    }

    def __init__(self, setup: CallSetup) -> None:
        super().__init__(setup)
        self._retries_left = int(setup.options.get("maxretries", "0"))
        self._waits_to_retry = False

    def ring_seconds(self) -> float:
        """No leg rings longer than LONGEST_RING."""
        return min(super().ring_seconds(), LONGEST_RING)

    def wait(self) -> None:
        """As in any call; or the pause before a retry has passed."""
        if self._waits_to_retry:
            self._waits_to_retry = False
            self._dial(1)
        else:
            super().wait()

    def _end_ringing(self) -> None:
        if self._leg == 1 and self._retries_left and self.callee.outcome in RETRIED:
            self._retries_left -= 1
            self._waits_to_retry = True
            self.timeout = float(self.setup.options.get("retrytime", "0"))
            self.hears = (Sound("silence"),)
            return
        super()._end_ringing()
        if self.state is CallState.TALKING:
            most = int(self.setup.options.get("minutes", "60")) * 60
            self.timeout = min(self.callee.talk_seconds, most)

    def _post(self, leg: int, status: StatusCode, seconds: int) -> dict[str, str]:
        return {**super()._post(leg, status, seconds), "token": self.setup.options.get("token", "")}
