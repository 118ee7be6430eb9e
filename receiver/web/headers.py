"""Headers of a request as ASGI hands them over."""

from starlette.types import Scope


def header(scope: Scope, name: bytes) -> str:
    """All lines of a header with commas between; empty when there is none."""
    found = None
    for key, value in scope["headers"]:
        if key == name:
            found = value if found is None else found + b", " + value
    return found.decode("latin-1") if found else ""


def declared_length(scope: Scope) -> int:
    """The length of the body as the sender declares it; 0 where it does not, or not in digits."""
    declared = header(scope, b"content-length")
    return int(declared) if declared.isdecimal() and len(declared) < 20 else 0


def has_body(scope: Scope) -> bool:
    """Whether a body follows, however the sender says so."""
    return declared_length(scope) > 0 or bool(header(scope, b"transfer-encoding"))
