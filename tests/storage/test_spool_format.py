"""Spools of earlier versions are still read."""

import json

from storage.spool import _adapter, _read
from tests.storage.support import new_callback


def test_a_spool_of_version_0_1_0_is_read() -> None:
    """It has `once` for `deduplicate`, and `start` for `lease`."""
    new = new_callback("a", deliveries=("crm",))
    [written] = json.loads(_adapter.dump_json([new]))
    written["once"], written["start"] = written.pop("deduplicate"), written.pop("lease")
    assert _read(json.dumps([written]).encode()) == [new]
