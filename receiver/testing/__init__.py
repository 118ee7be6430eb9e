"""Test handlers without a server and without a database.

`answer` and `deliver` run the handlers of a module on one event; `deliver_until_finished` also retries; `call` plays a
whole phone call against them; `make` creates events with realistic values. Tests that need a journal use the pytest
fixtures `receiver_app` and `phone`, or scenarios.
"""

from receiver.testing.calls import PlayedCall, call
from receiver.testing.direct import answer, deliver
from receiver.testing.making import make
from receiver.testing.retries import Attempt, FinishedDelivery, deliver_until_finished

__all__ = [
    "Attempt",
    "FinishedDelivery",
    "PlayedCall",
    "answer",
    "call",
    "deliver",
    "deliver_until_finished",
    "make",
]
