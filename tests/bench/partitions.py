"""`python -m tests.bench.partitions`: prune a month of callbacks by deleting its rows, and by dropping its partition.

An experiment on PostgreSQL beside the receiver's own tables: docs/data.md says what it is about.
"""

import time
from typing import Annotated

import psycopg
import typer

from storage import Database
from tests import postgres
from tests.bench.console import DEFAULT_FOLDER, Folder, console, give_up

_ROWS = """
INSERT INTO {table} (id, received_at, provider, kind, call_id, outcome, reason, notes, content_hash, original, format,
    method, path, query, headers, peer, body, part, reply_status, reply_type, reply_body, took_us)
SELECT number, number, 'voicenter', 'CDR', number::text, 'accepted', '', '', decode(md5(number::text), 'hex'), true,
    'json', 'POST', '/voicenter', '', '', '', decode(repeat(md5(number::text), 20), 'hex'), 0, 200, '', '', 1
FROM generate_series({first}, {last}) AS number
"""


def main(
    month: Annotated[int, typer.Option(min=1, help="Callbacks of a month.")] = 100_000, folder: Folder = DEFAULT_FOLDER
) -> None:
    """Make two months of callbacks, as one table and as partitions, and prune the first month of each."""
    with postgres.cluster(folder) as server:
        if server is None:
            give_up(postgres.MISSING)
            return
        url = postgres.make_database(server.url)
        with Database(url) as journal:
            journal.migrate()
        with psycopg.connect(url, autocommit=True) as connection:
            _make_partitions(connection, month)
            for table in ("callbacks", "by_month"):
                connection.execute(_ROWS.format(table=table, first=1, last=2 * month).encode())
            for name, statement in {
                "delete the rows": f"DELETE FROM callbacks WHERE id <= {month}",
                "drop the partition": "DROP TABLE month_1",
            }.items():
                began = time.perf_counter()
                connection.execute(statement.encode())
                console.print(f"{name}: {(time.perf_counter() - began) * 1000:,.0f} ms for {month:,} callbacks")


def _make_partitions(connection: psycopg.Connection, month: int) -> None:
    """A table like the journal's, with its indexes, in two partitions by number."""
    for statement in (
        "CREATE TABLE by_month (LIKE callbacks INCLUDING DEFAULTS) PARTITION BY RANGE (id)",
        "ALTER TABLE by_month ADD PRIMARY KEY (id)",
        "CREATE INDEX ON by_month (call_id, id)",
        "CREATE INDEX ON by_month (received_at)",
        "CREATE INDEX ON by_month (kind, id)",
        f"CREATE TABLE month_1 PARTITION OF by_month FOR VALUES FROM (1) TO ({month + 1})",
        f"CREATE TABLE month_2 PARTITION OF by_month FOR VALUES FROM ({month + 1}) TO ({2 * month + 1})",
        "CREATE UNIQUE INDEX ON month_1 (content_hash) WHERE original",
        "CREATE UNIQUE INDEX ON month_2 (content_hash) WHERE original",
    ):
        connection.execute(statement.encode())


if __name__ == "__main__":
    typer.run(main)
