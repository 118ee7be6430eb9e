"""Answer the pop-up screen: look the caller up in a CSV file, in an SQL database, or by an HTTP request.

handlers = ["handlers.popup_directory"]

[handler_settings.popup_directory]
csv = "contacts.csv"
link = "https://crm.example.com/?phone={international}"

or, in place of csv:

database_url = "postgresql+psycopg://reader@db.example.com/crm"
query = "SELECT name AS client_name, firm AS company, id FROM people WHERE phone IN (:international, :national)"

or:

request = "https://crm.example.com/api/people?phone={international}"
headers = { Authorization = "Bearer a-token" }
fields = { client_name = "/people/0/name", company = "/people/0/firm", id = "/people/0/id" }

A number that is not found is answered with NoContact. Any failure is raised, so that the fallback is sent.
"""

import asyncio
import csv
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Self
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, Field, SecretStr, model_validator
from sqlalchemy import Engine, NullPool, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError

from receiver import Context, Handlers, international
from receiver.providers.voicenter import Contact, NoContact, PopupRequest

Row = Mapping[str, str]
"""A contact: `client_name`, `company`, `url` and the other fields that the link needs."""
NUMBERS = ("phone", "phone_digits", "international", "national")
"""The forms of the caller's number for a query or a URL: as sent, its digits, 972540000000, 0540000000."""
MOST_ROWS = 100
LONGEST_NAME = 200


class DirectoryError(Exception):
    """The directory cannot be queried, or its result is not a contact."""


class PopupDirectorySettings(BaseModel, extra="forbid"):
    """The table `[handler_settings.popup_directory]`: one of `csv`, `database_url` and `request`, and what it needs."""

    country_code: Annotated[str, Field(pattern=r"^[0-9]{0,4}$")] = "972"
    """The country of numbers without a country prefix."""
    link: str = ""
    """The page of a contact without a `url` of its own; names of its fields and of numbers are in braces."""
    timeout: Annotated[float, Field(gt=0, le=10)] = 2
    """Timeout of the database or the server, in seconds; the pop-up has 2.5 seconds in total."""
    csv: str = ""
    """A file with the columns client_name, phone (also phone2 and so on), and optionally company and url."""
    database_url: SecretStr = SecretStr("")
    """A database, as a URL of SQLAlchemy; its driver must be installed."""
    query: str = ""
    """A SELECT of client_name, and optionally company and url; its parameters are :phone, :international and so on."""
    request: str = ""
    """The URL of a GET request that returns JSON."""
    headers: dict[str, SecretStr] = {}
    """Headers of that request."""
    fields: dict[str, str] = {}
    """The place of each field of the contact in the response, as JSON Pointer (RFC 6901)."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        url = self.database_url.get_secret_value()
        if sum(map(bool, (self.csv, url, self.request))) != 1:
            raise ValueError("write exactly one of csv, database_url and request")
        if url:
            _check_query(url, self.query)
        if self.request and "client_name" not in self.fields:
            raise ValueError('fields must say where the name stands, such as { client_name = "/name" }')
        if unknown := _names_in(self.request) - {*NUMBERS}:
            raise ValueError(f"request: there is no {{{min(unknown)}}}; there are {', '.join(NUMBERS)}")
        _names_in(self.link)
        return self


def _names_in(template: str) -> set[str]:
    """The names in braces. Raises ValueError for braces that do not match."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def _check_query(url: str, query: str) -> None:
    try:
        make_url(url).get_dialect().import_dbapi()
    except (ArgumentError, ImportError) as error:
        raise ValueError("database_url is wrong, or its driver is not installed") from error
    if not query:
        raise ValueError("database_url needs a query")
    if unknown := text(query).compile().params.keys() - {*NUMBERS}:
        raise ValueError(f"query: there is no :{min(unknown)}; there are {', '.join(NUMBERS)}")


handlers = Handlers(settings=PopupDirectorySettings)


@handlers.answer(PopupRequest)
async def who_calls(request: PopupRequest, ctx: Context) -> Contact | NoContact:
    """Answer with the first contact that has this number. Raises an error if the directory cannot be queried."""
    settings = PopupDirectorySettings.model_validate(ctx.settings)
    numbers = numbers_of(request.phone, settings.country_code)
    if numbers is None:
        return NoContact()
    if settings.request:
        found = await _by_request(settings, numbers, ctx.http)
    else:
        look_up = _in_file if settings.csv else _in_database
        found = await asyncio.get_running_loop().run_in_executor(_threads(), look_up, settings, numbers)
    return contact(found, numbers, settings.link) if found else NoContact()


def numbers_of(phone: str, country_code: str) -> Row | None:
    """The caller's number in each of its forms; None for a caller without a number."""
    digits = re.sub(r"[^+\w]", "", phone)
    whole = international(digits, country_code)
    if not whole:
        return None
    is_national = country_code and whole.startswith(country_code)
    national = "0" + whole.removeprefix(country_code) if is_national else "00" + whole
    return {"phone": phone, "phone_digits": digits.removeprefix("+"), "international": whole, "national": national}


def contact(found: list[Row], numbers: Row, link: str) -> Contact:
    """The first contact as a reply, with their number. Raises DirectoryError for a contact without a web page."""
    row = found[0]
    try:
        url = row.get("url") or link.format_map(_quoted({**row, **numbers}))
    except LookupError as error:
        raise DirectoryError(f"the contact has no field {error} for the setting link") from error
    if urlsplit(url).scheme not in {"http", "https"}:
        raise DirectoryError("the contact has no web address as url, and the setting link makes none")
    name, company = (_one_line(row.get(field, "")) for field in ("client_name", "company"))
    return Contact(url=url, client_name=name, company=company, total=str(len(found)))


def _quoted(values: Row) -> Row:
    return {name: quote(value, safe="") for name, value in values.items()}


def _one_line(value: str) -> str:
    return "".join(char if char.isprintable() else " " for char in value[:LONGEST_NAME]).strip()


@lru_cache
def _threads() -> ThreadPoolExecutor:
    """Threads for blocking calls: the module's own, so that a database that hangs occupies no other threads."""
    return ThreadPoolExecutor(8, thread_name_prefix="popup-directory")


def _in_file(settings: PopupDirectorySettings, numbers: Row) -> list[Row]:
    state = Path(settings.csv).stat()
    contacts = _read(settings.csv, settings.country_code, state.st_mtime_ns, state.st_size, state.st_ino)
    return contacts.get(numbers["international"], [])


@lru_cache(maxsize=1)
def _read(path: str, country_code: str, *_state: int) -> dict[str, list[Row]]:
    """The contacts of a file by their numbers; the file is read again when it has changed."""
    contacts: dict[str, list[Row]] = {}
    with Path(path).open(newline="", encoding="utf-8-sig") as file:
        heading = file.readline()
        delimiter = max(",;\t", key=heading.count)
        names = [name.strip().lower() for name in next(csv.reader([heading], delimiter=delimiter), [])]
        if not {"client_name", "phone"} <= set(names):
            raise DirectoryError(f"{path} needs a first line with the columns client_name and phone")
        for values in csv.reader(file, delimiter=delimiter):
            row = dict(zip(names, values, strict=False))
            for number in _numbers_in(row, country_code):
                contacts.setdefault(number, []).append(row)
    return contacts


def _numbers_in(row: Row, country_code: str) -> set[str]:
    spellings = [value for name, value in row.items() if name.startswith("phone")]
    return {numbers["international"] for one in spellings if (numbers := numbers_of(one, country_code))}


def _in_database(settings: PopupDirectorySettings, numbers: Row) -> list[Row]:
    engine = _engine(settings.database_url.get_secret_value(), settings.timeout)
    with engine.connect() as connection:
        rows = connection.execute(text(settings.query), dict(numbers)).mappings().fetchmany(MOST_ROWS)
    found: list[Row] = [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]
    if found and "client_name" not in found[0]:
        raise DirectoryError("the query needs a column client_name: write `SELECT name AS client_name`")
    return found


@lru_cache
def _engine(url: str, timeout: float) -> Engine:
    """An engine without a pool: pop-ups are rare."""
    limits: dict[str, dict[str, Any]] = {
        "sqlite": {"timeout": timeout},
        "postgresql": {"connect_timeout": 2, "options": f"-c statement_timeout={int(timeout * 1000)}"},
    }
    options = limits.get(make_url(url).get_backend_name(), {})
    return create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=options)


async def _by_request(settings: PopupDirectorySettings, numbers: Row, http: httpx.AsyncClient) -> list[Row]:
    url = settings.request.format_map(_quoted(numbers))
    headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
    answer = await http.get(url, headers=headers, timeout=settings.timeout)
    if answer.status_code in {204, 404}:
        return []
    if answer.status_code != 200:
        raise DirectoryError(f"{answer.url.host} answered {answer.status_code}")
    document = answer.json()
    row = {name: value_at(document, pointer) for name, pointer in settings.fields.items()}
    return [row] if row["client_name"] else []


def value_at(document: Any, pointer: str) -> str:
    """The value at a JSON Pointer, as text; empty if there is none, or if it is a list or an object."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            document = document.get(key) if isinstance(document, dict) else None
    return "" if document is None or isinstance(document, list | dict) else str(document)
