"""A traceback as its author wants it: the frames of the author's own files, and the error."""

import re
import sysconfig
from pathlib import Path

_FRAME = re.compile(r'  File "([^"]+)"')
_LIBRARIES = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib")}
_RECEIVER = Path(__file__).resolve().parents[1]


def author_frames(text: str) -> tuple[str, ...]:
    """The lines of a traceback without the frames of libraries and of the receiver; all of it if none are left."""
    kept: list[str] = []
    is_kept = True
    for line in text.splitlines():
        if found := _FRAME.match(line):
            is_kept = _is_authors(Path(found[1]))
        elif not line.startswith("    "):
            is_kept = True
        if is_kept:
            kept.append(line)
    return tuple(kept if any(map(_FRAME.match, kept)) else text.splitlines())


def _is_authors(path: Path) -> bool:
    folders = path.resolve().parents
    return _RECEIVER not in folders and _LIBRARIES.isdisjoint(folders)
