"""Hostile input through the whole receiver: answered in the sender's dialect, stored, and never with 500."""

import logging
import xmlrpc.client
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest

from receiver.errors import WireError
from receiver.providers.base.contract import HttpReply
from receiver.wire import Format, detect_format, read
from receiver.wire.xmlrpc import FAULT_UNKNOWN_METHOD
from tests.attacks import form_attacks, json_attacks, xml_attacks
from tests.attacks.attack import CALLER, EITHER, REFUSED, Attack
from tests.providers.support import parsed
from tests.support import running

TABLES = {"xml": xml_attacks.ATTACKS, "json": json_attacks.ATTACKS, "form": form_attacks.ATTACKS}
NO_CONTACT = {"URL": "", "CLIENTNAME": "", "TOTAL": "0", "COMPANY": ""}
LONG = 16 * 1024 * 1024
"""No attack is rejected for its length alone."""
REFUSALS: dict[str, dict[str, Any]] = {
    "/voicenter/ivr": {"STATUS": 1, "ACTION": "HANGUP", "DATA": {}},
    "/voicenter/layer": {"STATUS": 1},
    "/voicenter/hangup": {"STATUS": 1},
    "/voicenter/popup": {"STATUS": "1", **NO_CONTACT},
}
"""The documented error at the URL of each kind; the language is a setting."""

every_table = pytest.mark.parametrize("table", TABLES)


def _reason(attack: Attack) -> str:
    """Why parsing rejects it; empty if it does not."""
    try:
        read(attack.body, attack.content_type)
    except WireError as error:
        return str(error)
    return ""


async def _sent(client: httpx.AsyncClient, path: str, attack: Attack) -> HttpReply:
    headers = {"content-type": attack.content_type} if attack.content_type else {}
    reply = await client.post(path, content=attack.body, headers=headers)
    return HttpReply(reply.content, reply.headers["content-type"], reply.status_code)


def _is_whole(reply: HttpReply) -> bool:
    try:
        return bool(parsed(reply))
    except xmlrpc.client.Fault as fault:
        return fault.faultCode == FAULT_UNKNOWN_METHOD  # an attack on the method's name


def _in_xml(attack: Attack) -> bool:
    return detect_format(attack.body, attack.content_type) is Format.XMLRPC


@every_table
async def test_what_cannot_be_parsed_gets_the_documented_error_and_is_stored_with_its_reason(
    table: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Err 1 in the sender's format, and a row with the bytes; no error is logged."""
    refused = [attack for attack in TABLES[table] if _reason(attack)]
    async with running(tmp_path, max_body_bytes=LONG) as receiver:
        for attack in refused:
            reply = await _sent(receiver.client, "/voicenter", attack)
            assert reply.status == 200, attack
            assert reply.content_type.startswith("text/xml" if _in_xml(attack) else "application/json"), attack
            assert str(parsed(reply)["err"]) == "1", attack
    stored = receiver.callbacks()
    assert [one.outcome for one in stored] == ["unparsed"] * len(refused)
    assert [one.reason for one in stored] == list(map(_reason, refused))
    assert [one.body for one in stored] == [attack.body for attack in refused]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@every_table
async def test_what_can_be_parsed_is_accepted_if_it_is_a_callback(
    table: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Err 0 for every body with a CDR, however odd the rest is."""
    wanted = [attack for attack in TABLES[table] if attack.expected is not REFUSED and attack.expected is not EITHER]
    async with running(tmp_path, max_body_bytes=LONG) as receiver:
        for attack in wanted:
            holds_caller = isinstance(attack.expected, dict) and "ivruniqueid" in attack.expected
            reply = await _sent(receiver.client, "/voicenter", attack)
            assert (reply.status, str(parsed(reply)["err"])) == (200, "0" if holds_caller else "1"), attack
    assert len(receiver.callbacks()) == len(wanted)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@every_table
async def test_every_url_answers_an_attack_with_its_own_error(
    table: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Status 200 with the error of the URL's kind, the URLs alternating."""
    alternating = list(zip(TABLES[table], cycle([*REFUSALS, "/spokn"]), strict=False))
    async with running(tmp_path, max_body_bytes=LONG) as receiver:
        for attack, path in alternating:
            reply = await _sent(receiver.client, path, attack)
            assert reply.status == 200, (attack, path)
            if path == "/spokn":
                assert reply.content_type == "text/plain; charset=utf-8"
                assert reply.body.startswith(b"ERROR: "), attack  # no CDR is a status post
            elif _reason(attack):
                in_xml = _in_xml(attack) and path != "/voicenter/popup"
                assert reply.content_type.startswith("text/xml" if in_xml else "application/json"), (attack, path)
                assert parsed(reply).items() >= REFUSALS[path].items(), (attack, path)
            else:
                assert _is_whole(reply), (attack, path)
    assert len(receiver.callbacks()) == len(alternating)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_attacks_that_can_be_read_claim_to_be_a_call() -> None:
    """Most have the field that makes them a CDR, so that they are accepted as callbacks."""
    for table in TABLES.values():
        accepted = [attack for attack in table if isinstance(attack.expected, dict)]
        intact = [attack for attack in accepted if attack.expected.get("ivruniqueid") == CALLER["ivruniqueid"]]
        assert len(intact) > len(accepted) * 0.8
