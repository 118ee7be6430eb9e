"""Static checks of a flow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from receiver.flow.graph import parents
from receiver.flow.loops import find_loops
from receiver.flow.model import FlowModel, values_of
from receiver.flow.nodes import EntryNode, LanguageNode, MenuNode, Node
from receiver.flow.targets import Recording, Target
from receiver.plugins.module_settings import Setting
from receiver.providers.base.simulation import KEYS


class ProblemKind(StrEnum):
    """The kinds of problems."""

    UNKNOWN_TARGET = "unknown_target"
    """A target is an unknown name."""
    UNREACHABLE = "unreachable"
    """No path leads to a node."""
    NO_WAY_OUT = "no_way_out"
    """A silent caller never leaves a loop."""
    KEY_NEVER_MATCHES = "key_never_matches"
    """A key cannot be pressed, or `size` exceeds the longest key."""
    AMBIGUOUS_KEY = "ambiguous_key"
    """A key is the prefix of another key, or cannot be distinguished from the digits to collect."""
    MISSING_RECORDING = "missing_recording"
    """A node has no recording in one of the flow's languages."""
    UNKNOWN_LANGUAGE = "unknown_language"
    """A key or a recording has a language that the flow does not have."""
    MISSING_SETTING = "missing_setting"
    """A node uses a setting that is missing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a flow."""

    kind: ProblemKind
    node: str
    """The node; empty for a problem of the whole flow."""
    text: str
    """The problem, and how to solve it."""

    def __str__(self) -> str:
        return f"{self.node}: {self.text}" if self.node else self.text


def find_problems(flow: FlowModel, settings: Mapping[str, Any] | None = None) -> list[Problem]:
    """All problems of a flow, by node. With the module's settings, missing settings too."""
    reached = parents(flow)
    loops = {circle[0]: circle for circle in find_loops(flow)}
    found = list(_of_the_flow(flow))
    for name, node in flow.nodes.items():
        if reached and name not in reached:
            text = "no path leads here; add a key that leads here, or name it in `to=` of the node whose function does"
            found.append(Problem(ProblemKind.UNREACHABLE, name, text))
        if name in loops:
            found.append(_no_way_out(loops[name]))
        found += [*_targets(flow, node), *_keys(flow, node), *_languages(flow, node)]
        found += () if settings is None else _settings(node, settings)
    return found


def _of_the_flow(flow: FlowModel) -> Iterator[Problem]:
    shared = {f"key {key} of every menu": target for key, target in flow.keys.items()}
    for what, target in {"start": flow.start, "otherwise": flow.otherwise, **shared}.items():
        if isinstance(target, str) and target not in flow.nodes:
            yield Problem(ProblemKind.UNKNOWN_TARGET, "", f"{what} leads to {target!r}, which is not a node")


def _no_way_out(circle: tuple[str, ...]) -> Problem:
    way = " → ".join((*circle, circle[0]))
    text = f"a silent caller never leaves the loop {way}; leave it with `otherwise` or `then`"
    return Problem(ProblemKind.NO_WAY_OUT, circle[0], text)


def _targets(flow: FlowModel, node: Node) -> Iterator[Problem]:
    """Unknown targets of a node; those of the whole flow are reported once."""
    shared = () if not isinstance(node, MenuNode) else flow.keys.keys() - node.keys.keys()
    for one in node.exits(flow):
        if not isinstance(one.target, str) or one.target in flow.nodes or one.label in shared:
            continue
        if one.target != flow.otherwise:
            what = f"{one.label or 'to'} leads to {one.target!r}, which is not a node"
            yield Problem(ProblemKind.UNKNOWN_TARGET, node.name, what)


# --- keys ----------------------------------------------------------------------------------------------------------


def _keys(flow: FlowModel, node: Node) -> Iterator[Problem]:
    match node:
        case MenuNode():
            keys: Mapping[str, Target] = flow.keys_of(node)
            yield from _size(node, keys)
        case LanguageNode() | EntryNode():
            keys = node.keys
        case _:
            return
    for key in keys:
        yield from _key(node, key, keys)


def _size(node: MenuNode, keys: Mapping[str, Target]) -> Iterator[Problem]:
    if not keys:
        yield Problem(ProblemKind.KEY_NEVER_MATCHES, node.name, "it has no key; add one, or use `say`")
    elif node.collects > max(map(len, keys)):
        text = f"size is {node.collects}, but no key is that long: callers wait in vain; leave `size` out"
        yield Problem(ProblemKind.KEY_NEVER_MATCHES, node.name, text)


def _key(node: MenuNode | LanguageNode | EntryNode, key: str, keys: Mapping[str, Target]) -> Iterator[Problem]:
    if not key or not set(key) <= set(KEYS):
        text = f"key {key!r} cannot be pressed; use {' '.join(KEYS)}"
        yield Problem(ProblemKind.KEY_NEVER_MATCHES, node.name, text)
    elif len(key) > node.collects:
        text = f"key {key} never matches: it has {len(key)} digits, but size is {node.collects}"
        yield Problem(ProblemKind.KEY_NEVER_MATCHES, node.name, text)
    elif isinstance(node, EntryNode) and key.isdigit():
        text = f"key {key} cannot be distinguished from the digits to collect; use * or #"
        yield Problem(ProblemKind.AMBIGUOUS_KEY, node.name, text)
    elif longer := next((other for other in keys if other != key and other.startswith(key)), ""):
        text = f"key {key} is a prefix of {longer}, so callers wait after it; change one of them"
        yield Problem(ProblemKind.AMBIGUOUS_KEY, node.name, text)


# --- languages -----------------------------------------------------------------------------------------------------


def _languages(flow: FlowModel, node: Node) -> Iterator[Problem]:
    if isinstance(node, LanguageNode):
        for key, language in node.keys.items():
            if language not in flow.languages:
                text = f"key {key} chooses {language!r}, which is not one of the flow's languages; add it there"
                yield Problem(ProblemKind.UNKNOWN_LANGUAGE, node.name, text)
    for field_name, rec in node.recordings():
        yield from _recording(flow, node.name, field_name, rec)


def _recording(flow: FlowModel, node: str, field_name: str, rec: Recording) -> Iterator[Problem]:
    if rec == "" or rec == {}:
        yield Problem(ProblemKind.MISSING_RECORDING, node, f"{field_name} is missing: the caller hears nothing")
    elif isinstance(rec, Mapping):
        for language in flow.languages:
            if not rec.get(language):
                yield Problem(ProblemKind.MISSING_RECORDING, node, f"{field_name} has no recording for {language!r}")
        for language in rec.keys() - set(flow.languages):
            text = f"{field_name} is for {language!r}, which is not one of the flow's languages; add it there"
            yield Problem(ProblemKind.UNKNOWN_LANGUAGE, node, text)


def _settings(node: Node, settings: Mapping[str, Any]) -> Iterator[Problem]:
    for value in values_of(node):
        if isinstance(value, Setting) and settings.get(value.name) is None:
            text = f"the setting {value.name} is missing; add it to the table of the module in receiver.toml"
            yield Problem(ProblemKind.MISSING_SETTING, node.name, text)
