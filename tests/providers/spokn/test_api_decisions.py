"""Sections G and I, Spokn: what its reference leaves open for those who call it."""

from datetime import timedelta

import pytest

from receiver.providers.base.api.errors import (
    AuthorisationError,
    BadParameterError,
    NotFoundError,
    ParameterError,
    ProviderError,
    ProviderFailureError,
)
from tests.api.support import read, request_of, sent_by

CALL = "click_to_call.call"
PARTIES = {"aparty": "+18474255380", "bparty": "1234567"}


def reply(code: int) -> str:
    """A reply with a code, without a text."""
    return f'<spokn xmlns="http://api.spokn.com/api/c2c.xsd"><c2c version="1.0"><code>{code}</code></c2c></spokn>'


def test_g04_a_token_links_a_call_to_its_posts() -> None:
    """There is no call id: the result has none."""
    assert sent_by("spokn", CALL, **PARTIES, token="order-17")["token"] == "order-17"
    assert not hasattr(read("spokn", CALL, reply(200)), "call_id")


def test_g05_a_plus_sign_is_encoded() -> None:
    """A form turns a bare one into a blank."""
    assert b"aparty=%2B18474255380" in request_of("spokn", CALL, **PARTIES).body


def test_g06_a_duration_is_sent_in_minutes() -> None:
    """Status posts have seconds."""
    sent = sent_by("spokn", CALL, **PARTIES, max_duration=timedelta(minutes=5))
    assert sent["duration"] == "5"


def test_g12_a_callback_address_may_have_https_and_a_query() -> None:
    """The document shows neither."""
    url = "https://calls.example.com/4f1c9a7e/spokn?x=1"
    assert sent_by("spokn", CALL, **PARTIES, callback_url=url)["url"] == url


def test_g13_both_parties_are_required() -> None:
    """The column is headed Optional."""
    with pytest.raises(ParameterError, match="bparty is missing"):
        request_of("spokn", CALL, aparty="1234567")


@pytest.mark.parametrize("status", [200, 401, 404, 415, 500])
@pytest.mark.parametrize(
    ("code", "kind"),
    [(100, NotFoundError), (101, AuthorisationError), (105, ProviderFailureError), (109, BadParameterError)],
)
def test_g15_a_code_counts_with_any_http_status(status: int, code: int, kind: type[ProviderError]) -> None:
    """Which goes with which is not said; the code says more."""
    with pytest.raises(kind) as raised:
        read("spokn", CALL, reply(code), status)
    assert raised.value.code == code


@pytest.mark.parametrize("namespace", [' xmlns="http://api.spokn.com/api/c2c.xsd"', ' xmlns="urn:other"', ""])
def test_g16_a_reply_is_read_in_any_namespace(namespace: str) -> None:
    """The document's is the address of its schema."""
    body = f"<spokn{namespace}><c2c><code>200</code><desc>Request Successful</desc></c2c></spokn>"
    assert read("spokn", CALL, body).code == 200


def test_g17_a_pause_and_a_duration_that_are_not_given_are_not_sent() -> None:
    """They have no documented default; a pause of 0 is allowed."""
    assert sent_by("spokn", CALL, **PARTIES) == PARTIES
    assert sent_by("spokn", CALL, **PARTIES, retry_time=0)["retrytime"] == "0"


def test_a_call_goes_over_https() -> None:
    """The document allows both, and the password goes along."""
    assert request_of("spokn", CALL, **PARTIES).url == "https://api.spokn.com/c2c/1.0/call"
