"""The line to the receiver: sends requests, and reports connection errors."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx

from receiver.errors import ReceiverError
from receiver.providers.base.contract import HttpReply, Provider
from receiver.providers.base.simulation import OutgoingRequest
from receiver.simulator import Send
from receiver.web.callback_target import CallbackTarget

CONNECT_SECONDS = 3.0
"""How long it may take to reach the receiver."""


class NoReceiverError(ReceiverError):
    """Nothing listens at the address; the message says which command starts a receiver."""


@dataclass
class Line:
    """Sends requests to `origin`; a reply that does not come is None, and `problem` says why."""

    send: Send
    origin: str
    problem: str = field(default="", init=False)
    """What went wrong with the last request; empty if it was answered."""

    async def __call__(self, request: OutgoingRequest) -> HttpReply | None:
        """The reply, or None."""
        self.problem = ""
        try:
            reply = await self.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            self.problem = nothing_listens(self.origin)
        except httpx.TransportError as error:
            self.problem = f"the connection broke before the reply was complete: {error or type(error).__name__}"
        else:
            self.problem = _problem_of(reply)
            return reply
        return None


def _problem_of(reply: HttpReply | None) -> str:
    if reply is None:
        return "no reply came while the provider waits"
    if reply.status in {401, 403, 404}:
        return (
            f"the receiver refused the request ({reply.status}): secret, password and path come from the settings of "
            "this folder; `receiver refused` beside the receiver says why"
        )
    return ""


def patience_of(provider: Provider[Any]) -> dict[str, float]:
    """Seconds that the provider waits for the reply to each kind, where they are known."""
    return {kind.name: kind.patience for kind in provider.kinds if kind.patience is not None}


async def require_receiver(target: CallbackTarget) -> None:
    """Raises NoReceiverError if nothing listens at the address."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(*target.host_and_port)
    except (OSError, TimeoutError) as error:
        raise NoReceiverError(nothing_listens(target.origin)) from error
    writer.close()


def nothing_listens(origin: str) -> str:
    """The message for an address where no receiver answers."""
    return f"no receiver answers at {origin}; start one with `receiver serve`"
