"""The records of all calls, also of those whose callbacks never arrive."""

import json
from typing import Any

from receiver.providers.base.simulation import OutgoingRequest
from receiver.wire import read


class RecordLog:
    """The CDRs in the order in which the calls ended, as plain values by their wire names."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def note(self, request: OutgoingRequest) -> None:
        """Keep what a report says, if it is a CDR."""
        if request.kind != "CDR":
            return
        values = dict(read(request.body, dict(request.headers).get("Content-Type", "")).values)
        if isinstance(custom := values.get("CustomData"), str):
            values["CustomData"] = json.loads(custom)  # XML-RPC and forms carry it as JSON in a string
        self.records.append(values)
