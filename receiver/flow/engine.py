"""The engine: from a question of a call to the next action."""

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from receiver.errors import HandlerError
from receiver.flow.actions import Action, CallerInput, HangUp, Prompt, SendReply
from receiver.flow.caller import Caller
from receiver.flow.graph import menus_on_path
from receiver.flow.model import FlowModel
from receiver.flow.nodes import AskingNode, EntryNode, MenuNode, Node, SayNode
from receiver.flow.state import FlowState
from receiver.flow.targets import AGAIN, HANG_UP, Function, Goal, Move, Number, Recording, Target, describe
from receiver.plugins.module_settings import Setting
from receiver.providers.base.contract import Reply

HOPS = 100
"""Nodes to pass through without an action before it counts as a loop."""

Found = TypeVar("Found")


class Engine:
    """Answers one question of a call. It changes the state of the call and the caller."""

    def __init__(self, flow: FlowModel, state: FlowState, caller: Caller) -> None:
        self.flow = flow
        self.state = state
        self.caller = caller
        self.is_wrong = False
        """Whether the input was wrong or empty."""

    async def answer(self, heard: CallerInput, at: str = "") -> Action:
        """The next action.

        `at` names a node to continue at, whatever the input. Raises what the flow's functions raise.
        """
        target = at or await self._react(heard)
        for _ in range(HOPS):
            found = await self._step(target)
            if isinstance(found, Action):
                return found
            target = found
        self._log("a loop without an action; the call is ended")
        return HangUp()

    async def _react(self, heard: CallerInput) -> Target:
        """The target of the input."""
        if heard.is_first:
            return self.flow.start
        node = self.flow.nodes.get(heard.place)
        if node is None:
            return self._last_menu()
        self._arrive(node)
        self.caller.pressed_at = node.name
        return await node.react(self)

    def _last_menu(self) -> str:
        """Where to continue if the question names an unknown menu: the flow may have changed during the call."""
        known = [menu for menu in self.state.menus if isinstance(self.flow.nodes.get(menu), MenuNode)]
        return known[-1] if known else self.flow.start

    async def _step(self, target: Target) -> Action | Target:
        """One hop: an action, or the next target."""
        if isinstance(target, Reply):
            return SendReply(target)
        if not isinstance(target, str | Move):
            return self.check_goal(await self.call(target), target)
        node = self.node_of(target)
        if node is None:
            return HangUp()
        self._arrive(node)
        return await node.enter(self)

    def _arrive(self, node: Node) -> None:
        if node.name != self.state.node:
            self.is_wrong = False
        self.state.arrive(node.name, is_menu=isinstance(node, MenuNode), permanent=self.flow.secrets)
        self.caller.node = node.name

    # --- for nodes -------------------------------------------------------------------------------------------------

    def node_of(self, target: str | Move) -> Node | None:
        """The node of a target; None to end the call. An unknown name leads to the flow's `otherwise`."""
        if isinstance(target, Move):
            return self._moved(target)
        if not self.is_unknown(target):
            return self.flow.nodes[target]
        rescue = self.flow.otherwise
        return self.flow.nodes.get(rescue) if isinstance(rescue, str) else None

    def _moved(self, move: Move) -> Node | None:
        if move is HANG_UP:
            return None
        here = self.flow.nodes.get(self.state.node)
        if move is AGAIN and here is not None:
            return here
        before = self.flow.nodes.get(self.state.menu_before() or self._usual_menu_before())
        return before or (here if isinstance(here, MenuNode) else self.flow.nodes.get(self.flow.start))

    def _usual_menu_before(self) -> str:
        """The menu before this node on the shortest path, for a call without a known menu before it."""
        usual = [menu for menu in menus_on_path(self.flow, self.state.node) if menu != self.state.node]
        return usual[-1] if usual else ""

    def key(self, keys: Mapping[str, Found]) -> Found | None:
        """The value of the pressed key, with or without a terminating #; None for a wrong key."""
        digits = self.caller.digits
        return keys.get(digits, keys.get(digits.removesuffix("#")))

    def is_unknown(self, target: Target) -> bool:
        """Whether a target is an unknown name, which is logged."""
        is_unknown = isinstance(target, str) and target not in self.flow.nodes
        if is_unknown:
            self._log("leads to the unknown node %r; see `receiver flow check`", target)
        return is_unknown

    def tries_at(self, node: Node) -> int:
        """The number of wrong tries at a node."""
        return self.state.tries.get(node.name, 0)

    def fail(self, node: AskingNode) -> Target:
        """Count a wrong try. The target: the same node, or `otherwise` after the last try.

        If the history is incomplete, the tries of a PIN cannot be counted; then there is only one.
        """
        self.state.tries[node.name] = self.tries_at(node) + 1
        uncounted = isinstance(node, EntryNode) and node.secret and not self.caller.is_complete
        if uncounted or self.state.tries[node.name] >= node.tries:
            return node.fallback(self.flow)
        self.is_wrong = True
        return AGAIN

    async def ask_ahead(self, node: Node) -> Prompt | None:
        """The prompt of a node for the provider to play without asking again; None if it needs another question."""
        if not isinstance(node, AskingNode | SayNode) or callable(node.rec):
            return None
        if isinstance(node, AskingNode) and self.tries_at(node) >= node.tries:
            return None
        return node.ask(await self.recording(node.rec))

    async def call(self, function: Function) -> Any:
        """Call a function of the flow."""
        found = function(self.caller)
        return await found if inspect.isawaitable(found) else found

    async def value(self, value: Any) -> Any:
        """The value of a field: as it is, of a setting, or of a function."""
        if isinstance(value, Setting):
            return self._setting(value)
        return await self.call(value) if callable(value) else value

    def _setting(self, setting: Setting) -> Any:
        found = self.caller.settings.get(setting.name)
        if found is None:
            raise HandlerError(f"flow {self.flow.name}: the setting {setting.name} is missing")
        return found

    async def text(self, value: Any) -> str:
        """The value of a text field. Raises HandlerError for other types."""
        found = await self.value(value)
        if isinstance(found, str):
            return found
        raise HandlerError(f"flow {self.flow.name}: {describe(value)} is {type(found).__name__}, not text")

    async def number(self, value: Number) -> int:
        """The value of a number field. Raises HandlerError for other types."""
        found = await self.value(value)
        if isinstance(found, int) and not isinstance(found, bool):
            return found
        raise HandlerError(f"flow {self.flow.name}: {describe(value)} is {type(found).__name__}, not a whole number")

    async def recording(self, rec: Recording) -> str:
        """The file name of a recording in the caller's language."""
        if isinstance(rec, Mapping):
            return self.flow.file_of(rec, self.caller.language)
        return self.flow.file_of(await self.text(rec), self.caller.language)

    def check_goal(self, goal: object, function: object, more: str = "") -> Goal:
        """The return value of a function as a goal. Raises HandlerError for other types."""
        if isinstance(goal, str | Move | Reply):
            return goal
        allowed = ", ".join(filter(None, (more, "the name of a node, BACK, AGAIN, HANG_UP or a reply")))
        raise HandlerError(
            f"flow {self.flow.name}: {describe(function)} returned {type(goal).__name__}; it must return {allowed}"
        )

    def _log(self, text: str, *values: object) -> None:
        self.caller.context.log.error(f"flow %s, node %r: {text}", self.flow.name, self.state.node, *values)
