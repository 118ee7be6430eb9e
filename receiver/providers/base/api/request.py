"""From a call and its parameters to the bytes of its HTTP request."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import orjson
from pydantic import SecretStr

from receiver.providers.base.api.definition import ApiCall, ApiRequest, Encoding
from receiver.providers.base.api.errors import ParameterError
from receiver.providers.base.api.options import ApiOptions, Placeholder
from receiver.providers.base.api.parameters import MASK, Parameters, Sent, plain

FORM_TYPE = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"


def build_request(
    call: ApiCall[Any],
    parameters: Parameters,
    options: ApiOptions,
    *,
    encoding: Encoding | None = None,
    reveal: bool = True,
) -> ApiRequest:
    """The HTTP request of a call. With `reveal` False every secret is masked."""
    encoding = encoding or call.encodings[0]
    if encoding not in call.encodings:
        raise ParameterError(f"{call.title}: is sent as {' or '.join(call.encodings)}, not as {encoding}")
    url = address(call, options)
    headers = headers_of(call, options, reveal)
    if encoding is Encoding.QUERY:
        query = _urlencoded(call, parameters, options, reveal)
        return ApiRequest("GET", f"{url}?{query}" if query else url, headers)
    if encoding is Encoding.FORM:
        body = _urlencoded(call, parameters, options, reveal).encode()
        return ApiRequest("POST", url, headers | {"content-type": FORM_TYPE}, body)
    body = orjson.dumps(json_values(call, parameters, options, reveal))
    return ApiRequest("POST", url, headers | {"content-type": JSON_TYPE}, body)


def headers_of(call: ApiCall[Any], options: ApiOptions, reveal: bool) -> dict[str, str]:
    """The headers that authorise a call."""
    return {name: shown(value, reveal) for name, value in options.headers.items()} if call.is_authorised else {}


def address(call: ApiCall[Any], options: ApiOptions) -> str:
    """Where a call goes: the documented URL, or its path below `base_url`."""
    if options.base_url is None:
        return call.url
    return options.base_url + urlsplit(call.url).path


def shown(value: SecretStr, reveal: bool) -> str:
    """A secret as it is written into a request: as it is, or masked; a placeholder is never masked."""
    return value.get_secret_value() if reveal or isinstance(value, Placeholder) else MASK


def _urlencoded(call: ApiCall[Any], parameters: Parameters, options: ApiOptions, reveal: bool) -> str:
    """Parameters as `name=value&…`. `*` stays as it is, and what is only shown keeps `<` and `>`.

    So a mask and a placeholder are readable.
    """
    pairs, readable = list(flat_values(call, parameters, options, reveal)), "*" if reveal else "*<>"
    return urlencode(pairs, quote_via=lambda text, *_: quote_plus(text, safe=readable))


def flat_values(
    call: ApiCall[Any], parameters: Parameters, options: ApiOptions, reveal: bool = True
) -> Iterator[tuple[str, str]]:
    """The parameters of a form or a query in the order they are sent; a list is one pair for each item."""
    if call.is_authorised and call.credential and options.credential is not None:
        yield call.credential, shown(options.credential, reveal)
    for name, value in call.fixed.items():
        yield name, str(value)
    for sent, value in parameters.values():
        yield from _pairs(sent, plain(value, reveal))


def _pairs(sent: Sent, value: Any) -> Iterator[tuple[str, str]]:
    name = sent.flat_name
    match value:
        case Mapping():
            prefix = name.removesuffix("*")
            yield from ((f"{prefix}{key}", _text(item)) for key, item in value.items())
        case list():
            yield from ((name, _text(item)) for item in value)
        case _:
            yield name, _text(value)


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def json_values(call: ApiCall[Any], parameters: Parameters, options: ApiOptions, reveal: bool = True) -> Any:
    """The body of a JSON request. A parameter named "[]" is the whole body."""
    values: dict[str, Any] = {}
    if call.is_authorised and call.credential and options.credential is not None:
        values[call.credential] = shown(options.credential, reveal)
    values |= call.fixed
    for sent, value in parameters.values():
        written = plain(value, reveal)
        if sent.name == "[]":
            return written
        *path, name = sent.name.split(".")
        place = values
        for part in path:
            place = place.setdefault(part, {})
        if name.endswith("*"):
            place.update({f"{name[:-1]}{key}": item for key, item in written.items()})
        else:
            place[name] = written
    return values
