"""`receiver export`: stored callbacks or call records as JSON lines, CSV or Parquet."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from receiver.cli.auditing import EXPORT, record, without_digits
from receiver.cli.export_number import COLUMNS, everything, find_with_progress, pages_of
from receiver.cli.filters import callback_filter, described
from receiver.cli.forget import country_code_of
from receiver.cli.main import app, open_journal
from receiver.cli.options import CallId, DatabaseUrl, Kind, Outcome, Provider, Since, Until
from receiver.cli.output import as_text, counted, print_error, print_prose
from receiver.cli.paging import pages_with_progress
from receiver.cli.row_values import callback_summary
from receiver.components import make_providers
from receiver.errors import PayloadError
from receiver.intake.reread import reread
from receiver.providers.base import contract
from receiver.providers.base.record import CallRecord
from storage import StoredCallback, journal

Row = Mapping[str, Any]
Providers = Mapping[str, contract.Provider[Any]]


class What(StrEnum):
    """What is exported."""

    CALLBACKS = "callbacks"
    RECORDS = "records"
    EVERYTHING = "everything"


class As(StrEnum):
    """The file's format."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


@app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write. It must not exist.")],
    what: Annotated[
        What | None,
        typer.Option(
            help="Call records, callbacks with their requests, or with --number everything about it.",
            show_default="records; with --number everything",
        ),
    ] = None,
    as_: Annotated[
        As | None, typer.Option("--as", help="The format. By default that of the file's name.", show_default=False)
    ] = None,
    provider: Provider = "",
    kind: Kind = "",
    call_id: CallId = "",
    outcome: Outcome = "",
    number: Annotated[
        str, typer.Option(help="Only what is stored about this phone number, in any notation.", show_default=False)
    ] = "",
    country_code: Annotated[
        str | None,
        typer.Option(help="With --number: your country's code. By default that of the settings.", show_default=False),
    ] = None,
    since: Since = None,
    until: Until = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write stored callbacks or call records to a file."""
    what = what or (What.EVERYTHING if number else What.RECORDS)
    format_ = as_ or _format_of(file)
    filters = {"provider": provider, "kind": kind, "call_id": call_id, "outcome": outcome}
    _check_options(what, format_, number, has_filters=any((*filters.values(), since, until)))
    with open_journal(database_url) as (settings, database):
        providers = make_providers(settings)
        if number:
            code = country_code_of(settings) if country_code is None else country_code
            found = find_with_progress(database, number, code)
            record(database, EXPORT, f"{what} about number {without_digits(number)}", len(found.callbacks))
            if what is What.EVERYTHING:
                _write(file, format_, COLUMNS, everything(database, found, providers), "row")
                return
            pages = pages_of(database, found.callbacks)
        else:
            with database.read_only() as connection:
                wanted = callback_filter(connection, **filters, since=since, until=until)
                record(database, EXPORT, f"{what} {described(wanted)}".rstrip(), journal.count(connection, wanted))
            pages = pages_with_progress(database, wanted, "exporting")
        make_row = _callback_row if what is What.CALLBACKS else _record_row
        columns = CALLBACK_COLUMNS if what is What.CALLBACKS else RECORD_COLUMNS
        _write(file, format_, columns, _rows(pages, providers, make_row), what.value.removesuffix("s"))


def _check_options(what: What, format_: As, number: str, *, has_filters: bool) -> None:
    if number and has_filters:
        raise typer.BadParameter("--number excludes other filters: it finds what is stored at any time")
    if what is What.EVERYTHING and not number:
        raise typer.BadParameter("--what everything needs a --number")
    if what is What.EVERYTHING and format_ is not As.JSONL:
        raise typer.BadParameter("everything about a number is no table: end the file's name in .jsonl")


def _write(file: Path, format_: As, columns: Iterable[str], rows: Iterable[Row], noun: str) -> None:
    try:
        count = _WRITERS[format_](file, columns, rows)
    except FileExistsError as error:
        print_error(f"{file} exists already: choose another name")
        raise typer.Exit(2) from error
    except OSError as error:
        print_error(f"{file} cannot be written: {error.strerror}")
        raise typer.Exit(2) from error
    print_prose(f"{counted(count, noun)} written to {file}")


def _format_of(file: Path) -> As:
    try:
        return As(file.suffix.lstrip(".").lower())
    except ValueError as error:
        raise typer.BadParameter(
            f"{file} names no format: end it in .jsonl, .csv or .parquet, or choose one with --as"
        ) from error


def _rows(
    pages: Iterable[list[StoredCallback]],
    providers: Providers,
    make_row: Callable[[StoredCallback, Providers], Row | None],
) -> Iterator[Row]:
    for page in pages:
        for callback in page:
            row = make_row(callback, providers)
            if row is not None:
                yield row


CALLBACK_COLUMNS = (
    "id", "received_at", "provider", "kind", "call_id", "outcome", "reason", "duplicate_of", "notes", "format", "peer",
    "took_us", "method", "path", "query", "body", "reply_status", "reply_type", "reply_body",
    "answered_by", "call_state", "source", "trace_id",
)  # fmt: skip


def _callback_row(callback: StoredCallback, _providers: Providers) -> Row:
    return {
        **(summary := callback_summary(callback)),
        "notes": " ".join(summary["notes"]),
        "method": callback.method,
        "path": callback.path,
        "query": as_text(callback.query),
        "body": as_text(callback.body),
        "reply_status": callback.reply_status,
        "reply_type": callback.reply_type,
        "reply_body": as_text(callback.reply_body),
        "call_state": None if callback.call_state is None else as_text(callback.call_state),
    }


RECORD_COLUMNS = (
    "callback_id", "received_at", "provider", "call_id", "leg", "from_number", "to_number", "from_international",
    "to_international", "direction", "started", "talk_seconds", "ring_seconds", "outcome", "cost", "currency",
    "recording",
)  # fmt: skip


def _record_row(callback: StoredCallback, providers: Providers) -> Row | None:
    """The call record of a callback; None for repeats, for what cannot be read and for what ends no call."""
    if callback.duplicate_of or callback.provider not in providers:
        return None
    provider = providers[callback.provider]
    try:
        record: CallRecord | None = provider.record(reread(provider, callback))
    except PayloadError:
        return None
    if record is None:
        return None
    values = record.as_json()
    cost = values.pop("cost") or {"amount": None, "currency": None}
    received_at = callback.received_at.isoformat()
    return {
        "callback_id": callback.id,
        "received_at": received_at,
        **values,
        "cost": cost["amount"],
        "currency": cost["currency"],
    }


def _write_jsonl(file: Path, columns: Iterable[str], rows: Iterable[Row]) -> int:
    count = 0
    with file.open("xb") as out:
        for row in rows:
            out.write(orjson.dumps({column: row[column] for column in columns}, default=str) + b"\n")
            count += 1
    return count


def _write_csv(file: Path, columns: Iterable[str], rows: Iterable[Row]) -> int:
    count = 0
    with file.open("x", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(columns))
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


PARQUET_GROUP = 10_000
"""Rows that are in memory at once before they are written."""


def _write_parquet(file: Path, columns: Iterable[str], rows: Iterable[Row]) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        print_error("Parquet needs one more package: pip install 'callback-receiver[parquet]'")
        raise typer.Exit(2) from error
    whole = {"id", "callback_id", "duplicate_of", "took_us", "reply_status", "leg", "talk_seconds", "ring_seconds"}
    names = list(columns)
    schema = pa.schema([(name, pa.int64() if name in whole else pa.string()) for name in names])
    count = 0
    with file.open("xb") as out, pq.ParquetWriter(out, schema) as writer:
        group: list[Row] = []
        for row in rows:
            group.append({name: row[name] for name in names})
            count += 1
            if len(group) >= PARQUET_GROUP:
                writer.write_table(pa.Table.from_pylist(group, schema))
                group = []
        writer.write_table(pa.Table.from_pylist(group, schema))
    return count


_WRITERS = {As.JSONL: _write_jsonl, As.CSV: _write_csv, As.PARQUET: _write_parquet}
