"""Samples of callbacks: whole requests as files beside each provider, each with the expected result.

`samples/CASE.FORMAT.http` holds a request's exact bytes, without Host and Content-Length, which the
sender adds. `samples/CASE.FORMAT.expect.json` holds its content and its reply; the text of an error's
reason is left out of an expected reply, because parsers phrase it differently.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from receiver.providers.base.discovery import provider_packages
from receiver.wire import Format

_REQUEST, _EXPECTED = ".http", ".expect.json"


@dataclass(frozen=True, slots=True)
class Sample:
    """One request of a provider, with its expected result."""

    provider: str
    name: str
    """The case, such as "cdr"; one case may come in several formats."""
    format: Format
    """The format of the bytes, whatever the headers declare."""
    what: str
    """One sentence on the case."""
    documented: bool
    """Whether the provider's document shows or describes this very request."""
    method: str
    target: str
    """Path and query, below the provider's default path."""
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    expect: Mapping[str, Any] = field(repr=False)
    """The whole content of the case's `.expect.json`."""


def find_samples(provider: str = "", name: str = "", format_: str = "") -> list[Sample]:
    """The samples of that provider, name and format, each empty for all; sorted by these three.

    Raises ValueError, which names the file, for a malformed sample.
    """
    found = [
        _read(folder, owner, *case)
        for owner, folder in _sample_folders()
        for case in _cases(folder)
        if provider in {"", owner} and name in {"", case[0]} and format_ in {"", case[1]}
    ]
    return sorted(found, key=lambda sample: (sample.provider, sample.name, sample.format))


def _sample_folders() -> Iterator[tuple[str, Traversable]]:
    """The `samples` folder of each provider that has one, with the provider's name."""
    for package in provider_packages():
        folder = files(package).joinpath("samples")
        provider = getattr(package, "PROVIDER", None)
        if provider is not None and folder.is_dir():
            yield provider.name, folder


def _cases(folder: Traversable) -> Iterator[tuple[str, str]]:
    for file in folder.iterdir():
        if file.name.endswith(_REQUEST):
            name, _, format_ = file.name.removesuffix(_REQUEST).rpartition(".")
            yield name, format_


def _read(samples: Traversable, provider: str, name: str, format_: str) -> Sample:
    try:
        method, target, headers, body = _split(samples.joinpath(f"{name}.{format_}{_REQUEST}").read_bytes())
        expect = json.loads(samples.joinpath(f"{name}.{format_}{_EXPECTED}").read_text(encoding="utf-8"))
        return Sample(
            provider=provider,
            name=name,
            format=Format(format_),
            what=expect["what"],
            documented=expect["documented"],
            method=method,
            target=target,
            headers=headers,
            body=body,
            expect=expect,
        )
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"the sample {name}.{format_} of {provider} is malformed: {error!r}") from error


def _split(request: bytes) -> tuple[str, str, tuple[tuple[str, str], ...], bytes]:
    """Method, target, headers and body of a request. Raises ValueError if it is malformed."""
    head, separator, body = request.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError("no empty line ends the headers")
    start, *lines = head.decode("ascii").split("\r\n")
    method, target, _version = start.split(" ")
    headers = (line.split(":", 1) for line in lines)
    return method, target, tuple((header.strip(), value.strip()) for header, value in headers), body
