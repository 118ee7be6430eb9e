"""Callers that count what a client sees of a restart: refused connections, resets, and replies that say no."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit


@dataclass
class Seen:
    """What callers have seen so far: the events that were acknowledged, and all else by its name."""

    acknowledged: set[tuple[str, int]] = field(default_factory=set)
    failures: Counter[str] = field(default_factory=Counter)
    connections: int = 0


class Caller(threading.Thread):
    """Posts one record after the other until it is stopped; on one connection where the receiver keeps it open."""

    def __init__(self, url: str, name: str, seen: Seen, *, keep_alive: bool) -> None:
        super().__init__(daemon=True)
        self.netloc = urlsplit(url).netloc
        self.call = name
        self.seen = seen
        self.keep_alive = keep_alive
        self.stopped = threading.Event()

    def run(self) -> None:
        """Call until stopped; a call that failed is not repeated."""
        connection = self._connect()
        for event in count():
            if self.stopped.is_set():
                break
            if not self._post(connection, event) or not self.keep_alive or connection.sock is None:
                connection.close()
                connection = self._connect()
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        self.seen.connections += 1
        return http.client.HTTPConnection(self.netloc, timeout=20)

    def _post(self, connection: http.client.HTTPConnection, event: int) -> bool:
        body = json.dumps({"caller": "0540000000", "ivruniqueid": self.call, "duration": event})
        try:
            connection.request("POST", "/voicenter", body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            said = reply.read()
        except (OSError, http.client.HTTPException) as error:
            self.seen.failures[type(error).__name__] += 1
            time.sleep(0.01)
            return False
        if reply.status != 200 or json.loads(said)["err"] != "0":
            self.seen.failures[f"HTTP {reply.status}"] += 1
            return False
        self.seen.acknowledged.add((self.call, event))
        return True


@contextmanager
def calling(*urls: str, callers: int = 4, name: str = "call") -> Iterator[Seen]:
    """Callers on each URL while the block runs, every second one with connections that it keeps."""
    seen = Seen()
    running = [
        Caller(url, f"{name}-{place}-{number}", seen, keep_alive=number % 2 == 0)
        for place, url in enumerate(urls)
        for number in range(callers)
    ]
    for caller in running:
        caller.start()
    try:
        yield seen
    finally:
        for caller in running:
            caller.stopped.set()
        for caller in running:
            caller.join(30)
