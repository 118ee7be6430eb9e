"""Where a provider's callbacks are sent to, by the settings of the receiver."""

from typing import Any

import pytest

from receiver.components import make_providers
from receiver.errors import SettingsError
from receiver.settings import Settings
from receiver.web.callback_target import CallbackTarget, callback_target

OWN_SECRET = {"voicenter": {"secrets": ["own-one-"]}}


def target(url: str = "", **settings: Any) -> CallbackTarget:
    """Voicenter's target."""
    made = Settings(**settings)
    return callback_target(made, make_providers(made)["voicenter"], url)


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({}, "http://127.0.0.1:8000/voicenter"),
        ({"host": "0.0.0.0", "port": 9000}, "http://127.0.0.1:9000/voicenter"),
        ({"host": "::"}, "http://[::1]:8000/voicenter"),
        ({"host": "::1"}, "http://[::1]:8000/voicenter"),
        ({"providers": {"voicenter": {"path": "calls/vc"}}}, "http://127.0.0.1:8000/calls/vc"),
        ({"secrets": ["first-one", "second-one"]}, "http://127.0.0.1:8000/first-one/voicenter"),
        ({"secrets": ["first-one"], "providers": OWN_SECRET}, "http://127.0.0.1:8000/own-one-/voicenter"),
    ],
)
def test_the_settings_say_where_callbacks_arrive(settings: dict[str, Any], base: str) -> None:
    """Host and port, the first secret, the provider's path; a provider's own secrets before the receiver's."""
    assert target(**settings).base == base


def test_the_first_password_is_used() -> None:
    """A password may hold a colon."""
    assert target(passwords=["user:pass:word", "other:password"]).auth == ("user", "pass:word")
    assert target().auth is None


def test_what_is_shown_holds_no_secret() -> None:
    """The word SECRET stands for it."""
    assert target(secrets=["first-one"]).shown == "http://127.0.0.1:8000/SECRET/voicenter"
    assert target().shown == "http://127.0.0.1:8000/voicenter"


@pytest.mark.parametrize(
    ("url", "base", "connects"),
    [
        ("https://calls.example.com/", "https://calls.example.com/first-one/voicenter", ("calls.example.com", 443)),
        ("http://h.example/below", "http://h.example/below/first-one/voicenter", ("h.example", 80)),
        ("http://h.example:81/other-one/voicenter", "http://h.example:81/other-one/voicenter", ("h.example", 81)),
    ],
)
def test_an_address_may_be_the_receivers_or_end_with_the_providers_path(
    url: str, base: str, connects: tuple[str, int]
) -> None:
    """With the path it has the secret that it needs already."""
    found = target(url, secrets=["first-one"])
    assert (found.base, found.host_and_port) == (base, connects)


@pytest.mark.parametrize("url", ["nonsense", "ftp://h.example", "http://", "http://h.example:port", "//h.example"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """The error shows one that is."""
    with pytest.raises(SettingsError, match=r"is not an address; write one like http://127\.0\.0\.1:8000"):
        target(url)
