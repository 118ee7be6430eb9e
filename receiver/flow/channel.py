"""The contract between a flow and the provider that carries its calls."""

from typing import Any, Protocol

from receiver.flow.actions import Action, Heard
from receiver.providers.base.contract import Reply
from receiver.providers.base.event import Event


class Channel(Protocol):
    """One provider's questions and replies, in a flow's words and back."""

    @property
    def question(self) -> type[Event]:
        """The event that asks what to do next."""
        ...

    def hear(self, event: Any) -> Heard:
        """What a question says."""
        ...

    def speak(self, action: Action, language: str) -> Reply:
        """The reply that does it; `language` is empty where the provider's settings decide."""
        ...

    def next_place(self, reply: Reply) -> str:
        """The node that the next question will name after a reply; empty where none comes, or it is not known."""
        ...
