"""What can go wrong with a call to a provider's API, sorted by whose fault it is."""

from collections.abc import Mapping
from typing import Any

from receiver.errors import ReceiverError

MAX_KEPT_BYTES = 64 * 1024
"""Bytes of an unreadable reply that its error keeps."""


class ApiError(ReceiverError):
    """The root of all errors of API calls."""


class ParameterError(ApiError):
    """A parameter breaks a limit of the document. Nothing was sent. The message names each parameter and its limit."""


class TransportError(ApiError):
    """No reply came: no connection, or it broke. The request may have been carried out all the same."""


class ReplyTimeoutError(TransportError):
    """No complete reply came within the time limit. The request may have been carried out all the same."""


class ProviderReplyError(ApiError):
    """A reply came that cannot be read. The request may have been carried out all the same."""

    def __init__(self, message: str, status: int = 0, body: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        """HTTP status of the reply."""
        self.body = body[:MAX_KEPT_BYTES]
        """The reply as it came, at most MAX_KEPT_BYTES of it."""


class ProviderError(ApiError):
    """The provider refused the call. Codes that the document does not list raise this class itself."""

    is_temporary = False
    """Whether the same request may succeed later. Only calls that are safe to repeat are sent again."""

    def __init__(self, code: int | str, text: str, raw: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"error {code}: {text}" if text else f"error {code}")
        self.code = code
        """The provider's code, or the HTTP status where there was none."""
        self.text = text
        """The provider's text, or the document's where it sent none."""
        self.raw = dict(raw or {})
        """The values of the reply, as sent."""


class AuthorisationError(ProviderError):
    """The code, key or password is wrong, or may not do this."""


class UntrustedAddressError(ProviderError):
    """The provider does not trust the address that the request came from."""


class RateLimitError(ProviderError):
    """Too many requests in too short a time."""

    is_temporary = True


class RowLimitError(ProviderError):
    """The result would have too many rows: ask for less at once."""


class BadParameterError(ProviderError):
    """The provider did not accept a parameter."""


class NotFoundError(ProviderError):
    """What the request names does not exist."""


class OfflineError(ProviderError):
    """The extension's representative is offline."""


class BlockedError(ProviderError):
    """The extension may not be called this way."""


class UnsupportedDestinationError(ProviderError):
    """The provider does not connect calls to this number."""


class CreditError(ProviderError):
    """The account has too little credit."""


class QuotaError(ProviderError):
    """The account has as many of these as it may have."""


class LoginError(ProviderError):
    """The user's status could not be changed."""


class ProviderFailureError(ProviderError):
    """The provider failed to carry out the request."""

    is_temporary = True


ErrorTable = Mapping[int, tuple[type[ProviderError], str]]
"""The class and the document's text of each documented code."""


def error_of(table: ErrorTable, code: int | str, text: str, raw: Mapping[str, Any] | None = None) -> ProviderError:
    """The error for a code; ProviderError itself for codes that the document does not list."""
    kind, documented = table.get(code, (ProviderError, "")) if isinstance(code, int) else (ProviderError, "")
    return kind(code, text or documented, raw)


HTTP_ERRORS: ErrorTable = {
    400: (BadParameterError, "Bad Request"),
    401: (AuthorisationError, "Unauthorized"),
    403: (AuthorisationError, "Forbidden"),
    404: (NotFoundError, "Not Found"),
    415: (BadParameterError, "Unsupported Media Type"),
    429: (RateLimitError, "Too Many Requests"),
    500: (ProviderFailureError, "Internal Server Error"),
    502: (ProviderFailureError, "Bad Gateway"),
    503: (ProviderFailureError, "Service Unavailable"),
    504: (ProviderFailureError, "Gateway Timeout"),
}
"""What an HTTP status means where the reply has no code of the provider."""
