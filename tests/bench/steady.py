"""A provider with a steady rate of questions on a few connections, however long the answers take."""

import http.client
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.bench.payloads import Payload

CONNECTIONS = 16
"""Enough that a question rarely has to wait for a connection, if answers take up to a third of a second."""
RATE = 50.0
"""Questions a second, on all connections together."""
TIMEOUT_SECONDS = 10.0


@dataclass(slots=True)
class Answers:
    """The time of each answer, in milliseconds, and how many were missing or errors."""

    took_ms: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def p50_ms(self) -> float:
        """The median."""
        return statistics.median(self.took_ms)

    @property
    def p99_ms(self) -> float:
        """The 99th percentile."""
        return statistics.quantiles(self.took_ms, n=100, method="inclusive")[98]


def ask(payload: Payload, url: str, seconds: float, *, rate: float = RATE, prefix: str = "ask") -> Answers:
    """Send questions evenly for so many seconds.

    A question that is due while its connection still waits for the previous answer is measured from when it was due.
    """
    found = [Answers() for _ in range(CONNECTIONS)]
    began = time.perf_counter() + 0.1
    threads = [
        threading.Thread(
            target=_ask_on_one,
            args=(payload, url, [began + number / rate for number in range(place, round(seconds * rate), CONNECTIONS)]),
            kwargs={"found": answers, "prefix": f"{prefix}{place}"},
        )
        for place, answers in enumerate(found)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Answers([took for one in found for took in one.took_ms], sum(one.failed for one in found))


def _ask_on_one(payload: Payload, url: str, moments: Sequence[float], *, found: Answers, prefix: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS)
    connection.connect()
    for number, due in enumerate(moments):
        began = due
        if (left := due - time.perf_counter()) > 0:
            time.sleep(left)
            began = time.perf_counter()
        body = payload.body(f"{prefix}{number:0{18 - len(prefix)}}")
        try:
            connection.request("POST", payload.path, body, {"Content-Type": payload.content_type})
            reply = connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException):
            found.failed += 1
            connection.close()
            continue
        found.took_ms.append((time.perf_counter() - began) * 1000)
        found.failed += reply.status != http.client.OK
    connection.close()
