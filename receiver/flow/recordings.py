"""The recordings of a flow, which must be uploaded to the provider."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from receiver.flow.model import FlowModel
from receiver.flow.targets import Recording, describe


@dataclass(frozen=True, slots=True)
class NeededRecording:
    """One recording."""

    file: str
    """The file name; if a setting or a function determines it, the name of that."""
    language: str
    """The language; empty if it is the same for all languages."""
    nodes: tuple[str, ...]
    """The nodes that play it."""
    is_known: bool = True
    """Whether `file` is the name of a file."""


def needed_recordings(flow: FlowModel) -> list[NeededRecording]:
    """All recordings of a flow, in the order of its nodes."""
    found: dict[tuple[str, str, bool], dict[str, None]] = {}
    for name, node in flow.nodes.items():
        for _, rec in node.recordings():
            for file in _files(flow, rec):
                found.setdefault(file, {})[name] = None
    return [
        NeededRecording(file, language, tuple(nodes), is_known) for (file, language, is_known), nodes in found.items()
    ]


def _files(flow: FlowModel, rec: Recording) -> Iterator[tuple[str, str, bool]]:
    """The files of a recording, each with its language, and whether the file name is known."""
    if not isinstance(rec, str | Mapping):
        yield describe(rec), "", False
        return
    files = {language: flow.file_of(rec, language) for language in flow.languages or ("",)}
    if len(set(files.values())) == 1:
        files = {"": next(iter(files.values()))}
    yield from ((file, language, True) for language, file in files.items() if file)
