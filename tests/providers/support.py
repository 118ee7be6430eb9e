"""Helpers of the provider tests: requests from samples or by hand, replies parsed by the standard library."""

import json
import xmlrpc.client
from typing import Any
from urllib.parse import urlencode

from receiver.providers.base.contract import (
    CallbackRequest,
    Endpoint,
    HttpReply,
    ParsedCallback,
    ParsedRequest,
    Provider,
    Reply,
)
from receiver.providers.base.discovery import discover
from receiver.providers.base.event import Event, WireModel
from receiver.providers.base.record import CallRecord
from receiver.providers.base.route_table import RouteTable
from receiver.providers.base.samples import Sample
from receiver.providers.voicenter import Cdr, Voicenter
from receiver.providers.voicenter.options import VoicenterOptions
from receiver.providers.voicenter.replies import VoicenterReply
from receiver.web.callback_app import url_path
from receiver.wire import Format
from receiver.wire.xmlrpc import write_call

XML, JSON = Format.XMLRPC, Format.JSON


def provider_of(name: str) -> Provider[Any]:
    """A provider with its default settings."""
    provider = discover()[name]
    return provider(provider.options_type())


def voicenter(**options: Any) -> Voicenter:
    """Voicenter with these settings."""
    return Voicenter(VoicenterOptions.model_validate(options))


def request(
    provider: Provider[Any], body: bytes | str = b"", *, path: str = "", content_type: str = "", query: str = ""
) -> CallbackRequest:
    """A request to one of the provider's endpoints."""
    whole_path = f"{provider.path}/{path}".rstrip("/")
    return CallbackRequest(
        endpoint=endpoint_at(provider, whole_path),
        method="POST",
        path=whole_path,
        query=query.encode(),
        headers=(("Content-Type", content_type),) if content_type else (),
        body=body.encode() if isinstance(body, str) else body,
    )


def endpoint_at(provider: Provider[Any], path: str) -> Endpoint:
    """The endpoint that a request to this path reaches; there must be one."""
    routes: RouteTable[Endpoint] = RouteTable()
    for endpoint in provider.endpoints:
        routes.add(url_path(provider, endpoint), endpoint)
    found = routes.find(path)
    assert found is not None, f"{provider.name} has no endpoint at {path}"
    return found


def sample_request(provider: Provider[Any], sample: Sample) -> CallbackRequest:
    """The request of a sample."""
    path, _, query = sample.target.partition("?")
    return CallbackRequest(
        endpoint_at(provider, path), sample.method, path, query.encode(), sample.headers, sample.body
    )


def read(
    body: bytes | str, *, path: str = "", content_type: str = "", query: str = "", **options: Any
) -> ParsedRequest:
    """The callbacks that Voicenter, with these settings, parses from a body."""
    provider = voicenter(**options)
    return provider.read(request(provider, body, path=path, content_type=content_type, query=query))


def only(parsed: ParsedRequest) -> ParsedCallback:
    """The single callback of a parsed request."""
    assert len(parsed.callbacks) == 1
    return parsed.callbacks[0]


def event_in(body: bytes | str, *, path: str = "", **options: Any) -> Any:
    """The single event that Voicenter parses from a body."""
    item = only(read(body, path=path, **options))
    assert item.event is not None, item.reason
    return item.event


def cdr(fields: dict[str, Any], **options: Any) -> Cdr:
    """The CDR that Voicenter parses from these fields and a call id."""
    event = event_in(in_json("", {"ivruniqueid": "id1", **fields}), **options)
    assert isinstance(event, Cdr)
    return event


def cdr_record(fields: dict[str, Any], **options: Any) -> CallRecord:
    """The call record of the CDR that Voicenter parses from these fields."""
    record = voicenter(**options).record(cdr(fields, **options))
    assert record is not None
    return record


def in_json(method: str, fields: object) -> bytes:
    """A METHOD/DATA envelope; the bare object if `method` is empty."""
    return json.dumps({"METHOD": method, "DATA": fields} if method else fields, ensure_ascii=False).encode()


def in_xml(method: str, fields: object) -> bytes:
    """An XML-RPC call with one param."""
    return write_call(method, fields)


def in_form(fields: dict[str, str]) -> bytes:
    """An urlencoded form."""
    return urlencode(fields).encode()


def parsed(reply: HttpReply) -> Any:
    """The values of a reply, parsed by the standard library: exact types, strict syntax."""
    if reply.content_type.startswith("text/xml"):
        (values,), _ = xmlrpc.client.loads(reply.body)
        return values
    assert reply.content_type == "application/json"
    return json.loads(reply.body)


def sent(reply: Reply, dialect: Format = JSON, **options: Any) -> Any:
    """The values that Voicenter, with these settings, sends for a reply."""
    assert isinstance(reply, VoicenterReply)
    return parsed(voicenter(**options).write(reply, dialect))


def exact(value: Any) -> Any:
    """A value in which 1, "1", True and 1.0 all differ when compared."""
    match value:
        case dict():
            return {name: exact(item) for name, item in value.items()}
        case list() | tuple():
            return [exact(item) for item in value]
    return type(value).__name__, value


def differing(model: WireModel) -> dict[str, Any]:
    """Every field that differs from its default, except `raw`, as JSON values."""
    values = model.model_dump(mode="json", exclude_defaults=True)
    return {name: _without_raw(getattr(model, name), value) for name, value in values.items() if name != "raw"}


def _without_raw(field: object, value: Any) -> Any:
    if isinstance(field, tuple) and any(isinstance(item, WireModel) for item in field):
        return [differing(item) for item in field]
    return value


def record_of(provider: Provider[Any], event: Event) -> dict[str, Any] | None:
    """The call record of an event as JSON values, without those that are at their default."""
    record = provider.record(event)
    if record is None:
        return None
    defaults = type(record).model_fields
    return {name: value for name, value in record.as_json().items() if value != defaults[name].default}
