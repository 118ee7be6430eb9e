"""Headers of a request in an ASGI scope."""

from starlette.types import Scope


def header(scope: Scope, name: bytes) -> str:
    """All lines of a header with commas between; empty when there is none."""
    found = None
    for key, value in scope["headers"]:
        if key == name:
            found = value if found is None else found + b", " + value
    return found.decode("latin-1") if found else ""


def declared_length(scope: Scope) -> int:
    """The declared length of the body; 0 if there is none, or none in digits."""
    declared = header(scope, b"content-length")
    return int(declared) if declared.isdecimal() and len(declared) < 20 else 0


def has_body(scope: Scope) -> bool:
    """Whether a body follows the headers."""
    return declared_length(scope) > 0 or bool(header(scope, b"transfer-encoding"))
