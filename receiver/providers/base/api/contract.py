"""What the package `api` of a provider offers: the contract of an API."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from receiver.providers.base.api.definition import ApiCall, ApiReply, ApiRequest, Encoding, Result
from receiver.providers.base.api.options import ApiOptions
from receiver.providers.base.api.parameters import Parameters
from receiver.providers.base.api.request import build_request
from receiver.providers.base.event import WireModel

Model = TypeVar("Model", bound=WireModel)


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
        return build_request(call, parameters, options, encoding=encoding, reveal=reveal)

    @abstractmethod
    def read(self, call: ApiCall[Result], reply: ApiReply) -> Result:
        """The result in a reply. Raises ProviderError where it was refused, ProviderReplyError if it is unreadable."""

    def named(self, title: str, _result: type[Model]) -> ApiCall[Model]:
        """The call of that title, such as `click_to_call.call`; `_result` is for the type checker."""
        found: ApiCall[Any] = next(call for call in self.calls if call.title == title)
        return found
