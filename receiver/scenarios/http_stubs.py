"""HTTP stubs: replies to the requests of handlers while a scenario runs, instead of the network."""

from collections import Counter
from collections.abc import Iterable, Sequence

import httpx

from receiver.scenarios.checks import Problem
from receiver.scenarios.model import StubbedHttp


class StubTransport(httpx.AsyncBaseTransport):
    """Answers requests of `ctx.http` with the scenario's stubs; a request without a stub fails."""

    def __init__(self, stubs: Sequence[StubbedHttp]) -> None:
        self._stubs = stubs
        self._requests: Counter[int] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The next status of the first stub that matches. Raises httpx.ConnectError if none does."""
        for number, stub in enumerate(self._stubs):
            if str(request.url).startswith(stub.url) and stub.method.upper() in {"", request.method}:
                status = stub.statuses[min(self._requests[number], len(stub.statuses) - 1)]
                self._requests[number] += 1
                return httpx.Response(status, text=stub.body, request=request)
        raise httpx.ConnectError(
            f"the scenario has no [[http]] for {request.method} {request.url}, and scenarios use no network",
            request=request,
        )

    def problems(self) -> Iterable[Problem]:
        """Problems: stubs that were not called as often as the scenario expects."""
        for number, stub in enumerate(self._stubs):
            if stub.requests is not None and stub.requests != self._requests[number]:
                yield Problem(f"{stub.url} got {self._requests[number]} request(s), not {stub.requests}")
