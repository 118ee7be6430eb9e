"""A flow that answers calls."""

import inspect
import re
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from types import FrameType
from typing import Any

from pydantic import BaseModel
from rich.tree import Tree

from receiver.errors import HandlerError
from receiver.flow import drawing, problems, terminal
from receiver.flow.actions import CallerInput
from receiver.flow.builder import Builder
from receiver.flow.caller import Caller
from receiver.flow.channel import Channel
from receiver.flow.engine import Engine
from receiver.flow.graph import menus_on_path
from receiver.flow.nodes import MenuNode
from receiver.flow.problems import Problem
from receiver.flow.state import FlowState, load_state, save_state
from receiver.flow.targets import Target
from receiver.flow.voicenter import VoicenterChannel
from receiver.plugins.call_history import CallHistory
from receiver.plugins.context import Context
from receiver.plugins.handlers import Handler, Handlers
from receiver.providers.base.contract import Reply
from receiver.providers.base.event import Event

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{2,4})?")


class Flow(Builder):
    """A declarative IVR: named nodes with their targets. See docs/flow.md.

    Calls begin in the first of `languages`. `recordings` is the pattern of file names, with `{rec}` and `{language}`.
    `keys` are keys of every menu. `otherwise` is the target after the last try, for nodes without their own; None
    hangs up. `max_age` is how long the state of a call is valid after its last question, in seconds or as a timedelta.

    Every method raises HandlerError for invalid arguments.
    """

    def __init__(
        self,
        name: str,
        *,
        start: str,
        languages: Sequence[str] = (),
        recordings: str = "{rec}",
        keys: Mapping[str, Target] | None = None,
        otherwise: Target | None = None,
        max_age: float | timedelta = 3600,
    ) -> None:
        super().__init__(
            name=name,
            start=start,
            languages=tuple(languages),
            recordings=recordings,
            keys=dict(keys or {}),
            otherwise=otherwise,
            max_age=max_age.total_seconds() if isinstance(max_age, timedelta) else max_age,
        )
        _check_plan(self)
        self._channel: Channel = VoicenterChannel()
        self._settings_model: type[BaseModel] | None = None

    # --- answering -------------------------------------------------------------------------------------------------

    def attach(self, handlers: Handlers, *, name: str = "", **filters: object) -> None:
        """Answer the questions that pass the filters, as `handlers.answer` does. Call it after all nodes are added.

        A flow with an async function runs on the event loop, any other in a thread.
        """
        module = _module_of(inspect.currentframe())
        options: dict[str, Any] = {"name": name, "history": True, **filters}
        handlers.answer(self._channel.question, **options)(_as_handler(self, module))
        self.is_attached = True
        self._settings_model = handlers.settings_model

    async def answer(self, event: Event, context: Context, at: str = "") -> Reply:
        """The reply to a question, for your own handler with `history=True`.

        `at` names a node to continue at, whatever the input. Raises what the flow's functions raise.
        """
        heard, history = self._channel.hear(event), context.call
        state = self._state(heard, history, context.received_at)
        caller = Caller(
            event=event,
            context=context,
            settings=self._settings(context),
            number=heard.number,
            did=heard.did,
            digits=heard.digits,
            node=state.node,
            language=state.language,
            values=state.values,
            is_complete=history.is_complete and bool(event.call_id),
        )
        action = await Engine(self, state, caller).answer(heard, at)
        self._check_language(caller.language)
        reply = self._channel.speak(action, caller.language)
        state.node = self._channel.next_place(reply) or state.node
        state.language, state.values = caller.language, caller.values
        if history.is_complete:  # else it would replace the stored state
            save_state(history.state, self.name, state, context.received_at)
        return reply

    def _state(self, heard: CallerInput, history: CallHistory, now: datetime) -> FlowState:
        """The stored state, without menus and languages that the flow no longer has; else a new one."""
        if heard.is_first:
            return FlowState(language=self.first_language)
        state = load_state(history.state, self.name, now, self.max_age)
        if state is None:
            return FlowState(language=self.first_language, menus=menus_on_path(self, heard.place))
        state.menus = [menu for menu in state.menus if isinstance(self.nodes.get(menu), MenuNode)]
        state.language = state.language if state.language in self.languages else self.first_language
        return state

    def _settings(self, context: Context) -> Mapping[str, Any]:
        """The module's settings, with the defaults of their model."""
        model = self._settings_model
        return context.settings if model is None else dict(model.model_validate(context.settings))

    def _check_language(self, language: str) -> None:
        if language != self.first_language and language not in self.languages:
            known = ", ".join(self.languages) or "none"
            raise HandlerError(f"flow {self.name}: a function set the language {language!r}; the flow has {known}")

    # --- looking at it ---------------------------------------------------------------------------------------------

    def check(self, settings: Mapping[str, Any] | None = None) -> list[Problem]:
        """The problems of the flow; empty if there are none.

        With the settings of its module, missing settings are problems too.
        """
        return problems.find_problems(self, settings)

    def draw(self) -> str:
        """The flow as an SVG, for light and dark backgrounds."""
        return drawing.draw_svg(self)

    def tree(self) -> Tree:
        """The flow as a tree for the terminal."""
        return terminal.draw_tree(self)


def flow_of(handler: Handler) -> Flow | None:
    """The flow that a handler answers with, if it is one."""
    found = getattr(handler.function, "flow", None)
    return found if isinstance(found, Flow) else None


def _as_handler(flow: Flow, module: str) -> Any:
    """The handler function of a flow, with the name of its author's module."""

    async def on_the_loop(event: Event, context: Context) -> Reply:
        return await flow.answer(event, context)

    def in_a_thread(event: Event, context: Context) -> Reply:
        return run_plain(flow.answer(event, context), flow.name)

    function: Any = on_the_loop if flow.is_async else in_a_thread
    function.__module__, function.__name__, function.__qualname__ = module, flow.name, flow.name
    function.flow = flow
    return function


def run_plain(coroutine: Coroutine[Any, Any, Reply], flow: str) -> Reply:
    """Run a coroutine that never suspends. Raises HandlerError if it does."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        reply: Reply = done.value
        return reply
    coroutine.close()
    raise HandlerError(f"flow {flow}: a function returned an awaitable; define it with `async def`")


def _module_of(frame: FrameType | None) -> str:
    """The name of the calling module."""
    caller = frame.f_back if frame else None
    return str(caller.f_globals.get("__name__", "")) if caller else ""


def _check_plan(flow: Flow) -> None:
    """Raises HandlerError for invalid arguments."""
    if not flow.name.strip() or not flow.name.isprintable():
        raise HandlerError(f"{flow.name!r} cannot be the name of a flow; write printable text")
    wrong = [tag for tag in flow.languages if not _LANGUAGE.fullmatch(tag)]
    if wrong or len(set(flow.languages)) < len(flow.languages):
        raise HandlerError(f"flow {flow.name}: languages are tags such as 'he' and 'en', each once")
    if not flow.max_age > 0:
        raise HandlerError(f"flow {flow.name}: max_age is {flow.max_age!r}; write seconds, more than 0")
    try:
        names = {flow.recordings.format(rec=rec, language="he") for rec in ("one", "two")}
    except (LookupError, ValueError, AttributeError) as error:
        raise HandlerError(f"flow {flow.name}: recordings takes {{rec}} and {{language}} alone: {error!r}") from error
    if len(names) < 2:
        raise HandlerError(f"flow {flow.name}: recordings is {flow.recordings!r}; it must have {{rec}} in it")
