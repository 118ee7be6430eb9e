"""The sources of settings, and the errors of invalid ones."""

from pathlib import Path

import pytest

from receiver.app import load_components, make_providers
from receiver.errors import SettingsError
from receiver.providers.voicenter import Voicenter
from receiver.settings import load


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder and no settings in the environment."""
    import os

    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("RECEIVER_")]:
        monkeypatch.delenv(name)


def test_the_defaults_suit_a_laptop() -> None:
    """Loopback, a file in the working folder, the demo handlers."""
    settings = load()
    assert (settings.host, settings.port, settings.handlers) == ("127.0.0.1", 8000, ["handlers.demo"])
    assert settings.database_url.get_secret_value() == "sqlite:///receiver.db"
    assert settings.deadline == 3.0


def test_the_command_line_overrides_the_environment_and_the_environment_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each source only overrides what it sets."""
    (tmp_path / "receiver.toml").write_text('host = "file"\nport = 1\ndeadline = 1.5\n')
    monkeypatch.setenv("RECEIVER_HOST", "environment")
    monkeypatch.setenv("RECEIVER_PORT", "2")
    settings = load(host=None, port=3)
    assert (settings.host, settings.port, settings.deadline) == ("environment", 3, 1.5)


def test_handlers_in_the_environment_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the command line; in the file they are a list."""
    monkeypatch.setenv("RECEIVER_HANDLERS", "handlers.demo, mine.crm")
    assert load().handlers == ["handlers.demo", "mine.crm"]
    assert load(handlers="a,b").handlers == ["a", "b"]


def test_a_provider_option_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two underscores separate the table from the name."""
    monkeypatch.setenv("RECEIVER_PROVIDERS__VOICENTER__JSON_ERR_AS_INTEGER", "true")
    monkeypatch.setenv("RECEIVER_PROVIDERS__VOICENTER__POPUP_ORIGINS", '["https://a.example"]')
    provider = make_providers(load())["voicenter"]
    assert isinstance(provider, Voicenter)
    assert provider.options.json_err_as_integer is True
    assert provider.options.popup_origins == ("https://a.example",)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("prot = 8000", "prot: there is no such setting"),
        ('port = "many"', "port: "),
        ("port = 70000", "port: "),
        ("deadline = 0", "deadline: "),
        ("= 1", "receiver.toml is not valid TOML"),
        ("[providers.voicecentre]", "providers.voicecentre: there is no such provider"),
        ("[providers.voicenter]\nlangauge = 'he'", "providers.voicenter.langauge: there is no such setting"),
        ("[providers.voicenter]\ntime_zone = 'Israel/Nowhere'", "is not a time zone"),
        (
            "[[providers.voicenter.fallbacks]]\nkind = 'GET_IVR_ACTION'\naction = 'DANCE'",
            "has no action 'DANCE'; write one of MENU",
        ),
        (
            "[[providers.voicenter.fallbacks]]\nkind = 'GET_IVR_ACTION'\naction = 'CALL'",
            "GET_IVR_ACTION CALL: fields target: Field required",
        ),
        ("[providers.spokn]\npath = '/voicenter/'", "providers.voicenter.path: /voicenter is spokn's path already"),
        ("[providers.spokn]\npath = 'health'", "providers.spokn.path: /health is the receiver's own path already"),
        ("handlers = ['handlers.call_log']", "handler_settings.call_log.path is missing"),
    ],
)
def test_a_setting_that_cannot_work_is_named(tmp_path: Path, toml: str, message: str) -> None:
    """The start fails before the receiver listens; the message says what to do."""
    (tmp_path / "receiver.toml").write_text(toml)
    with pytest.raises(SettingsError, match=message.replace("[", r"\[")):
        load_components(load())


@pytest.mark.parametrize("name", ["RECEIVER_PROT", "RECEIVER_DATABASE"])
def test_an_unknown_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Otherwise a misspelt variable would be ignored silently."""
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=f"{name}: there is no such setting"):
        load()


def test_a_password_in_the_database_url_is_a_secret() -> None:
    """Printing the settings does not print it."""
    assert "hunter2" not in repr(load(database_url="postgresql://me:hunter2@db/calls"))
