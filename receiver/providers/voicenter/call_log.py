"""Voicenter's call log (chapter 3) as CDRs (chapter 4): the names differ, the calls are the same."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from receiver.providers.base.call_log import CallLeg, CallLogSource, LoggedCall
from receiver.providers.base.contract import CallbackRequest, Endpoint
from receiver.providers.base.event import Event
from receiver.providers.base.names import normalize_name
from receiver.providers.base.record import international
from receiver.providers.voicenter.events import Cdr
from receiver.providers.voicenter.options import VoicenterOptions
from receiver.wire import jsonbody

FIELDS: Mapping[str, str] = {
    "caller": "caller_number",
    "target": "target_number",
    "duration": "duration_seconds",
    "ivruniqueid": "call_id",
    "type": "type",
    "status": "dial_status",
    "targetextension": "target_extension",
    "callerextension": "caller_extension",
    "did": "did",
    "queuename": "queue_name",
    "record": "record_url",
    "price": "price",
    "dialtime": "ring_seconds",
    "representative_name": "representative_name",
    "representative_code": "representative_code",
    "target_country": "target_prefix_name",
    "department_name": "department_name",
    "department_id": "department_id",
    "CustomData": "custom_data",
    "RecordExpect": "record_expect",
    "DTMFData": "dtmf_data",
    "DialStatus2": "dial_status2",
}
"""The fields of a CDR, each with that of a row which holds the same. The last three are no fields of a CDR."""


class VoicenterCallLog(CallLogSource):
    """Reads the call log of Voicenter's API."""

    kind: ClassVar[str] = "CDR"
    max_rows: ClassVar[int] = 10_000

    def __init__(self, options: VoicenterOptions) -> None:
        self._options = options

    async def search(self, client: Any, since: datetime, until: datetime) -> Sequence[LoggedCall]:
        """The rows of one search."""
        found = await client.calls.search(since=since, until=until)
        return [self._logged(row) for row in found.calls]

    def leg_of(self, event: Event) -> CallLeg:
        """What a CDR reports."""
        assert isinstance(event, Cdr)  # noqa: S101 - called for callbacks of `kind` alone
        return CallLeg(
            call_id=event.call_id,
            type=normalize_name(event.type),
            numbers=self._numbers(event.caller, event.target or event.target_extension),
            started=event.started,
            duration_seconds=event.duration,
            status=event.status,
            price=event.price,
        )

    def request(self, values: Mapping[str, Any], received_at: datetime) -> CallbackRequest:
        """A CDR in JSON, with its envelope (A-04)."""
        return CallbackRequest(
            endpoint=Endpoint(),
            method="POST",
            path=f"/{self._options.path or 'voicenter'}",
            query=b"",
            headers=(("content-type", "application/json"),),
            body=jsonbody.write({"METHOD": "CDR", "DATA": dict(values)}),
            peer="call log",
            received_at=received_at,
        )

    def _logged(self, row: Any) -> LoggedCall:
        started = row.started_in(self._options.api.zone if self._options.api else UTC)
        leg = CallLeg(
            call_id=row.call_id,
            type=normalize_name(row.type),
            numbers=self._numbers(row.caller_number, row.target_number or row.target_extension),
            started=started,
            duration_seconds=row.duration_seconds,
            status=row.dial_status,
            price=row.price,
        )
        values = {name: _plain(getattr(row, field)) for name, field in FIELDS.items()} | dict(row.extra)
        known = {name: value for name, value in values.items() if value not in (None, "", {}, [])}
        return LoggedCall(leg, known if started is None else {**known, "time": self._epoch(started)})

    def _epoch(self, started: datetime) -> int:
        """A moment as a CDR's `time`, which shows the wall clock of the setting `time_zone` (B-19)."""
        shown = started.astimezone(ZoneInfo(self._options.time_zone))
        return int(shown.replace(tzinfo=UTC).timestamp())

    def _numbers(self, caller: str, target: str) -> tuple[str, str]:
        code = self._options.country_code
        return (international(caller, code) or caller.lower(), international(target, code) or target.lower())


def _plain(value: Any) -> Any:
    """A value as JSON has it; a price as the text of its digits, so that none is lost."""
    return value if value is None or isinstance(value, str | int | dict | list) else str(value)
