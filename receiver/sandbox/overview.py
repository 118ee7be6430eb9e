"""The sandbox's first page: which API is at which address, and what can be asked of the sandbox itself."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from receiver.sandbox.app import Sandbox

_OWN = (
    ("GET", "/sandbox", "the state: seed, speed, faults, how many calls"),
    ("GET", "/sandbox/calls", "every call, and what became of its callbacks"),
    ("POST", "/sandbox/calls", "place incoming calls"),
    ("GET", "/sandbox/calls/NUMBER", "one call"),
    ("DELETE", "/sandbox/calls/NUMBER", "hang up"),
    ("PUT", "/sandbox/callbacks", "lose, repeat, delay or reorder callbacks from now on"),
    ("GET", "/sandbox/idle", "wait until no call is live and all is sent"),
)


def overview(sandbox: "Sandbox", base: str) -> str:
    """The page as plain text; `base` is the sandbox's address."""
    return "\n".join(_lines(sandbox, base)) + "\n"


def _lines(sandbox: "Sandbox", base: str) -> Iterator[str]:
    yield "This is the sandbox of the callback receiver: no call is real, and nothing costs money."
    receiver = sandbox.settings.receiver
    yield f"Callbacks go to {receiver}" if receiver else "Callbacks are kept here: there is no receiver"
    for part in sandbox.parts.values():
        yield ""
        yield f"{part.title}: {base}/{part.name}"
        for one in part.operations:
            yield f"  {one.method:<9} {one.path:<44} {one.name}"
    yield ""
    yield f"The sandbox itself: {base}/sandbox"
    for method, path, does in _OWN:
        yield f"  {method:<9} {path:<44} {does}"
