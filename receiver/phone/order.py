"""Which call is placed: found by its name, with who calls whom."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from receiver.errors import SimulationError
from receiver.providers.base.contract import Provider
from receiver.providers.base.simulation import CallSetup, SimulatedCall
from receiver.scenarios import Scenario
from receiver.wire import Format

USUAL_PROVIDER: str = Scenario.model_fields["provider"].default
"""Whose calls are meant where none is named."""
USUAL_CALLER: str = Scenario.model_fields["caller"].default
USUAL_DID: str = Scenario.model_fields["did"].default
"""Who calls, and which number is called, unless it is said: the same as in scenarios."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOrder:
    """A call that can be placed, any number of times."""

    provider: Provider[Any]
    play: str
    """Which of the provider's calls, such as "ivr"."""
    caller: str = USUAL_CALLER
    caller_name: str = ""
    did: str = USUAL_DID
    format: Format | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def new_call(self, now: Callable[[], datetime]) -> SimulatedCall:
        """A call with an id of its own, on that clock. Raises SimulationError for what cannot be played."""
        setup = CallSetup(
            caller=self.caller,
            caller_name=self.caller_name,
            did=self.did,
            format=self.format,
            options=self.options,
            now=now,
        )
        return self.provider.simulations()[self.play](setup)


def find_play(providers: Mapping[str, Provider[Any]], name: str, provider: str = "") -> tuple[Provider[Any], str]:
    """The provider and the name of its call. `name` may be a call's or a provider's; empty for the usual one.

    Raises SimulationError that lists what there is.
    """
    name, provider = name.lower().replace("-", "_"), provider.lower()
    if not provider and name in providers:
        name, provider = "", name
    if provider and provider not in providers:
        raise SimulationError(f"there is no provider {provider!r}; there are {', '.join(providers)}")
    first = provider or USUAL_PROVIDER
    for one in sorted(providers.values(), key=lambda one: one.name != first):
        plays = one.simulations()
        if provider in {"", one.name} and plays and name in {"", *plays}:
            return one, name or next(iter(plays))
    raise SimulationError(f"there is no call {name!r}; there are {known_plays(providers, provider)}")


def known_plays(providers: Mapping[str, Provider[Any]], provider: str = "") -> str:
    """What can be played, for people: "ivr, layer (voicenter); click_to_call (spokn)"."""
    return "; ".join(
        f"{', '.join(one.simulations()) or 'none'} ({one.name})"
        for one in providers.values()
        if provider in {"", one.name}
    )


def read_options(pairs: Sequence[str]) -> dict[str, str]:
    """Options as NAME=VALUE. Raises SimulationError."""
    for pair in pairs:
        if "=" not in pair:
            raise SimulationError(f"--option {pair!r}: write it as NAME=VALUE")
    return dict(pair.split("=", 1) for pair in pairs)
