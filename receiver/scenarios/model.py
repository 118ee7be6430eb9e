"""A scenario file: the call, the caller's actions, and the expected results."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from receiver.errors import ReceiverError
from receiver.providers.base.record import CallRecord
from receiver.providers.base.simulation import KEYS, CalleeOutcome
from receiver.settings import problems
from receiver.wire import Format

FOLDER = "scenarios"
"""The folder of scenario files, in the working folder."""
_FIELDS_OF_A_RECORD = {*CallRecord.model_fields, "customer"} - {"event"}


class ScenarioError(ReceiverError):
    """A scenario file cannot be read; the message names the file, the key and what to write."""


def _keys(text: str) -> str:
    if wrong := [key for key in text if key not in KEYS]:
        raise ValueError(f"{wrong[0]!r} is no key of a telephone; there are {' '.join(KEYS)}")
    return text


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScenarioStep(_Table):
    """One action, and the expected reply to the question after it."""

    press: Annotated[str, AfterValidator(_keys)] = ""
    """Keys, one after the other."""
    wait: bool = False
    """The caller does nothing until the provider continues after its timeout."""
    hang_up: bool = False
    callee: CalleeOutcome | None = None
    """The reaction of the dialled side."""
    expect: Mapping[str, Any] = Field(default_factory=dict)
    """`action`, `language`, `fault`, `outcome` or `state`, and fields of the reply by their wire names in any case."""

    @model_validator(mode="after")
    def _one_action(self) -> Self:
        done = [name for name in ("press", "wait", "hang_up", "callee") if getattr(self, name)]
        if len(done) > 1:
            raise ValueError(f"a step does one thing; write a step each for {' and '.join(done)}")
        return self

    @property
    def actions(self) -> tuple[str, ...]:
        """The action for the player; empty for a step that only begins the call."""
        if self.press:
            return tuple(self.press)
        if self.callee is not None:
            return (self.callee.value,)
        return tuple(word for word, wanted in (("wait", self.wait), ("hangup", self.hang_up)) if wanted)

    def __str__(self) -> str:
        if self.press:
            return f"press {self.press}"
        if self.callee is not None:
            return f"callee {self.callee}"
        return " ".join(self.actions) or "the call begins"


class ExpectedHandler(_Table):
    """An expected delivery."""

    name: str
    state: Literal["done", "dead", "dropped"] = "done"
    attempts: int | None = None
    """The number of attempts."""


class StubbedHttp(_Table):
    """The replies of an address to requests of `ctx.http`, instead of the network."""

    url: str
    """The beginning of the address."""
    method: str = ""
    """Only for this method; empty for any."""
    statuses: tuple[int, ...] = (200,)
    """One for each request; the last one repeats."""
    body: str = ""
    requests: int | None = None
    """The expected number of requests."""


class Scenario(_Table):
    """One call, and its expected results."""

    title: str = ""
    handlers: tuple[str, ...] = ()
    """Handler modules; those of the settings if empty."""
    handler_settings: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    """Settings of handler modules; they override those of receiver.toml."""
    provider: str = "voicenter"
    play: str = ""
    """Which of the provider's calls; its usual one if empty."""
    did: str = "0730000000"
    caller: str = "0540000000"
    caller_name: str = ""
    call_id: str = ""
    """The call's id; a new one for each run if empty."""
    format: Format | None = None
    options: Mapping[str, str] = Field(default_factory=dict)
    steps: Annotated[tuple[ScenarioStep, ...], Field(alias="step", min_length=1)]
    records: Annotated[tuple[Mapping[str, Any], ...], Field(alias="record")] = ()
    """Expected call records, each with the fields to compare."""
    handlers_run: Annotated[tuple[ExpectedHandler, ...], Field(alias="handler")] = ()
    http: tuple[StubbedHttp, ...] = ()

    @model_validator(mode="after")
    def _known_fields(self) -> Self:
        for record in self.records:
            if unknown := record.keys() - _FIELDS_OF_A_RECORD:
                known = ", ".join(sorted(_FIELDS_OF_A_RECORD))
                raise ValueError(f"a call record has no field {min(unknown)!r}; it has {known}")
        for step in self.steps[1:]:
            if not step.actions:
                raise ValueError("only the first step may leave out press, wait, hang_up and callee")
        return self


class LoadedScenario(_Table):
    """A scenario with the path of its file."""

    path: Path
    name: str
    scenario: Scenario
    step_lines: tuple[int, ...] = ()
    """The line number of each `[[step]]`."""


def load_scenario(path: Path) -> LoadedScenario:
    """The scenario in a file. Raises ScenarioError."""
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
        scenario = Scenario.model_validate(values)
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: the file cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{path}: this is not valid TOML: {error}") from error
    except ValidationError as error:
        raise ScenarioError("\n".join(f"{path}: {line}" for line in problems(error).splitlines())) from error
    step_lines = tuple(
        number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*step\s*\]\]", line)
    )
    return LoadedScenario(path=path, name=path.stem, scenario=scenario, step_lines=step_lines)


def find_scenarios(places: Sequence[Path]) -> list[Path]:
    """The scenario files of these paths: files, and all `*.toml` below folders. Raises ScenarioError."""
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += sorted(place.rglob("*.toml"))
        elif place.exists():
            found.append(place)
        else:
            raise ScenarioError(
                f"{place}: there is no such file or folder; `receiver new NAME` writes a handler and its scenario"
            )
    if not found:
        raise ScenarioError(f"{', '.join(map(str, places))}: there is no scenario; `receiver new NAME` writes one")
    return list(dict.fromkeys(found))
