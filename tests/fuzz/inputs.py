"""One input of the fuzzer: a whole request. Finds are kept as files in the format of the samples."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote_from_bytes

CORPUS = Path(__file__).parent / "corpus"
_SAFE = "!$&'()*+,;=:@/?-._~%[]"


@dataclass(frozen=True, slots=True)
class Input:
    """A request to the receiver. `reason` says why it is in the corpus."""

    path: str
    body: bytes = field(repr=False)
    content_type: str = ""
    query: bytes = b""
    method: str = "POST"
    reason: str = ""

    @property
    def target(self) -> str:
        """Path and query as in a request's first line."""
        query = quote_from_bytes(self.query, safe=_SAFE)
        return f"{self.path}?{query}" if query else self.path


def read_corpus(folder: Path = CORPUS) -> Iterator[tuple[str, Input]]:
    """Every kept input with its file name, sorted."""
    for file in sorted(folder.glob("*.http")):
        yield file.name, _read(file.read_bytes())


def keep(found: Input, reason: str, folder: Path = CORPUS) -> Path:
    """Write an input to a file that is named after its hash; the file is ready to be committed."""
    folder.mkdir(parents=True, exist_ok=True)
    start = f"{found.method} {found.target} HTTP/1.1\r\n"
    headers = f"Content-Type: {found.content_type}\r\nX-Reason: {_one_line(reason)}\r\n\r\n"
    whole = (start + headers).encode("latin-1", "replace") + found.body
    file = folder / f"{hashlib.sha256(whole).hexdigest()[:16]}.http"
    file.write_bytes(whole)
    return file


def _read(whole: bytes) -> Input:
    head, _, body = whole.partition(b"\r\n\r\n")
    start, content_type, reason = head.decode("latin-1").split("\r\n")
    method, target, _ = start.split(" ")
    path, _, query = target.partition("?")
    return Input(
        path=path,
        body=body,
        content_type=content_type.partition(": ")[2],
        query=query.encode(),
        method=method,
        reason=reason.partition(": ")[2],
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
