"""Providers that send no callbacks: their records are read from their call log, and stored as callbacks."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from receiver.errors import PayloadError, WireError
from receiver.providers.base.contract import (
    CallbackRequest,
    Endpoint,
    Fault,
    HttpReply,
    Options,
    ParsedCallback,
    ParsedRequest,
    Provider,
    Reply,
)
from receiver.providers.base.event import Event
from receiver.providers.base.fingerprint import bytes_fingerprint, fingerprint, record_key
from receiver.wire import Format, jsonbody
from receiver.wire import read as read_body


def record_request(values: Mapping[str, Any], received_at: datetime) -> CallbackRequest:
    """A record as a request: its values as JSON. It has no method and no path, because nothing sent it."""
    return CallbackRequest(
        endpoint=Endpoint(),
        method="",
        path="",
        query=b"",
        headers=(("content-type", "application/json"),),
        body=jsonbody.write(dict(values)),
        peer="call log",
        received_at=received_at,
    )


class LogOnlyProvider(Provider[Options]):
    """A provider without endpoints, with one kind of record, whose call id identifies the record.

    `read` reads what `record_request` has made, so its records are stored, delivered and replayed like any others.
    Its settings are those of its API, `[apis.NAME]`. Nothing asks it for a reply.
    """

    endpoints: ClassVar[tuple[Endpoint, ...]] = ()

    @abstractmethod
    def event(self, values: Mapping[str, Any]) -> Event:
        """The event with these values of the call log. Never raises."""

    def endpoint_of(self, path: str) -> Endpoint:
        """An endpoint without a path: stored records have none."""
        return Endpoint()

    def read(self, request: CallbackRequest) -> ParsedRequest:
        """The record in stored bytes."""
        kind = self.kinds[0].name
        try:
            values = read_body(request.body, request.content_type, limits=self.limits).values
            if not isinstance(values, dict):
                raise PayloadError("the record is no object")
        except (WireError, PayloadError) as error:
            content = bytes_fingerprint(self.name, kind, request.body)
            return ParsedRequest(Format.JSON, (ParsedCallback(kind, content, fault=Fault.PARSE, reason=str(error)),))
        event = self.event(values)
        return ParsedRequest(
            Format.JSON,
            (
                ParsedCallback(
                    kind,
                    fingerprint(self.name, kind, event.call_id, type(event).moment_in(values)),
                    make=lambda: event,
                    call_id=event.call_id,
                    record_key=record_key(self.name, event.call_id, ""),
                ),
            ),
        )

    def acknowledgement(self, kind: str) -> Reply:
        """Never used."""
        return Reply()

    def fault_reply(self, kind: str, fault: Fault, reason: str) -> Reply:
        """Never used."""
        return Reply()

    def fallback(self, event: Event) -> Reply | None:
        """None: it has no questions."""
        return None

    def error_reply(self, kind: str) -> Reply:
        """Never used."""
        return Reply()

    def write(self, reply: Reply, dialect: Format) -> HttpReply:
        """Nothing."""
        return HttpReply(b"", "")
