"""The definition of an API call: clients, commands and docs are made from it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from receiver.providers.base.api.options import ApiOptions
from receiver.providers.base.api.parameters import Parameters
from receiver.providers.base.event import WireModel

Result = TypeVar("Result", bound=WireModel, covariant=True)
Model = TypeVar("Model", bound=WireModel)


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


class Api(ABC):
    """The API of one provider. Has no state: one object serves all clients."""

    name: ClassVar[str]
    """The provider's name, as in settings and on the command line."""
    title: ClassVar[str]
    """For people."""
    options_type: ClassVar[type[ApiOptions]]
    """Credentials and other settings."""
    calls: ClassVar[Sequence[ApiCall[WireModel]]]
    has_callbacks: ClassVar[bool] = True
    """Whether the provider sends callbacks too, so that its other settings are below `providers`."""

    @classmethod
    def place(cls) -> str:
        """The table of settings that says how to call this provider."""
        return f"providers.{cls.name}.api" if cls.has_callbacks else f"apis.{cls.name}"

    def request(
        self,
        call: ApiCall[Any],
        parameters: Parameters,
        options: ApiOptions,
        *,
        encoding: Encoding | None = None,
        reveal: bool = True,
    ) -> ApiRequest:
        """The HTTP request of a call; with `reveal` False every secret in it is masked."""
        from receiver.providers.base.api.request import build_request

        return build_request(call, parameters, options, encoding=encoding, reveal=reveal)

    @abstractmethod
    def read(self, call: ApiCall[Result], reply: ApiReply) -> Result:
        """The result in a reply. Raises ProviderError where it was refused, ProviderReplyError if it is unreadable."""

    def named(self, title: str, _result: type[Model]) -> ApiCall[Model]:
        """The call of that title, such as `click_to_call.call`; `_result` is for the type checker."""
        found: ApiCall[Any] = next(call for call in self.calls if call.title == title)
        return found
