"""One question of a call on its way through a flow: from what the caller pressed to what they hear next."""

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from receiver.errors import HandlerError
from receiver.flow.actions import Action, Ask, End, Give, Heard
from receiver.flow.caller import Caller
from receiver.flow.graph import usual_menus
from receiver.flow.nodes import AskingNode, EntryNode, MenuNode, Node, SayNode
from receiver.flow.plan import Plan
from receiver.flow.state import FlowState
from receiver.flow.targets import AGAIN, HANG_UP, Function, Goal, Move, Number, Recording, Target, describe
from receiver.plugins.module_settings import Setting
from receiver.providers.base.contract import Reply

HOPS = 100
"""Nodes that one question may pass through without a word to its caller: more of them go round in a circle."""

Found = TypeVar("Found")


class Visit:
    """One question of a call. `answer` changes the state of the call and the caller's values."""

    def __init__(self, plan: Plan, state: FlowState, caller: Caller) -> None:
        self.plan = plan
        self.state = state
        self.caller = caller
        self.is_wrong = False
        """Whether the caller has just pressed nothing, or something wrong."""

    async def answer(self, heard: Heard, at: str = "") -> Action:
        """What to do with the caller now.

        `at` names a node to go to whatever was heard. Raises what the flow's functions raise.
        """
        target = at or await self._react(heard)
        for _ in range(HOPS):
            found = await self._step(target)
            if isinstance(found, Action):
                return found
            target = found
        self._log("goes round in a circle at %r; the call is ended", self.state.node)
        return End()

    async def _react(self, heard: Heard) -> Target:
        """Where the caller goes from here."""
        if heard.is_first:
            return self.plan.start
        node = self.plan.nodes.get(heard.place)
        if node is None:
            return self._last_menu()
        self._arrive(node)
        self.caller.pressed_at = node.name
        return await node.react(self)

    def _last_menu(self) -> str:
        """Where a caller goes on whose menu is none of the flow: the flow may have changed during the call."""
        known = [menu for menu in self.state.menus if isinstance(self.plan.nodes.get(menu), MenuNode)]
        return known[-1] if known else self.plan.start

    async def _step(self, target: Target) -> Action | Target:
        """One hop: an action, or where to go on."""
        if isinstance(target, Reply):
            return Give(target)
        if not isinstance(target, str | Move):
            return self.expect_goal(await self.call(target), target)
        node = self.node_of(target)
        if node is None:
            return End()
        self._arrive(node)
        return await node.enter(self)

    def _arrive(self, node: Node) -> None:
        if node.name != self.state.node:
            self.is_wrong = False
        self.state.arrive(node.name, is_menu=isinstance(node, MenuNode), counted_for_good=self.plan.secrets)
        self.caller.node = node.name

    # --- what nodes need -------------------------------------------------------------------------------------------

    def node_of(self, target: str | Move) -> Node | None:
        """The node that a target names; None for the end of the call. A name of no node leads to `otherwise`."""
        if isinstance(target, Move):
            return self._moved(target)
        if not self.is_lost(target):
            return self.plan.nodes[target]
        rescue = self.plan.otherwise
        return self.plan.nodes.get(rescue) if isinstance(rescue, str) else None

    def _moved(self, move: Move) -> Node | None:
        if move is HANG_UP:
            return None
        here = self.plan.nodes.get(self.state.node)
        if move is AGAIN and here is not None:
            return here
        before = self.plan.nodes.get(self.state.menu_before() or self._usual_menu_before())
        return before or (here if isinstance(here, MenuNode) else self.plan.nodes.get(self.plan.start))

    def _usual_menu_before(self) -> str:
        """The menu before this node on the shortest way to it: the call has none, or the flow has it no more."""
        usual = [menu for menu in usual_menus(self.plan, self.state.node) if menu != self.state.node]
        return usual[-1] if usual else ""

    def key(self, keys: Mapping[str, Found]) -> Found | None:
        """What the pressed key stands for; a # at the end may just say that all was pressed. None for a wrong key."""
        digits = self.caller.digits
        return keys.get(digits, keys.get(digits.removesuffix("#")))

    def is_lost(self, target: Target) -> bool:
        """Whether a target names a node that is not there; the log says so."""
        is_lost = isinstance(target, str) and target not in self.plan.nodes
        if is_lost:
            self._log("leads to %r, which is no node; see `receiver flow check`", target)
        return is_lost

    def tries_at(self, node: Node) -> int:
        """How often the caller has pressed nothing or something wrong at this node."""
        return self.state.tries.get(node.name, 0)

    def fail(self, node: AskingNode) -> Target:
        """Count a wrong try: ask again, or go on elsewhere after the last one.

        Where the journal could not be read, the tries of a PIN cannot be counted, so there is no other one.
        """
        self.state.tries[node.name] = self.tries_at(node) + 1
        uncounted = isinstance(node, EntryNode) and node.secret and not self.caller.is_complete
        if uncounted or self.state.tries[node.name] >= node.tries:
            return node.fallback(self.plan)
        self.is_wrong = True
        return AGAIN

    async def ask_ahead(self, node: Node) -> Ask | None:
        """What the provider can ask at this node by itself; None where it takes us to say so."""
        if not isinstance(node, AskingNode | SayNode) or callable(node.rec):
            return None
        if isinstance(node, AskingNode) and self.tries_at(node) >= node.tries:
            return None
        return node.ask(await self.recording(node.rec))

    async def call(self, function: Function) -> Any:
        """What a function of the flow returns."""
        found = function(self.caller)
        return await found if inspect.isawaitable(found) else found

    async def value(self, value: Any) -> Any:
        """A value of a node, or what its setting or function says."""
        if isinstance(value, Setting):
            return self._setting(value)
        return await self.call(value) if callable(value) else value

    def _setting(self, setting: Setting) -> Any:
        found = self.caller.settings.get(setting.name)
        if found is None:
            raise HandlerError(f"flow {self.plan.name}: the setting {setting.name} is missing")
        return found

    async def text(self, value: Any) -> str:
        """A text of a node. Raises HandlerError where a function returns something else."""
        found = await self.value(value)
        if isinstance(found, str):
            return found
        raise HandlerError(f"flow {self.plan.name}: {describe(value)} is {type(found).__name__}, not text")

    async def number(self, value: Number) -> int:
        """A number of a node. Raises HandlerError where a setting or a function gives something else."""
        found = await self.value(value)
        if isinstance(found, int) and not isinstance(found, bool):
            return found
        raise HandlerError(f"flow {self.plan.name}: {describe(value)} is {type(found).__name__}, not a whole number")

    async def recording(self, rec: Recording) -> str:
        """The file of a recording in the caller's language."""
        if isinstance(rec, Mapping):
            return self.plan.file_of(rec, self.caller.language)
        return self.plan.file_of(await self.text(rec), self.caller.language)

    def expect_goal(self, goal: object, function: object, more: str = "") -> Goal:
        """What a function returned, if it says where to go. Raises HandlerError for anything else."""
        if isinstance(goal, str | Move | Reply):
            return goal
        allowed = ", ".join(filter(None, (more, "the name of a node, BACK, AGAIN, HANG_UP or a reply")))
        raise HandlerError(
            f"flow {self.plan.name}: {describe(function)} returned {type(goal).__name__}; it must return {allowed}"
        )

    def _log(self, text: str, *values: object) -> None:
        self.caller.context.log.error(f"flow %s: %r {text}", self.plan.name, self.state.node, *values)
