"""The database's own clock, which due times and leases are measured by: clocks of machines are never compared."""

from sqlalchemy import Connection, text

_NOW = {
    "sqlite": text("SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000"),
    "postgresql": text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"),
}


def now_us(connection: Connection) -> int:
    """Microseconds since 1970 by the clock of the database; in steps of a millisecond on SQLite."""
    return int(connection.execute(_NOW[connection.dialect.name]).scalar_one())
