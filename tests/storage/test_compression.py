"""Compression of bodies on disk: smaller, and lossless."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from zstandard import ZstdCompressor

from receiver.providers.base.samples import find_samples
from storage import Database, journal
from storage.compression import NEWEST_DICTIONARY, compress, decompress
from tests.storage.support import append, new_callback

MARK = b"\x28\xb5\x2f\xfd"


@given(st.binary(max_size=400) | st.binary(max_size=40).map(lambda tail: MARK + tail))
@example(b"")
@example(MARK)
@example(ZstdCompressor().compress(b"compressed bytes are sent"))
def test_the_exact_bytes_are_restored(content: bytes) -> None:
    """Also bytes that look like a compressed frame."""
    assert decompress(compress(content)) == content


def test_what_providers_send_becomes_much_smaller() -> None:
    """The dictionary contains their names and their markup."""
    bodies = [sample.body for sample in find_samples() if len(sample.body) > 300]
    assert bodies
    assert sum(len(compress(body)) for body in bodies) < sum(map(len, bodies)) / 3


def test_an_uncompressed_body_of_an_older_version_is_read(database: Database) -> None:
    """A stored value that is not a frame is the bytes themselves."""
    content = b"plain bytes, stored by an older version" * 10
    [appended] = append(database, new_callback("a"))
    with database.begin() as connection:
        connection.exec_driver_sql(*_set_body(database, content, appended.id))
    with database.read_only() as connection:
        stored = journal.get(connection, appended.id)
    assert stored is not None
    assert stored.body == content


def _set_body(database: Database, content: bytes, id_: int) -> tuple[str, tuple[object, ...]]:
    mark = "?" if database.is_sqlite else "%s"
    return f"UPDATE callbacks SET body = {mark} WHERE id = {mark}", (content, id_)


def test_a_dictionary_never_changes() -> None:
    """A frame that was compressed with it can always be decompressed."""
    compressed = bytes.fromhex(COMPRESSED_WITH_1)
    assert decompress(compressed) == b"<methodCall><methodName>CDR</methodName><params/></methodCall>" * 2
    assert NEWEST_DICTIONARY >= 1


COMPRESSED_WITH_1 = "28b52ffd21017cad0000082f06fc0b2cbf7d59e25cf086e7c9a9ce6c8c3029"


@pytest.mark.parametrize("damaged", [MARK, MARK + b"\xff" * 20, compress(b"<methodCall>" * 50)[:-3]])
def test_a_damaged_frame_is_logged(damaged: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """The stored bytes are returned, so that other work goes on."""
    assert decompress(damaged) == damaged
    assert "damaged" in caplog.text


def test_a_row_takes_less_than_its_body(tmp_path: Path) -> None:
    """A body of 1.9 KB takes less on disk, indexes included."""
    body = next(sample.body for sample in find_samples("voicenter", "cdr-full") if sample.format == "xmlrpc")
    file = tmp_path / "journal.db"
    with Database(f"sqlite:///{file}") as database:
        database.migrate()
        empty = file.stat().st_size
        append(database, *(new_callback(str(n), body=body, call_id=f"2026112112000{n:07}") for n in range(500)))
        database.checkpoint()
        assert (file.stat().st_size - empty) / 500 < len(body) / 2
