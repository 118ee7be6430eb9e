"""The definition of an API call: clients, commands and docs are made from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from receiver.providers.base.api.parameters import Parameters
from receiver.providers.base.event import WireModel

Result = TypeVar("Result", bound=WireModel, covariant=True)


class Encoding(StrEnum):
    """How parameters are sent."""

    QUERY = "query"
    FORM = "form"
    JSON = "json"
    XML = "xml"
    """As one XML document (Anveo)."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `requests` in each `seconds`. Calls with the same `name` share it."""

    requests: int
    seconds: float
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall(Generic[Result]):
    """One call: its name in Python, in the document and on the command line, and what it sends and gets."""

    group: str
    """The client's attribute that has it, such as `click_to_call`."""
    name: str
    """The method of that group, such as `call`."""
    command: str
    """Its name on the command line, such as `click-to-call`."""
    documented: str
    """Its name in the document."""
    source: str
    """The document's chapter."""
    summary: str
    """One line on what it does."""
    url: str
    """As documented."""
    parameters: type[Parameters]
    result: type[Result]
    encodings: tuple[Encoding, ...]
    """How the document lets it be sent; the first is used unless the client says otherwise."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that never differ, such as `action`."""
    credential: str = "code"
    """The wire name of the credential; empty where it is not among the parameters."""
    is_authorised: bool = True
    """Whether the credentials go with it."""
    is_repeatable: bool = False
    """Whether sending it twice does no more than sending it once. Only such calls are tried again."""
    placed_id: Callable[[Any, Any], str] | None = None
    """For a call that places a phone call: the id that its callbacks will carry, from parameters and result.

    Empty where nothing will tell which callbacks are of this call.
    """
    rate: Rate | None = None
    """A limit that the client keeps to."""

    @property
    def title(self) -> str:
        """The method as it is written, such as `click_to_call.call`."""
        return f"{self.group}.{self.name}"


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One HTTP request. `repr` shows neither its query nor its headers nor its body: they hold secrets."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class ApiReply:
    """One HTTP reply, complete."""

    status: int
    body: bytes
    content_type: str = ""
