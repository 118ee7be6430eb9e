"""What the tests of all APIs share: documented examples, and reading and writing without a network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.definition import ApiCall, ApiReply, ApiRequest, Encoding
from receiver.providers.base.api.discovery import discover_apis, make_options
from receiver.providers.base.api.options import ApiOptions
from receiver.providers.base.api.parameters import checked
from receiver.wire import jsonbody

APIS = discover_apis()
OPTIONS: dict[str, dict[str, Any]] = {
    "voicenter": {"code": "SECRETCODE"},
    "spokn": {"user": "1234567", "password": "SECRETPASSWORD"},
    "viviphone": {"key": "SECRETKEY"},
    "anveo": {"user_key": "SECRETUSERKEY", "base_url": "https://api.anveo.example/v1"},
}
"""Credentials without which nothing is sent."""
SECRETS = ("SECRETCODE", "SECRETPASSWORD", "SECRETKEY", "SECRETUSERKEY", "MTIzNDU2NzpTRUNSRVRQQVNTV09SRA==")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A call as the document shows it: what the caller gives, the request, the reply, and what is read from it."""

    provider: str
    title: str
    given: Mapping[str, Any] = field(default_factory=dict)
    sent: tuple[str, str, str]
    """Method, URL without its query, and the query or the body: as printed, credentials and all."""
    options: Mapping[str, Any] = field(default_factory=dict)
    encoding: Encoding | None = None
    reply: bytes
    read: Mapping[str, Any]
    """Attributes of the result, by their path, such as `calls.0.phone`."""

    @property
    def name(self) -> str:
        """For the names of tests."""
        return f"{self.provider}-{self.title}-{self.encoding or 'usual'}"


def call_of(provider: str, title: str) -> ApiCall[Any]:
    """The definition of a call."""
    return next(call for call in APIS[provider].calls if call.title == title)


def options_of(provider: str, **more: Any) -> ApiOptions:
    """Options with the credentials of the tests."""
    return make_options(APIS[provider], {**OPTIONS[provider], **more})


def request_of(provider: str, title: str, encoding: Encoding | None = None, /, **given: Any) -> ApiRequest:
    """The request of a call."""
    call = call_of(provider, title)
    parameters = checked(call.parameters, given, title)
    return APIS[provider].request(call, parameters, options_of(provider), encoding=encoding)


def sent_by(provider: str, title: str, encoding: Encoding | None = None, /, **given: Any) -> Any:
    """The values that are sent, without what never differs: a dict for forms and queries, the body's JSON else."""
    request = request_of(provider, title, encoding, **given)
    values = values_of(request)
    if isinstance(values, list) and all(isinstance(pair, tuple) for pair in values):
        values = dict(values)
    call = call_of(provider, title)
    if isinstance(values, dict):
        return {name: value for name, value in values.items() if name not in {call.credential, *call.fixed}}
    return values


def values_of(request: ApiRequest) -> Any:
    """What a request says, however it is spaced: pairs in alphabetical order, or the values of its JSON."""
    if request.body.lstrip()[:1] in (b"{", b"["):
        return jsonbody.read(request.body.decode())[0]
    if request.body.startswith(b"<"):
        return request.body.decode()
    return sorted(parse_qsl(request.body.decode() or urlsplit(request.url).query, keep_blank_values=True))


def read(provider: str, title: str, body: bytes | str, status: int = 200) -> Any:
    """What a reply holds."""
    api: Api = APIS[provider]
    return api.read(call_of(provider, title), ApiReply(status, body.encode() if isinstance(body, str) else body))


def at(value: Any, path: str) -> Any:
    """What lies at a path such as `calls.0.phone`."""
    for part in path.split("."):
        value = value[int(part)] if part.isdecimal() else getattr(value, part)
    return value
