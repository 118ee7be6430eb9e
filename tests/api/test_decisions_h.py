"""Section H: damage of the print, as far as it touches calls to the providers, and the list of all numbers."""

import re
from collections.abc import Iterator
from pathlib import Path

from receiver.providers.base.api.definition import Encoding
from receiver.providers.base.contract import Fault
from receiver.providers.base.samples import find_samples
from receiver.wire import Format, jsonbody
from tests.api.examples_others import resp
from tests.api.support import APIS, call_of, read, request_of, sent_by
from tests.api.test_every_call import EXAMPLES
from tests.providers.support import cdr, only
from tests.providers.support import read as read_callback


def test_h01_to_h03_no_example_has_line_numbers_or_page_breaks() -> None:
    """The tests' copies are without them; nothing else of the print was changed, so some are no strict JSON."""
    printed = [example.sent[2] for example in EXAMPLES if example.sent[2].startswith("{")]
    assert len(printed) > 10
    lenient = [text for text in printed if jsonbody.read(text)[1] == ("lenient_json",)]
    assert len(lenient) == 4  # AddCall, RemoveCall, RemoveMember, AddMember


def test_h04_a_name_that_was_printed_over_two_lines_is_sent_in_one_piece() -> None:
    """`click2call.` and `aspx`, `Tar-` and `get`, `&-` and `var_test1`."""
    assert call_of("voicenter", "click_to_call.call").url.endswith("/click2call.aspx")
    sent = request_of(
        "voicenter", "dialer.update_call", Encoding.QUERY, campaign="xxxx", target="yyyy", variables={"test1": 1}
    )
    assert sent.url.endswith("?Campaign=xxxx&Target=yyyy&var_test1=1")
    assert read("viviphone", "rejected_numbers.get", resp("<numlist>212555 1212:</numlist>")).numbers == ["2125551212"]


def test_h05_a_default_that_lost_a_quote_is_empty_text() -> None:
    """An empty text is sent as such: it switches a check off."""
    assert sent_by("viviphone", "access.set", button="1", refer_url="") == {"id": "1", "refer_url": ""}


def test_h06_and_h07_marks_and_blanks_of_the_print_are_in_no_name() -> None:
    """Neither markup nor a blank is sent as part of a parameter's name."""
    names = {
        sent.name
        for api in APIS.values()
        for call in api.calls
        for info in call.parameters.model_fields.values()
        for sent in info.metadata
        if hasattr(sent, "flat_name")
    }
    assert not [name for name in names if set(name) & set(" <>\\|")]


def test_h08_the_two_prints_of_click_to_call_are_one_definition() -> None:
    """The same text stands in two documents."""
    titles = [call.title for call in APIS["voicenter"].calls if call.group == "click_to_call"]
    assert len(titles) == len(set(titles)) == 4


def test_h09_a_value_that_lost_its_quote_is_repaired_in_samples_and_a_fault_on_the_wire() -> None:
    """No sample has the damage; a CDR that came with it would be stored as unparsed. A cut-off link is kept as sent."""
    shown = [sample.body for sample in find_samples("voicenter", "cdr-full", Format.JSON)]
    assert shown
    assert all(b'"callerextension": " AAPINFzL"' in body for body in shown)
    damaged = only(read_callback('{"ivruniqueid": "c1", "callerextension": AAPINFzL"}', path="cdr"))
    assert (damaged.kind, damaged.fault) == ("CDR", Fault.PARSE)
    link = "http://starkey-centrex-recordings.s3.amazonaws."
    assert cdr({"record": link}).record == link


LAST = {"h": 9, "i": 52}
"""The last number of the sections on the print and on calls to the providers."""
_NAMES = re.compile(r"^(?:async )?def test_(\w+)\(", re.MULTILINE)
_SPAN = re.compile(r"(?<![a-z0-9])([hi])(\d\d)_to_[hi](\d\d)(?![0-9])")
_NUMBER = re.compile(r"(?:^|_)([hi]\d\d)(?=_|$)")


def _numbers_in(test: str) -> Iterator[str]:
    yield from _NUMBER.findall(test)
    for section, first, last in _SPAN.findall(test):
        yield from (f"{section}{number:02}" for number in range(int(first), int(last) + 1))


def test_every_number_of_sections_h_and_i_is_in_the_name_of_a_test() -> None:
    """So that each of these decisions is held by a test that can be found."""
    files = Path(__file__).parent.parent.glob("**/test_*.py")
    tests = [name for file in files for name in _NAMES.findall(file.read_text(encoding="utf-8"))]
    named = {number for test in tests for number in _numbers_in(test)}
    wanted = {f"{section}{number:02}" for section, last in LAST.items() for number in range(1, last + 1)}
    assert wanted - named == set()
