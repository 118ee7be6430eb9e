"""The settings that every API client has."""

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

LOOPBACK = re.compile(r"http://(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(/|$)")


def _web_address(url: str | None) -> str | None:
    if url is not None and not re.fullmatch(r"https?://[^/\s?#@]+(/[^\s?#]*)?", url):
        raise ValueError("is no address; write one like https://api.example.com, without user, query and fragment")
    return url.rstrip("/") if url else None


def _only_safe(url: str | None) -> str | None:
    if url is not None and not url.startswith("https://") and not LOOPBACK.match(url):
        raise ValueError("must begin with https://: the provider takes the key over HTTPS alone")
    return url


def _not_blank(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value() or not secret.get_secret_value().isprintable():
        raise ValueError("is empty or has control characters")
    return secret


BaseUrl = Annotated[str | None, AfterValidator(_web_address)]
"""The address that takes the place of the documented scheme and host; the documented path follows it."""
SafeBaseUrl = Annotated[BaseUrl, AfterValidator(_only_safe)]
"""The same, for a key that may only travel encrypted, or on this machine."""


def _digits(value: object) -> object:
    """A code of digits alone, which an environment variable or TOML gives as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Word = Annotated[str, BeforeValidator(_digits)]
"""Text that may be digits alone."""
Credential = Annotated[SecretStr, BeforeValidator(_digits), AfterValidator(_not_blank)]
"""A secret that authorises a request."""


class Placeholder(SecretStr):
    """Stands for a credential in a request that is shown and never sent, such as `<code>`."""


class ApiOptions(BaseModel):
    """Where to call and how long to wait."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)

    credential_field: ClassVar[str]
    """The option that is sent as the credential among the parameters."""
    settings_only: ClassVar[frozenset[str]] = frozenset()
    """Options of the settings that calls do not need: the clients do not take them."""

    base_url: BaseUrl = None
    """Takes the place of the documented scheme and host, for a sandbox or a proxy; None calls the provider."""
    timeout: Annotated[float, Field(gt=0, le=600)] = 10.0
    """Seconds that one try may take."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """Tries of a call that is safe to repeat; other calls are tried once."""

    @property
    def credential(self) -> SecretStr | None:
        """What authorises a request, where it is sent among the parameters."""
        found = getattr(self, self.credential_field, None) if self.credential_field else None
        return found if isinstance(found, SecretStr) else None

    @property
    def headers(self) -> dict[str, SecretStr]:
        """Headers that authorise a request."""
        return {}
