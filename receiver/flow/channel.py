"""The contract between a flow and a provider."""

from typing import Any, Protocol

from receiver.flow.actions import Action, CallerInput
from receiver.providers.base.contract import Reply
from receiver.providers.base.event import Event


class Channel(Protocol):
    """Translates a provider's questions into input of a flow, and actions into replies."""

    @property
    def question(self) -> type[Event]:
        """The event that asks what to do next."""
        ...

    def hear(self, event: Any) -> CallerInput:
        """The input of a question."""
        ...

    def speak(self, action: Action, language: str) -> Reply:
        """The reply for an action. An empty `language` leaves it to the provider's settings."""
        ...

    def next_place(self, reply: Reply) -> str:
        """The menu that the next question will name; empty if no question follows."""
        ...
