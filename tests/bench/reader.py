"""The XML-RPC parser alone, compared with the standard library's on the same call record."""

import timeit
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass

import defusedxml.xmlrpc

from receiver.wire import ShapeCache, read
from tests.bench.payloads import PLACE, cdr_xmlrpc

CALLS, REPEATS = 500, 9


@dataclass(frozen=True, slots=True)
class Reader:
    """A parser, and the microseconds of its fastest repeat."""

    name: str
    micros: float


OURS = "receiver.wire.read"
STANDARD = "xmlrpc.client.loads"
DEFUSED = "xmlrpc.client.loads with defusedxml"


def compare(calls: int = CALLS, repeats: int = REPEATS) -> list[Reader]:
    """Parse a call record with each parser in turn, several times."""
    body = cdr_xmlrpc().body("0" * len(PLACE))
    shapes = ShapeCache()
    ways: dict[str, Callable[[], object]] = {
        OURS: lambda: read(body, "text/xml", shapes=shapes),
        STANDARD: lambda: xmlrpc.client.loads(body),
        DEFUSED: lambda: xmlrpc.client.loads(body),
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(repeats):
        for name, way in ways.items():
            if name == DEFUSED:
                defusedxml.xmlrpc.monkey_patch()
            try:
                best[name] = min(best[name], timeit.timeit(way, number=calls) / calls * 1_000_000)
            finally:
                defusedxml.xmlrpc.unmonkey_patch()
    return [Reader(name, micros) for name, micros in best.items()]
