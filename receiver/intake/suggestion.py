"""Suggest the code that would answer a question without a handler."""

import re
import sys
from typing import Any

from receiver.providers.base.contract import Kind, Provider, Reply

_NO_HANDLER = "no handler answers this "


def no_handler(kind: str) -> str:
    """The reason in the journal for a question of this kind without a handler."""
    return f"{_NO_HANDLER}{kind}"


def is_no_handler(reason: str) -> bool:
    """Whether a reason in the journal is this one."""
    return reason.startswith(_NO_HANDLER)


def suggested_code(provider: Provider[Any], kind: Kind) -> str:
    """A function for a handler module that answers each question of this kind."""
    event, reply = kind.event.__name__, _simplest(kind)
    function = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", event).lower()
    names = ", ".join(sorted((event, reply.__name__)))
    return (
        f"from {_home(provider, event)} import {names}\n\n"
        f"@handlers.answer({event})\n"
        f"def answer_{function}(question: {event}) -> {reply.__name__}:\n"
        f"    return {_call(reply)}\n"
    )


def _home(provider: Provider[Any], event: str) -> str:
    """The package from which a provider's names are imported."""
    module = type(provider).__module__
    package = module.rpartition(".")[0]
    return package if hasattr(sys.modules.get(package), event) else module


def _simplest(kind: Kind) -> type[Reply]:
    """The reply with the fewest required fields."""
    return min(kind.replies, key=lambda reply: (len(_required(reply)), len(reply.model_fields)))


def _call(reply: type[Reply]) -> str:
    arguments = ", ".join(f"{name}={_example(reply, name)!r}" for name in _required(reply))
    return f"{reply.__name__}({arguments})"


def _required(reply: type[Reply]) -> list[str]:
    return [name for name, info in reply.model_fields.items() if info.is_required()]


def _example(reply: type[Reply], name: str) -> object:
    return 1 if reply.model_fields[name].annotation is int else "1"
