"""What the sandbox can be set to: by options of the command, and by a TOML file."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator

from receiver.errors import SettingsError
from receiver.providers.base.simulation import CalleeOutcome
from receiver.validation import sentences

Rate = Annotated[float, Field(ge=0, le=1)]


class CallbackFaults(BaseModel, extra="forbid"):
    """The table `[callbacks]`: what becomes of reports on their way to the receiver. Questions are never lost."""

    drop: Rate = 0.0
    """Share of the reports that are not sent."""
    repeat: Rate = 0.0
    """Share of the reports that are sent twice."""
    late: Rate = 0.0
    """Share of the reports that are sent `late_seconds` after their time."""
    reorder: Rate = 0.0
    """Share of the reports that are sent after the next report of any call."""
    late_seconds: float = Field(default=60.0, ge=0)
    """Seconds of calls. A report that waits to be overtaken waits no longer than this either."""
    retries: int = Field(default=0, ge=0, le=100)
    """How often a report is sent again that no reply with status 200 came to. The documents name no number."""
    retry_seconds: float = Field(default=30.0, ge=0)
    """Seconds of calls between them."""


class FaultRule(BaseModel, extra="forbid"):
    """A table `[[fault]]`: API calls that go wrong, and how."""

    provider: str = ""
    """Only this provider's calls."""
    call: str = ""
    """Only this call, by its name on the sandbox's page, such as `click2call.call` or `c2c.new`."""
    rate: Rate = 1.0
    """Share of the calls that are hit."""
    times: int | None = Field(default=None, ge=1)
    """Hit at most so many."""
    error: str | int = ""
    """The documented error code to answer with."""
    status: int = Field(default=0, ge=0, le=599)
    """The HTTP status to answer with."""
    delay: float = Field(default=0.0, ge=0, le=600)
    """Real seconds to wait before the reply."""
    reply: Literal["", "broken", "cut", "empty", "html"] = ""
    """A reply that cannot be read: half of it and rubbish, a connection that ends in it, nothing, or a web page."""


class Phone(BaseModel, extra="forbid"):
    """A table `[numbers.NUMBER]`: how the phone with that number behaves."""

    outcome: CalleeOutcome = CalleeOutcome.ANSWERED
    ring_seconds: float | None = Field(default=None, ge=0)
    talk_seconds: float | None = Field(default=None, ge=0)


class SandboxSettings(BaseModel, extra="forbid"):
    """The settings of the sandbox. Providers' parts have theirs below `providers`."""

    receiver: str = "http://127.0.0.1:8000"
    """The receiver's address, with its secret if it has one. Empty: callbacks are kept, and sent nowhere."""
    seed: int = 1
    """Decides which calls are hit by faults that come at a rate."""
    speed: float = Field(default=1.0, gt=0, le=1_000_000)
    """How many seconds of a call pass in one real second."""
    ring_seconds: float = Field(default=6.0, ge=0)
    """How long phones ring before they are answered."""
    talk_seconds: float = Field(default=60.0, ge=0)
    """How long people talk."""
    callbacks: CallbackFaults = CallbackFaults()
    fault: list[FaultRule] = Field(default_factory=list)
    numbers: dict[str, Phone] = Field(default_factory=dict)
    providers: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("receiver")
    @classmethod
    def _is_an_address(cls, given: str) -> str:
        if given and not re.match(r"https?://[^/]", given):
            raise ValueError('write an address such as http://127.0.0.1:8000, or "" to keep callbacks')
        return given


def load_settings(file: Path | None = None, **given: Any) -> SandboxSettings:
    """The settings of the file, with what is `given` and not None in place of them. Raises SettingsError.

    `drop`, `repeat`, `late` and `reorder` may be given beside the settings themselves.
    """
    values = _read(file) if file else {}
    chosen = {name: value for name, value in given.items() if value is not None}
    rates = {name: chosen.pop(name) for name in ("drop", "repeat", "late", "reorder") if name in chosen}
    if rates:
        chosen["callbacks"] = {**_table(values, "callbacks"), **rates}
    try:
        return SandboxSettings.model_validate(values | chosen)
    except ValidationError as error:
        raise SettingsError(problems_of(error)) from error


def _table(values: dict[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name, {})
    return found if isinstance(found, dict) else {}


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}; --settings names another file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is no TOML: {error}") from error


def problems_of(error: ValidationError, where: str = "") -> str:
    """A validation error as lines that each name a setting of the sandbox."""
    return "\n".join(sentences(error, where, unknown="the sandbox has no such setting; docs/sandbox.md lists them all"))
