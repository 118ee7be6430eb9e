"""Compare replies, for `replay --diff` and for scenarios."""

import difflib
import json
from typing import Any


def difference(before: Any, now: Any, before_name: str, now_name: str) -> tuple[str, ...]:
    """The lines of a unified diff of two values as JSON with sorted keys; empty if they are equal."""
    one, other = _lines(before), _lines(now)
    return tuple(difflib.unified_diff(one, other, before_name, now_name, lineterm="", n=2))


def _lines(values: Any) -> list[str]:
    return json.dumps(values, indent=2, ensure_ascii=False, sort_keys=True, default=str).splitlines()
