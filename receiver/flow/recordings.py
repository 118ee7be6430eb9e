"""Which recordings a flow plays: what has to be recorded, and uploaded to the provider."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from receiver.flow.plan import Plan
from receiver.flow.targets import Recording, describe


@dataclass(frozen=True, slots=True)
class NeededRecording:
    """One file that a flow plays."""

    file: str
    """Its name; for one that only a setting or a function knows, what names it."""
    language: str
    """The language that it is for; empty for one that is played in all of them."""
    nodes: tuple[str, ...]
    """The nodes that play it."""
    is_known: bool = True
    """Whether `file` is the name of a file."""


def needed_recordings(plan: Plan) -> list[NeededRecording]:
    """Every recording of a flow, in the order of its nodes."""
    found: dict[tuple[str, str, bool], dict[str, None]] = {}
    for name, node in plan.nodes.items():
        for _, rec in node.recordings():
            for file in _files(plan, rec):
                found.setdefault(file, {})[name] = None
    return [
        NeededRecording(file, language, tuple(nodes), is_known) for (file, language, is_known), nodes in found.items()
    ]


def _files(plan: Plan, rec: Recording) -> Iterator[tuple[str, str, bool]]:
    """The files of a recording, each with its language, and whether it is known."""
    if not isinstance(rec, str | Mapping):
        yield describe(rec), "", False
        return
    files = {language: plan.file_of(rec, language) for language in plan.languages or ("",)}
    if len(set(files.values())) == 1:
        files = {"": next(iter(files.values()))}
    yield from ((file, language, True) for language, file in files.items() if file)
