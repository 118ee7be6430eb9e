"""Spokn's side of a click-to-call, written from its document: two legs, and a status post for each."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from urllib.parse import urlencode

from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import (
    CalleeOutcome,
    CallSetup,
    CallState,
    OutgoingRequest,
    ReplyFault,
    SimulatedCall,
    Sound,
)
from receiver.providers.spokn.events import StatusCode
from receiver.wire import Format

CENTS_A_MINUTE = Decimal("1.5")
STATUSES = {
    CalleeOutcome.ANSWERED: StatusCode.SUCCESS,
    CalleeOutcome.BUSY: StatusCode.NUMBER_BUSY,
    CalleeOutcome.NO_ANSWER: StatusCode.NO_ANSWER,
    CalleeOutcome.REJECTED: StatusCode.OTHER_ERROR,
    CalleeOutcome.UNAVAILABLE: StatusCode.ROUTE_CONGESTED,
    CalleeOutcome.INVALID_NUMBER: StatusCode.INVALID_NUMBER,
}
"""The status of a leg by its outcome (G-08)."""


class ClickToCall(SimulatedCall):
    """A click-to-call: the caller's leg first, then the other one. The token is the call id.

    Each leg that was dialled is posted when the call is over, leg 1 first (G-03). If leg 1 fails, leg 2 is not dialled.
    """

    title: ClassVar[str] = "a click-to-call with its two legs"
    formats: ClassVar[tuple[Format, ...]] = (Format.FORM, Format.JSON)
    options: ClassVar[Mapping[str, str]] = {"userid": "the Spokn ID that asked for the call"}

    def __init__(self, setup: CallSetup) -> None:
        super().__init__(setup)
        self._leg = 0
        self._dialed: dict[int, datetime] = {}
        self._talk_began = setup.now()
        self._posts: list[dict[str, str]] = []

    def start(self) -> None:
        """The first party rings."""
        self._dial(1)

    def _dial(self, leg: int) -> None:
        self._leg = leg
        self._dialed[leg] = self.setup.now()
        self.position = f"leg {leg}"
        self.state, self.timeout = CallState.DIALING, self.callee.ring_seconds
        self.hears = (Sound("ringing", self.setup.caller if leg == 1 else self.setup.did),)

    def wait(self) -> None:
        """A party picks up or not, or the talk ends."""
        if self.state is CallState.TALKING:
            self._end(int(self.timeout or 0))
        elif self.state is CallState.DIALING:
            self._end_ringing()

    def _end_ringing(self) -> None:
        if self.callee.outcome is not CalleeOutcome.ANSWERED:
            self._add_post(self._leg, STATUSES[self.callee.outcome], 0)
            self._end(0)
        elif self._leg == 1:
            self._dial(2)
        else:
            self.state, self.timeout = CallState.TALKING, self.callee.talk_seconds
            self._talk_began = self.setup.now()
            self.hears = (Sound("speech", self.setup.did),)

    def hang_up(self) -> None:
        """The first party hangs up; while it rings, the call is cancelled before answer."""
        if self.state is CallState.TALKING:
            self._end(int((self.setup.now() - self._talk_began).total_seconds()))
        elif self.state is CallState.DIALING:
            self._add_post(self._leg, StatusCode.CALL_CANCELLED_BEFORE_ANSWER, 0)
            self._end(0)

    def _end(self, talk: int) -> None:
        if self.state is CallState.TALKING:
            self._add_post(1, StatusCode.SUCCESS, talk)
            self._add_post(2, StatusCode.SUCCESS, talk)
        elif self._leg == 2 and self._posts:
            self._posts.insert(0, self._post(1, StatusCode.SUCCESS, 0))
        self.state, self.timeout, self.hears = CallState.ENDED, None, ()
        self._outbox.extend(map(self._request, self._posts))

    def _add_post(self, leg: int, status: StatusCode, seconds: int) -> None:
        self._posts.append(self._post(leg, status, seconds))

    def _post(self, leg: int, status: StatusCode, seconds: int) -> dict[str, str]:
        minutes = -(-seconds // 60)
        return {
            "userid": self.setup.options.get("userid", "1234567"),
            "aparty": self.setup.caller,
            "bparty": self.setup.did,
            "leg": str(leg),
            "start": self._dialed[leg].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "duration": str(seconds),
            "token": self.call_id,
            "rate": str(CENTS_A_MINUTE),
            "cost": str(CENTS_A_MINUTE * minutes),
            "status": str(int(status)),
        }

    def _request(self, post: Mapping[str, str]) -> OutgoingRequest:
        if self.format is Format.JSON:
            return OutgoingRequest("STATUS", json.dumps(post).encode(), (("Content-Type", "application/json"),))
        headers = (("Content-Type", "application/x-www-form-urlencoded"),)
        return OutgoingRequest("STATUS", urlencode(post).encode(), headers)

    def receive(self, request: OutgoingRequest, reply: HttpReply | None) -> None:
        """Check the HTTP status: the document asks for no body (G-02)."""
        if reply is None:
            self.faults.append(ReplyFault("no reply came in time", "G-02"))
        elif reply.status != 200:
            self.faults.append(ReplyFault(f"the HTTP status is {reply.status}, not 200", "G-02"))
