"""Registration of handlers: which function gets which events."""

import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any, TypeVar

from pydantic import BaseModel

from receiver.errors import HandlerError
from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord

Function = TypeVar("Function", bound=Callable[..., Any])
Subject = type[Event] | type[CallRecord]


A_YEAR = 366 * 24 * 3600


class RetryLater(Exception):  # noqa: N818 - reads as what it asks for
    """Raised by a handler: retry after the usual back-off, or after `after` seconds, a year at most.

    Raises ValueError for any other value of `after`.
    """

    def __init__(self, reason: str = "", *, after: float | timedelta | None = None) -> None:
        super().__init__(reason or "the handler asked to be called again later")
        seconds = after.total_seconds() if isinstance(after, timedelta) else after
        if seconds is not None and not (isinstance(seconds, int | float) and 0 <= seconds <= A_YEAR):
            raise ValueError(f"RetryLater(after=…) takes seconds from 0 to {A_YEAR}, not {after!r}")
        self.after = seconds


class Drop(Exception):  # noqa: N818 - reads as what it asks for
    """Raised by a handler: the delivery cannot succeed; do not retry it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Handler:
    """One function and what it listens to."""

    name: str
    """Stored with every delivery: an interface. Rename with an alias."""
    subject: Subject
    function: Callable[..., Any]
    answers: bool
    """Whether it answers questions; else it listens to events."""
    filters: Mapping[str, object] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    attempts: int | None = None
    """Attempts before a delivery is dead; the setting `attempts` where None."""
    timeout: float | None = None
    """Seconds that one attempt may take; the setting `handler_timeout` where None."""
    concurrency: int | None = None
    """Attempts that may run at the same time; the setting `handler_concurrency` where None."""
    module: str = ""
    """The name of its module's table in `handler_settings`."""
    requires: tuple[str, ...] = ()
    """Settings that its module requires."""
    settings_model: type[BaseModel] | None = None
    """The model that its module's settings are validated with."""
    takes_context: bool = False
    """Whether the function has a second argument."""
    history: bool = False
    """Whether the call's history is loaded into the context."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Its module's settings, set by the registry."""
    is_async: bool = False
    """Whether the function is a coroutine function; others run in a thread."""

    @property
    def source(self) -> tuple[str, int]:
        """The file and the line of the function; "" and 0 where it has none.

        Of a function that a library made for a module, such as a flow's, the file of that module and 0.
        """
        function = inspect.unwrap(getattr(self.function, "func", self.function))
        code = getattr(function, "__code__", None)
        file, line = (code.co_filename, code.co_firstlineno) if code else ("", 0)
        home = getattr(sys.modules.get(getattr(function, "__module__", "")), "__file__", None) or file
        return (file, line) if home == file else (home, 0)

    def matches(self, subject: Event | CallRecord) -> bool:
        """Whether every filter matches this event or record."""
        return all(_passes(getattr(subject, name), wanted) for name, wanted in self.filters.items())

    def could_match_with(self, other: "Handler") -> bool:
        """Whether one event could match the filters of both."""
        shared = self.filters.keys() & other.filters.keys()
        return self.subject is other.subject and not any(
            _exclude_each_other(self.filters[name], other.filters[name]) for name in shared
        )

    def describe(self) -> str:
        """The subject and the filters, as in the decorator's arguments."""
        filters = "".join(f", {name}={_as_written(wanted)}" for name, wanted in self.filters.items())
        return f"{self.subject.__name__}{filters}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerDefaults:
    """The default limits of handlers: the settings of the same names. Times are in seconds."""

    deadline: float = 3.0
    call_history_hours: float = 24.0
    attempts: int = 10
    retry_first_pause: float = 5.0
    retry_longest_pause: float = 3600.0
    handler_timeout: float = 60.0


class Handlers:
    """The handlers of one module. Make one, and decorate functions with `on` and `answer`.

    `name` is the module's table in `handler_settings`; by default the last part of the module's name. `requires` names
    settings that the module needs; `settings` is a model that validates all of them. The receiver does not start when
    a setting is missing or invalid.
    """

    def __init__(
        self, name: str = "", *, requires: Collection[str] = (), settings: type[BaseModel] | None = None
    ) -> None:
        self.name = name
        self.requires = tuple(requires)
        self.settings_model = settings
        self._handlers: list[Handler] = []

    def __iter__(self) -> Iterator[Handler]:
        return iter(self._handlers)

    def on(
        self,
        subject: Subject,
        /,
        *,
        name: str = "",
        aliases: Collection[str] = (),
        attempts: int | None = None,
        timeout: float | None = None,
        concurrency: int | None = None,
        history: bool = False,
        **filters: object,
    ) -> Callable[[Function], Function]:
        """Register the function for each `subject` that matches: it runs after the acknowledgement, with retries.

        `subject` is CallRecord or the event of a notify callback. A filter names a field and is a value, a collection
        of values, a function of the value, or a Setting. With `history` the earlier steps of the call are loaded for
        `ctx.call`. Raises HandlerError if the function or a filter cannot work.
        """
        limits = {"attempts": attempts, "timeout": timeout, "concurrency": concurrency, "history": history}
        return self._register(subject, name, aliases, filters, answers=False, **limits)

    def answer(
        self,
        question: type[Event],
        /,
        *,
        name: str = "",
        aliases: Collection[str] = (),
        history: bool = False,
        **filters: object,
    ) -> Callable[[Function], Function]:
        """Register the function to answer each `question` that matches the filters: its return value is the reply.

        Exactly one handler answers a question: the first whose filters match. With `history` the earlier steps of the
        call and its state are loaded for `ctx.call`. Raises HandlerError as `on` does.
        """
        return self._register(question, name, aliases, filters, answers=True, history=history)

    def _register(
        self,
        subject: Subject,
        name: str,
        aliases: Collection[str],
        filters: Mapping[str, object],
        **rest: Any,
    ) -> Callable[[Function], Function]:
        def decorate(function: Function) -> Function:
            module, where = _home(function)
            _check_signature(function, where)
            _check_filters(subject, filters, where)
            takes_context = len(_positional(function)) > 1
            if rest["history"] and not takes_context:
                raise HandlerError(f"{where} asks for history; give it a second argument, a Context, to find it in")
            self._handlers.append(
                Handler(
                    name=name or where,
                    subject=subject,
                    function=function,
                    filters=dict(filters),
                    aliases=tuple(aliases),
                    module=self.name or module.rsplit(".", 1)[-1],
                    requires=self.requires,
                    settings_model=self.settings_model,
                    takes_context=takes_context,
                    is_async=inspect.iscoroutinefunction(function),
                    **rest,
                )
            )
            return function

        return decorate


def _as_written(wanted: object) -> str:
    """A filter in its author's notation: a function by its name, a value without its class."""
    if isinstance(wanted, list | tuple):
        return f"[{', '.join(map(_as_written, wanted))}]"
    if callable(wanted) and hasattr(wanted, "__name__"):
        return str(wanted.__name__)
    return repr(wanted.value if isinstance(wanted, Enum) else wanted)


def _home(function: Callable[..., Any]) -> tuple[str, str]:
    """The module and the full name of a callable; a `functools.partial` has neither of its own."""
    module = getattr(function, "__module__", None) or ""
    name = getattr(function, "__qualname__", None) or type(function).__name__
    return module, f"{module}.{name}".lstrip(".")


def _passes(value: object, wanted: object) -> bool:
    if callable(wanted) and not isinstance(wanted, type):
        return bool(wanted(value))
    if isinstance(wanted, list | tuple | set | frozenset):
        return value in wanted
    return value == wanted


def _exclude_each_other(one: object, other: object) -> bool:
    """Whether no value matches both filters; functions cannot be compared, so they never exclude."""
    if callable(one) or callable(other):
        return False
    ones = one if isinstance(one, list | tuple | set | frozenset) else (one,)
    others = other if isinstance(other, list | tuple | set | frozenset) else (other,)
    return not any(value == wanted for value in ones for wanted in others)


def _positional(function: Callable[..., Any]) -> list[inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter for parameter in inspect.signature(function).parameters.values() if parameter.kind in kinds]


def _check_signature(function: Callable[..., Any], where: str) -> None:
    needed = [p for p in inspect.signature(function).parameters.values() if p.default is inspect.Parameter.empty]
    positional = _positional(function)
    if not 1 <= len(positional) <= 2 or any(parameter not in positional for parameter in needed):
        raise HandlerError(
            f"{where} takes {len(positional)} arguments; a handler takes its event and optionally a Context"
        )


def _check_filters(subject: Subject, filters: Mapping[str, object], where: str) -> None:
    for name in filters:
        if name not in subject.model_fields and not isinstance(getattr(subject, name, None), property):
            fields = ", ".join(sorted(subject.model_fields))
            raise HandlerError(f"{where}: {subject.__name__} has no field {name!r} to filter on; it has {fields}")
