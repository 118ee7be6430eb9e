"""The sandbox's own API: calls to place and to look at, and the faults of callbacks."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from receiver.errors import ReceiverError
from receiver.providers.base.sandbox import PlacedCall, SandboxApi, WantedCall
from receiver.sandbox.exchange import TelephoneExchange
from receiver.sandbox.settings import CallbackFaults, problems_of

LONGEST_WAIT = 300.0
"""Real seconds of a request that waits."""


def call_values(placed: PlacedCall) -> dict[str, Any]:
    """A call as plain values."""
    return {
        "number": placed.number,
        "provider": placed.plan.provider,
        "kind": placed.plan.kind,
        "call_id": placed.call.call_id,
        "parties": list(placed.plan.parties),
        "began": placed.began.isoformat(timespec="seconds"),
        "state": str(placed.call.state),
        "callbacks": [
            {"kind": one.kind, "result": one.result, "status": one.status} for one in tuple(placed.callbacks)
        ],
        "faults": list(placed.faults),
    }


class Description(BaseModel):
    """An incoming call as the control API takes it: POST /sandbox/calls."""

    model_config = {"extra": "forbid"}

    provider: str = "voicenter"
    play: str = ""
    caller: str = "0540000000"
    did: str = ""
    keys: str | list[str] = ""
    """Keys that are pressed, such as "12#"; or a list of actions, such as ["1", "wait", "hangup"]."""
    options: dict[str, str] = Field(default_factory=dict)
    callbacks: str = ""
    count: int = Field(default=1, ge=1, le=10_000)
    """How many such calls to place."""

    @property
    def wanted(self) -> WantedCall:
        """The call."""
        keys = tuple(self.keys)
        return WantedCall(self.play, self.caller, self.did, keys, self.options, self.callbacks)


class ControlApi:
    """The routes below /sandbox."""

    def __init__(self, exchange: TelephoneExchange, parts: Mapping[str, SandboxApi]) -> None:
        self._exchange = exchange
        self._parts = parts

    def routes(self) -> list[BaseRoute]:
        """For the app."""
        return [
            Route("/sandbox", self._state, methods=["GET"]),
            Route("/sandbox/calls", self._calls, methods=["GET"]),
            Route("/sandbox/calls", self._place, methods=["POST"]),
            Route("/sandbox/calls/{number:int}", self._call, methods=["GET", "DELETE"]),
            Route("/sandbox/callbacks", self._set_faults, methods=["PUT"]),
            Route("/sandbox/idle", self._idle, methods=["GET"]),
        ]

    def state(self) -> dict[str, Any]:
        """Seed, speed, faults and figures."""
        calls = self._exchange.calls
        callbacks: dict[str, int] = {}
        for placed in calls:
            for one in placed.callbacks:
                callbacks[one.result] = callbacks.get(one.result, 0) + 1
        return {
            "receiver": self._exchange.settings.receiver,
            "seed": self._exchange.settings.seed,
            "speed": self._exchange.speed,
            "faults": self._exchange.sender.faults.model_dump(),
            "calls": len(calls),
            "live": sum(placed.is_live for placed in calls),
            "callbacks": callbacks,
        }

    def place(self, description: Description) -> list[PlacedCall]:
        """Place incoming calls. Raises SimulationError that says what the provider has."""
        part = self._parts.get(description.provider)
        if part is None:
            raise ReceiverError(f"there is no provider {description.provider!r}; there are {', '.join(self._parts)}")
        return [part.incoming(description.wanted) for _ in range(description.count)]

    async def _state(self, _request: Request) -> Response:
        return JSONResponse(self.state())

    async def _calls(self, request: Request) -> Response:
        wanted = request.query_params
        calls = [call_values(placed) for placed in self._exchange.calls]
        return JSONResponse(
            [one for one in calls if all(str(one.get(name)) == value for name, value in wanted.items())]
        )

    async def _place(self, request: Request) -> Response:
        try:
            description = Description.model_validate(await _json(request))
            return JSONResponse([call_values(placed) for placed in self.place(description)], 201)
        except ValidationError as error:
            return _refused(problems_of(error))
        except (ReceiverError, ValueError) as error:
            return _refused(str(error))

    async def _call(self, request: Request) -> Response:
        number = request.path_params["number"]
        if not 0 < number <= len(self._exchange.calls):
            return JSONResponse({"error": f"there is no call {number}; GET /sandbox/calls lists them"}, 404)
        placed = self._exchange.calls[number - 1]
        if request.method == "DELETE":
            placed.hang_up()
        return JSONResponse(call_values(placed))

    async def _set_faults(self, request: Request) -> Response:
        try:
            known = self._exchange.sender.faults.model_dump()
            self._exchange.sender.faults = CallbackFaults.model_validate(known | await _json(request))
        except ValidationError as error:
            return _refused(problems_of(error))
        except ValueError as error:
            return _refused(str(error))
        return JSONResponse(self.state())

    async def _idle(self, request: Request) -> Response:
        text = request.query_params.get("timeout", "30")
        try:
            seconds = min(max(float(text), 0.0), LONGEST_WAIT)
        except ValueError:
            return _refused(f"timeout is {text!r}; write a number of seconds")
        is_idle = await self._exchange.idle(seconds)
        return JSONResponse({**self.state(), "idle": is_idle}, 200 if is_idle else 504)


async def _json(request: Request) -> dict[str, Any]:
    try:
        values = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise ValueError(f"the body is no JSON: {error}") from error
    if not isinstance(values, dict):
        raise ValueError('the body is no JSON object; write one such as {"did": "0730000000"}')  # noqa: TRY004
    return values


def _refused(problem: str) -> Response:
    return JSONResponse({"error": problem}, 422)
