"""What can be wrong with a flow before any call comes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from receiver.flow.circles import circles
from receiver.flow.graph import parents
from receiver.flow.nodes import EntryNode, LanguageNode, MenuNode, Node
from receiver.flow.plan import Plan, values_of
from receiver.flow.targets import Recording, Target
from receiver.plugins.module_settings import Setting
from receiver.providers.base.simulation import KEYS


class Trouble(StrEnum):
    """The kinds of problems."""

    UNKNOWN_TARGET = "unknown_target"
    """Something leads to a name that no node has."""
    UNREACHABLE = "unreachable"
    """Nothing leads to a node."""
    NO_WAY_OUT = "no_way_out"
    """A caller who presses nothing goes round for ever."""
    KEY_NEVER_FITS = "key_never_fits"
    """A key that no caller can press, or more digits than any key has."""
    AMBIGUOUS_KEY = "ambiguous_key"
    """A key that is the beginning of another one, or looks like the digits that are asked for."""
    MISSING_RECORDING = "missing_recording"
    """A node has nothing to play in one of the flow's languages."""
    UNKNOWN_LANGUAGE = "unknown_language"
    """A key or a recording is for a language that the flow does not have."""
    MISSING_SETTING = "missing_setting"
    """A node takes a setting that the module does not have."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a flow."""

    trouble: Trouble
    node: str
    """The node where it is; empty where it is the flow itself."""
    text: str
    """What is wrong, and what to do about it."""

    def __str__(self) -> str:
        return f"{self.node}: {self.text}" if self.node else self.text


def find_problems(plan: Plan, settings: Mapping[str, Any] | None = None) -> list[Problem]:
    """Everything that is wrong with a flow, node by node; with `settings`, also which of them are missing."""
    reached = parents(plan)
    loops = {circle[0]: circle for circle in circles(plan)}
    found = list(_of_the_flow(plan))
    for name, node in plan.nodes.items():
        if reached and name not in reached:
            text = "nothing leads here; let a key lead here, or name it in `to=` of the node whose function does"
            found.append(Problem(Trouble.UNREACHABLE, name, text))
        if name in loops:
            found.append(_no_way_out(loops[name]))
        found += [*_targets(plan, node), *_keys(plan, node), *_languages(plan, node)]
        found += () if settings is None else _settings(node, settings)
    return found


def _of_the_flow(plan: Plan) -> Iterator[Problem]:
    shared = {f"key {key} of every menu": target for key, target in plan.keys.items()}
    for what, target in {"start": plan.start, "otherwise": plan.otherwise, **shared}.items():
        if isinstance(target, str) and target not in plan.nodes:
            yield Problem(Trouble.UNKNOWN_TARGET, "", f"{what} leads to {target!r}, which is no node")


def _no_way_out(circle: tuple[str, ...]) -> Problem:
    way = " → ".join((*circle, circle[0]))
    text = f"a caller who presses nothing goes round for ever: {way}; lead them out with `otherwise` or `then`"
    return Problem(Trouble.NO_WAY_OUT, circle[0], text)


def _targets(plan: Plan, node: Node) -> Iterator[Problem]:
    """Ways of a node's own that lead nowhere; those of the whole flow are said once."""
    shared = () if not isinstance(node, MenuNode) else plan.keys.keys() - node.keys.keys()
    for one in node.exits(plan):
        if not isinstance(one.target, str) or one.target in plan.nodes or one.label in shared:
            continue
        if one.target != plan.otherwise:
            what = f"{one.label or 'to'} leads to {one.target!r}, which is no node"
            yield Problem(Trouble.UNKNOWN_TARGET, node.name, what)


# --- keys ----------------------------------------------------------------------------------------------------------


def _keys(plan: Plan, node: Node) -> Iterator[Problem]:
    match node:
        case MenuNode():
            keys: Mapping[str, Target] = plan.keys_of(node)
            yield from _size(node, keys)
        case LanguageNode() | EntryNode():
            keys = node.keys
        case _:
            return
    for key in keys:
        yield from _key(node, key, keys)


def _size(node: MenuNode, keys: Mapping[str, Target]) -> Iterator[Problem]:
    if not keys:
        yield Problem(Trouble.KEY_NEVER_FITS, node.name, "it has no key; give it one, or make it a `say`")
    elif node.collects > max(map(len, keys)):
        text = f"size is {node.collects}, but no key is that long: callers wait for nothing; leave `size` out"
        yield Problem(Trouble.KEY_NEVER_FITS, node.name, text)


def _key(node: MenuNode | LanguageNode | EntryNode, key: str, keys: Mapping[str, Target]) -> Iterator[Problem]:
    if not key or not set(key) <= set(KEYS):
        text = f"key {key!r} is on no telephone; write {' '.join(KEYS)}, or several of them"
        yield Problem(Trouble.KEY_NEVER_FITS, node.name, text)
    elif len(key) > node.collects:
        text = f"key {key} never fits: it has {len(key)} digits, and size is {node.collects}"
        yield Problem(Trouble.KEY_NEVER_FITS, node.name, text)
    elif isinstance(node, EntryNode) and key.isdigit():
        text = f"key {key} looks like the digits that are asked for; take * or #"
        yield Problem(Trouble.AMBIGUOUS_KEY, node.name, text)
    elif longer := next((other for other in keys if other != key and other.startswith(key)), ""):
        text = f"key {key} is the beginning of {longer}: callers wait after it; change one of them"
        yield Problem(Trouble.AMBIGUOUS_KEY, node.name, text)


# --- languages -----------------------------------------------------------------------------------------------------


def _languages(plan: Plan, node: Node) -> Iterator[Problem]:
    if isinstance(node, LanguageNode):
        for key, language in node.keys.items():
            if language not in plan.languages:
                text = f"key {key} chooses {language!r}, which is none of the flow's languages; add it to them"
                yield Problem(Trouble.UNKNOWN_LANGUAGE, node.name, text)
    for field_name, rec in node.recordings():
        yield from _recording(plan, node.name, field_name, rec)


def _recording(plan: Plan, node: str, field_name: str, rec: Recording) -> Iterator[Problem]:
    if rec == "" or rec == {}:
        yield Problem(Trouble.MISSING_RECORDING, node, f"{field_name} is missing: callers hear nothing")
    elif isinstance(rec, Mapping):
        for language in plan.languages:
            if not rec.get(language):
                yield Problem(Trouble.MISSING_RECORDING, node, f"{field_name} has no recording for {language!r}")
        for language in rec.keys() - set(plan.languages):
            text = f"{field_name} is for {language!r}, which is none of the flow's languages; add it to them"
            yield Problem(Trouble.UNKNOWN_LANGUAGE, node, text)


def _settings(node: Node, settings: Mapping[str, Any]) -> Iterator[Problem]:
    for value in values_of(node):
        if isinstance(value, Setting) and settings.get(value.name) is None:
            text = f"the setting {value.name} is missing; write it to receiver.toml, in the table of the module"
            yield Problem(Trouble.MISSING_SETTING, node.name, text)
