"""The sender: a separate process that numbers every callback and records each acknowledgement.

Each thread plays a few calls. The events of one call are sent one after the other, and resent until they are
acknowledged, as a provider does. `python load.py SECONDS THREADS ACKS URL...`; with --sticky a call keeps its URL.
"""

import http.client
import json
import os
import random
import sys
import threading
import time
from itertools import count
from urllib.parse import urlsplit

CALLS_A_THREAD = 3
SENT_AGAIN = 0.02
"""The share of acknowledged callbacks that are resent, as if the acknowledgement had been lost."""


class Sender(threading.Thread):
    """Plays the calls of one thread until the time is over, and finishes its current event."""

    def __init__(self, number: int, urls: list[str], until: float, acks: int, *, sticky: bool, seed: int) -> None:
        super().__init__()
        self._number = number
        self._urls = urls
        self._until = until
        self._acks = acks
        self._sticky = sticky
        self._random = random.Random(seed * 1000 + number)

    def run(self) -> None:
        """Send until the time is over."""
        for event in count():
            if time.monotonic() > self._until:
                return
            for call in range(CALLS_A_THREAD):
                self._send(f"call-{self._number}-{call}", event)

    def _send(self, call: str, event: int) -> None:
        body = json.dumps({"caller": "0540000000", "ivruniqueid": call, "status": "ANSWER", "duration": event}).encode()
        while not self._acknowledged(call, body):
            if time.monotonic() > self._until + 60:
                return
            time.sleep(0.05)
        os.write(self._acks, f"{call} {event}\n".encode())
        if self._random.random() < SENT_AGAIN:
            self._acknowledged(call, body)

    def _acknowledged(self, call: str, body: bytes) -> bool:
        url = self._urls[hash(call) % len(self._urls)] if self._sticky else self._random.choice(self._urls)
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        try:
            connection.request("POST", "/voicenter", body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            said = reply.read()
            return reply.status == 200 and json.loads(said)["err"] == "0"
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()


def main() -> None:
    """Send callbacks, and record what was acknowledged."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--sticky"]
    seconds, threads, path, seed, *urls = arguments
    acks = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    until = time.monotonic() + float(seconds)
    sticky = "--sticky" in sys.argv
    senders = [Sender(number, urls, until, acks, sticky=sticky, seed=int(seed)) for number in range(int(threads))]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()


if __name__ == "__main__":
    main()
