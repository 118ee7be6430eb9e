"""Content hashes: equal for the same names and values in any format, order and letter case."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from receiver.providers.base.memoize import memoize_by_names
from receiver.providers.base.names import normalize_name
from receiver.wire import Value


def fingerprint(provider: str, kind: str, content: Value, moment: datetime | int | None = None) -> bytes:
    """A hash of what was sent: equal for the same names and values in any format, case and order (A-09, B-25).

    It begins with the minute of `moment`, which comes from the content itself. Hashes of one time are then close
    together in an index, and a repeat has the hash of its original, whenever it comes.
    """
    canonical = _dump(_canonical(content, _normalized))
    content_hash = hashlib.blake2b(b"\0".join((provider.encode(), kind.encode(), canonical)), digest_size=12)
    return _minute(moment).to_bytes(4, "big") + content_hash.digest()


def _minute(moment: datetime | int | None) -> int:
    """Minutes since 1970; 0 if there is no moment, or an implausible one. An int is an epoch in seconds."""
    if isinstance(moment, datetime):
        moment = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    minute = (moment or 0) // 60
    return minute if 0 < minute < 2**32 else 0


LONGEST_KEY = 80
"""Bytes of a record key as text; what is longer is hashed, because an index has no room for it."""


def record_key(provider: str, call_id: str, leg: str) -> bytes:
    """Identifies a leg of a call in callbacks and in the call log, which differ in all else: names, forms, times."""
    key = f"{provider}\0{call_id}\0{leg}".encode("utf-8", "replace")
    return key if len(key) <= LONGEST_KEY else hashlib.blake2b(key, digest_size=16).digest()


def bytes_fingerprint(provider: str, kind: str, *parts: bytes) -> bytes:
    """A hash of the bytes, for what could not be parsed."""
    return hashlib.blake2b(b"\0".join((provider.encode(), kind.encode(), b"bytes", *parts)), digest_size=16).digest()


def _dump(canonical: Value) -> bytes:
    return orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def _fold(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names inside a value, such as a handler's custom data: only their case and outer blanks are ignored."""
    return tuple(name.strip().casefold() for name in names)


@memoize_by_names
def _normalized(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of a callback's own fields: "ivrunique-id" and "IVR_UNIQUE_ID" are one (B-04, B-05)."""
    return tuple(map(normalize_name, names))


def _canonical(value: Value, fold: Callable[[tuple[str, ...]], tuple[str, ...]] = _fold) -> Value:
    match value:
        case str():
            return value.strip()
        case dict():
            items = [item.strip() if isinstance(item, str) else _canonical(item) for item in value.values()]
            names = fold(tuple(value))
            fields = dict(zip(names, items, strict=True))
            # If two names normalise to one, both are part of the hash.
            return fields if len(fields) == len(items) else sorted(zip(names, items, strict=True), key=_dump)
        case list():
            return [_canonical(item) for item in value]
        case bool() | None:
            return value
        case float() if value.is_integer():
            return str(int(value))
        case bytes():
            return f"base64:{value.hex()}"
    return str(value)
