"""Compression of bodies and replies on disk, with a dictionary trained on what providers send. It is lossless.

A stored value that begins with the magic number of Zstandard is a frame; any other value is the bytes themselves. A
frame names its dictionary by number. A dictionary is never changed or removed: stored frames need it.
"""

import logging
import threading
from functools import cache
from importlib import resources

from zstandard import ZstdCompressionDict, ZstdCompressor, ZstdDecompressor, ZstdError, get_frame_parameters

logger = logging.getLogger(__name__)

NEWEST_DICTIONARY = 1
LEVEL = 3
"""Higher levels take five times as long and save a tenth of the bytes."""
_MARK = b"\x28\xb5\x2f\xfd"
_SHORTEST = 24
"""Shorter values cannot become smaller than their frame."""
_per_thread = threading.local()


def compress(content: bytes) -> bytes:
    """The bytes as they are stored."""
    if len(content) < _SHORTEST and not content.startswith(_MARK):
        return content
    frame = _compressor().compress(content)
    return frame if len(frame) < len(content) or content.startswith(_MARK) else content


def decompress(stored: bytes) -> bytes:
    """The exact bytes that were compressed; damaged frames as they are, so that parsing them fails visibly."""
    if not stored.startswith(_MARK):
        return stored
    try:
        return _decompressor(get_frame_parameters(stored).dict_id).decompress(stored)
    except (ZstdError, FileNotFoundError) as error:
        logger.error("a stored body is damaged: %s", error)
        return stored


def _compressor() -> ZstdCompressor:
    """The compressor of this thread: it cannot be shared."""
    made: ZstdCompressor | None = getattr(_per_thread, "compressor", None)
    if made is None:
        made = _per_thread.compressor = ZstdCompressor(level=LEVEL, dict_data=_dictionary(NEWEST_DICTIONARY))
    return made


def _decompressor(number: int) -> ZstdDecompressor:
    made: dict[int, ZstdDecompressor] = _per_thread.__dict__.setdefault("decompressors", {})
    if number not in made:
        made[number] = ZstdDecompressor(dict_data=_dictionary(number)) if number else ZstdDecompressor()
    return made[number]


@cache
def _dictionary(number: int) -> ZstdCompressionDict:
    return ZstdCompressionDict(resources.files("storage").joinpath(f"dictionaries/{number}.zstd").read_bytes())


def is_damaged(content: bytes) -> bool:
    """Whether `decompress` could not restore it: it returned a frame as it was stored."""
    return content.startswith(_MARK)
