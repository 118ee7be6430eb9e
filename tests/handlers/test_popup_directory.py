"""Look a caller up in a CSV file, in an SQL database, or by an HTTP request."""

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from handlers import popup_directory
from handlers.popup_directory import DirectoryError, numbers_of, value_at
from receiver.errors import SettingsError
from receiver.plugins.registry import Registry
from receiver.providers.voicenter import Contact, NoContact, PopupRequest
from receiver.testing import answer
from tests.handlers.servers import Answer, web_server
from tests.support import running

LINK = "https://crm.example.com/?phone={international}"
SARAH = Contact(url="https://crm.example.com/?phone=972540000000", client_name="שרה לוי", company="Example Ltd")


def _ask(phone: str, **settings: Any) -> Any:
    return answer(popup_directory.handlers, PopupRequest(phone=phone), {"link": LINK, **settings})


# --- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phone", "international", "national"),
    [
        ("0540000000", "972540000000", "0540000000"),
        ("+972 54-000-0000", "972540000000", "0540000000"),
        ("\u200e(054) 000.0000", "972540000000", "0540000000"),
        ("972540000000", "972540000000", "0540000000"),
        ("00441632960000", "441632960000", "00441632960000"),
        ("101", "101", "00101"),
    ],
)
def test_a_number_is_known_in_each_of_its_forms(phone: str, international: str, national: str) -> None:
    """A directory may contain any of these spellings."""
    numbers = numbers_of(phone, "972")
    assert numbers is not None
    assert (numbers["phone"], numbers["international"], numbers["national"]) == (phone, international, national)
    assert numbers["phone_digits"].isdigit()


@pytest.mark.parametrize("phone", ["", "anonymous", "SIP101", "٠٥٤٠٠٠٠٠٠٠", "' OR 1=1 --", "+"])
def test_a_caller_without_a_number_is_unknown_and_not_looked_up(phone: str) -> None:
    """An empty value would find every contact without a number."""
    assert _ask(phone, request="http://127.0.0.1:9/{phone}", fields={"client_name": "/n"}) == NoContact()


# --- a CSV file ------------------------------------------------------------------------------------------------------


@pytest.fixture
def contacts(tmp_path: Path) -> Path:
    """A file as a spreadsheet writes it."""
    file = tmp_path / "contacts.csv"
    file.write_text(
        "Client_Name,Phone,phone2,Company,URL\r\n"
        "שרה לוי,054-000 0000,,Example Ltd,\r\n"
        "Dan,+972 54 000 0001,03-5550000,,https://crm.example.com/dan\r\n"
        'Twin,0540000002,,,\r\n"Twin\r\nII",00972540000002,,,\r\n'
        "short line,0540000003\r\n"
        "no number,,,,\r\n",
        encoding="utf-8-sig",
    )
    return file


@pytest.mark.parametrize("phone", ["0540000000", "972540000000", "+972540000000", "00972540000000"])
def test_a_caller_is_found_however_the_number_is_written(contacts: Path, phone: str) -> None:
    """The file has yet another spelling."""
    assert _ask(phone, csv=str(contacts)) == SARAH


@pytest.mark.parametrize("phone", ["0540000001", "035550000"])
def test_a_contact_may_have_several_numbers_and_a_page_of_its_own(contacts: Path, phone: str) -> None:
    """Each column whose name begins with phone counts."""
    assert _ask(phone, csv=str(contacts)) == Contact(url="https://crm.example.com/dan", client_name="Dan")


def test_the_reply_says_how_many_contacts_have_the_number(contacts: Path) -> None:
    """The first one is shown."""
    found = _ask("0540000002", csv=str(contacts))
    assert (found.client_name, found.total) == ("Twin", "2")


def test_a_short_line_is_a_contact_without_the_rest(contacts: Path) -> None:
    """Spreadsheets leave empty columns out."""
    assert _ask("0540000003", csv=str(contacts)).client_name == "short line"


@pytest.mark.parametrize("phone", ["0549999999", "540000000000"])
def test_an_unknown_number_has_no_contact(contacts: Path, phone: str) -> None:
    """The empty numbers of the file match nothing."""
    assert _ask(phone, csv=str(contacts)) == NoContact()


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(
    contacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a restart."""
    assert _ask("0540000000", csv=str(contacts)) == SARAH
    other = contacts.with_suffix(".new")
    other.write_text("phone;client_name\n0540000000;New\n", encoding="utf-8")
    other.replace(contacts)
    assert _ask("0540000000", csv=str(contacts)).client_name == "New"
    monkeypatch.setattr(Path, "open", None)
    assert _ask("0540000000", csv=str(contacts)).client_name == "New"


def test_a_file_that_keeps_its_size_is_read_again(contacts: Path) -> None:
    """Its time has changed."""
    contacts.write_text("phone,client_name\n0540000000,Old\n")
    assert _ask("0540000000", csv=str(contacts)).client_name == "Old"
    contacts.write_text("phone,client_name\n0540000000,New\n")
    os.utime(contacts, ns=(0, time.time_ns() + 1))
    assert _ask("0540000000", csv=str(contacts)).client_name == "New"


@pytest.mark.parametrize(
    ("content", "error"),
    [(None, FileNotFoundError), (b"name,number\n", DirectoryError), (b"", DirectoryError), (b"\xe9", UnicodeError)],
)
def test_a_file_that_cannot_be_used_is_a_failure(tmp_path: Path, content: bytes | None, error: type[Exception]) -> None:
    """The fallback is sent, not NoContact: the number may be known."""
    file = tmp_path / "contacts.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(error):
        _ask("0540000000", csv=str(file))


# --- the reply -------------------------------------------------------------------------------------------------------


def test_a_name_is_one_line_without_control_characters(contacts: Path) -> None:
    """The reply could not be sent with them."""
    contacts.write_text('phone,client_name\n0540000000,"Sarah\r\nLevi\x00\u202e"\n')
    assert _ask("0540000000", csv=str(contacts)).client_name == "Sarah  Levi"


def test_a_field_is_quoted_in_the_link(contacts: Path) -> None:
    """A value cannot change other parts of the URL."""
    contacts.write_text("phone,client_name,id\n0540000000,Sarah,7/../8?admin=1&x=א\n")
    found = _ask("0540000000", csv=str(contacts), link="https://crm.example.com/people/{id}")
    assert found.url == "https://crm.example.com/people/7%2F..%2F8%3Fadmin%3D1%26x%3D%D7%90"


@pytest.mark.parametrize(
    ("line", "link", "message"),
    [
        ("0540000000,Sarah,", "", "no web address"),
        ("0540000000,Sarah,javascript:alert(1)", LINK, "no web address"),
        ("0540000000,Sarah,", "https://crm.example.com/{id}", "no field 'id'"),
    ],
)
def test_a_contact_without_a_page_is_a_failure(contacts: Path, line: str, link: str, message: str) -> None:
    """The bubble would open nothing, or run a script from the directory."""
    contacts.write_text(f"phone,client_name,url\n{line}\n")
    with pytest.raises(DirectoryError, match=message):
        _ask("0540000000", csv=str(contacts), link=link)


# --- a database ------------------------------------------------------------------------------------------------------


@pytest.fixture
def crm(database_url: str) -> Iterator[str]:
    """A table of people, whose numbers are written in two ways."""
    url = database_url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE people (id INTEGER, phone TEXT, name TEXT, firm TEXT)"))
        people = [(1, "972540000000", "שרה לוי", "Example Ltd"), (2, "0540000001", "Dan", None), (3, "", "Nil", "")]
        for row in people:
            values = dict(zip(("id", "phone", "name", "firm"), row, strict=True))
            connection.execute(text("INSERT INTO people VALUES (:id, :phone, :name, :firm)"), values)
    yield url
    engine.dispose()


QUERY = "SELECT name AS client_name, firm AS company, id FROM people WHERE phone IN (:international, :national)"


def test_a_caller_is_found_by_a_query(crm: str) -> None:
    """Hebrew, NULL and numbers arrive as text."""
    link = "https://crm.example.com/people/{id}"
    assert _ask("054-0000000", database_url=crm, query=QUERY, link=link) == SARAH.model_copy(
        update={"url": "https://crm.example.com/people/1"}
    )
    assert _ask("+972540000001", database_url=crm, query=QUERY, link=link).company == ""
    assert _ask("0549999999", database_url=crm, query=QUERY, link=link) == NoContact()


def test_a_query_may_take_each_form_of_the_number(crm: str) -> None:
    """None of them is put into the text of the query."""
    query = QUERY.replace(":national", ":national, :phone, :phone_digits")
    assert _ask("0540000000", database_url=crm, query=query) == SARAH


def test_a_query_that_fails_is_a_failure(crm: str) -> None:
    """As is one without a name."""
    with pytest.raises(DBAPIError):
        _ask("0540000000", database_url=crm, query="SELECT client_name FROM nowhere")
    with pytest.raises(DirectoryError, match="write `SELECT name AS client_name`"):
        _ask("0540000000", database_url=crm, query="SELECT name FROM people")


def test_a_slow_query_is_ended_by_the_server(postgres_url: str) -> None:
    """Else its thread would be lost for the next caller."""
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://")
    query = "SELECT 'Sarah' AS client_name FROM pg_sleep(60)"
    with pytest.raises(DBAPIError, match="statement timeout"):
        _ask("0540000000", database_url=url, query=query, timeout=0.2)


# --- an HTTP request -------------------------------------------------------------------------------------------------

FIELDS = {"client_name": "/people/0/name", "company": "/people/0/firm", "id": "/people/0/id"}
FOUND = Answer(body=json.dumps({"people": [{"name": "שרה לוי", "firm": "Example Ltd", "id": 7}]}).encode())


def test_a_caller_is_found_by_a_request() -> None:
    """The number is quoted in the URL, the headers go with it, and pointers find the fields."""
    with web_server(FOUND) as server:
        found = _ask(
            "+972 54-0000000",
            request=f"{server.url}/people?intl={{international}}&sent={{phone}}",
            headers={"Authorization": "Bearer a-token"},
            fields=FIELDS,
            link="https://crm.example.com/people/{id}",
        )
    assert found == SARAH.model_copy(update={"url": "https://crm.example.com/people/7"})
    [request] = server.received
    assert request.path == "/people?intl=972540000000&sent=%2B972%2054-0000000"
    assert request.headers["authorization"] == "Bearer a-token"


@pytest.mark.parametrize("reply", [404, 204, Answer(body=b'{"people": []}'), Answer(body=b"[]"), Answer(body=b"null")])
def test_an_answer_without_the_name_is_no_contact(reply: Answer | int) -> None:
    """Services report in different ways that they found nothing."""
    with web_server(reply) as server:
        assert _ask("0540000000", request=server.url, fields=FIELDS) == NoContact()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (500, DirectoryError),
        (401, DirectoryError),
        (302, DirectoryError),
        (Answer(body=b"<html>"), ValueError),
        (Answer(body=b""), ValueError),
    ],
)
def test_any_other_answer_is_a_failure(reply: Answer | int, error: type[Exception]) -> None:
    """A wrong token must not look like an unknown caller."""
    with web_server(reply) as server, pytest.raises(error):
        _ask("0540000000", request=server.url, fields=FIELDS)


def test_a_server_that_is_down_is_a_failure() -> None:
    """The same."""
    with web_server() as server:
        url = server.url
    with pytest.raises(httpx.ConnectError):
        _ask("0540000000", request=url, fields=FIELDS)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/a/b", "1"),
        ("/list/1", "two"),
        ("/list/2", ""),
        ("/list/-1", ""),
        ("/list/x", ""),
        ("/x~1y~0z", "odd"),
        ("/a", ""),
        ("/a/b/c", ""),
        ("/nothing", ""),
        ("/null", ""),
        ("", ""),
    ],
)
def test_a_pointer_leads_to_text_or_nowhere(pointer: str, value: str) -> None:
    """As RFC 6901 has it."""
    document = {"a": {"b": 1}, "list": ["one", "two"], "x/y~z": "odd", "null": None}
    assert value_at(document, pointer) == value


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "popup_directory: write exactly one of csv, database_url and request"),
        ({"csv": "c", "request": "http://x"}, "write exactly one of"),
        ({"request": "http://x"}, "fields must say where the name stands"),
        ({"request": "http://x/{number}", "fields": FIELDS}, r"request: there is no {number}; there are phone, "),
        ({"request": "http://x/{", "fields": FIELDS}, "popup_directory: "),
        ({"csv": "c", "link": "https://{"}, "popup_directory: "),
        ({"database_url": "sqlite:///x"}, "database_url needs a query"),
        ({"database_url": "no url", "query": QUERY}, "database_url is wrong, or its driver is not installed"),
        ({"database_url": "oracle://hunter2@x/y", "query": QUERY}, "its driver is not installed"),
        ({"database_url": "sqlite:///x", "query": "SELECT :number"}, "query: there is no :number; there are phone, "),
        ({"csv": "c", "country_code": "+972"}, "popup_directory.country_code: "),
        ({"csv": "c", "timeout": 0}, "popup_directory.timeout: "),
    ],
)
def test_settings_that_cannot_work_stop_the_start(settings: dict[str, Any], message: str) -> None:
    """Each is named, and no secret is shown."""
    with pytest.raises(SettingsError, match=message) as caught:
        Registry(popup_directory.handlers, {}, handler_settings={"popup_directory": settings})
    assert "hunter2" not in str(caught.value)


# --- a whole receiver ------------------------------------------------------------------------------------------------

UNASKED = {"kind": "POPUP", "action": "CONTACT", "fields": {"url": "https://crm.example.com", "client_name": "?"}}
FALLBACK = {"voicenter": {"fallbacks": [UNASKED]}}


async def test_a_running_receiver_answers_the_pop_up(tmp_path: Path, contacts: Path) -> None:
    """A known caller, an unknown one, and the fallback where the file is gone."""
    settings = {"popup_directory": {"csv": str(contacts), "link": LINK}}
    async with running(tmp_path, popup_directory.handlers, handler_settings=settings, providers=FALLBACK) as receiver:

        async def ask(phone: str) -> Any:
            return (await receiver.client.get("/voicenter/popup", params={"phone": phone})).json()

        known, unknown = await ask("0540000000"), await ask("0549999999")
        contacts.unlink()
        failed = await ask("0540000000")
    assert known == {
        "STATUS": "OK",
        "URL": SARAH.url,
        "CLIENTNAME": "שרה לוי",
        "TOTAL": "1",
        "COMPANY": "Example Ltd",
    }
    assert (unknown["STATUS"], unknown["TOTAL"]) == ("OK", "0")
    assert failed["CLIENTNAME"] == "?"


async def test_a_directory_that_hangs_does_not_hold_up_the_caller(tmp_path: Path) -> None:
    """The fallback is sent in time."""
    release = threading.Event()
    with web_server(Answer(wait_for=release)) as server:
        settings = {"popup_directory": {"request": server.url, "fields": FIELDS, "link": LINK}}
        async with running(
            tmp_path, popup_directory.handlers, handler_settings=settings, providers=FALLBACK, deadline=0.2
        ) as receiver:
            reply = await receiver.client.get("/voicenter/popup", params={"phone": "0540000000"})
        release.set()
    assert reply.json()["CLIENTNAME"] == "?"
    [callback] = receiver.callbacks()
    assert callback.reason == "handlers.popup_directory.who_calls gave no reply within 0.2 s"
