"""The sources of settings, and the errors of invalid ones."""

from pathlib import Path

import pytest

from receiver.components import load_components, make_providers
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
        ('port = "many"', "port: write a whole number"),
        ("port = 70000", "port: write 65535 or less"),
        ("deadline = 0", "deadline: write a number above 0"),
        ("host = 5", "host: write text in quotes"),
        ("metrics = 'maybe'", "metrics: write true or false"),
        ("log_level = 'loud'", "log_level: write 'debug', 'info', 'warning' or 'error'"),
        ("allow_from = 5", "allow_from: write a list"),
        ("allow_from = ['10.0.0.300']", "allow_from.0: '10.0.0.300' is not an address or a network; write 203.0.113.7"),
        ("allow_from = [5]", "allow_from.0: 5 is not an address or a network"),
        ("providers = 5", "providers: write a table"),
        ("= 1", "receiver.toml is not valid TOML"),
        ("[providers.voicecentre]", "providers.voicecentre: there is no such provider"),
        ("[providers.voicenter]\nlangauge = 'he'", "providers.voicenter.langauge: there is no such setting"),
        ("[providers.voicenter]\ntime_zone = 'Israel/Nowhere'", "is not a time zone"),
        (
            "[providers.spokn]\nallow_from = ['10.0.0.300']",
            "spokn.allow_from.0: '10.0.0.300' is not an address",
        ),
        ("[providers.spokn]\npasswords = ['short']", "providers.spokn.passwords.0: write user:password"),
        ("[providers.spokn]\npath = 'a b'", "providers.spokn.path: 'a b' is not a path; write one such as /calls"),
        (
            "[providers.voicenter]\ncountry_code = '+972'",
            "voicenter.country_code: '\\+972' is not a country code",
        ),
        ("[providers.voicenter]\nlanguage_case = 'x'", "language_case: write 'documented', 'lower' or 'upper'"),
        ("[providers.voicenter]\nfallbacks = [{}]", "providers.voicenter.fallbacks.0.kind: it is missing"),
        (
            "[[providers.voicenter.fallbacks]]\nkind = 'GET_IVR_ACTION'\naction = 'DANCE'",
            "has no action 'DANCE'; write one of MENU",
        ),
        (
            "[[providers.voicenter.fallbacks]]\nkind = 'GET_IVR_ACTION'\naction = 'CALL'",
            "GET_IVR_ACTION CALL: fields.target: it is missing, and has no default",
        ),
        (
            "[[providers.voicenter.fallbacks]]\nkind = 'POPUP'\naction = 'CONTACT'\nfields = {name = 'x'}",
            "POPUP CONTACT: fields.name: there is no such field; there are url, client_name, company, total",
        ),
        ("[providers.spokn]\npath = '/voicenter/'", "providers.voicenter.path: /voicenter is spokn's path already"),
        ("[providers.spokn]\npath = 'health'", "providers.spokn.path: /health is the receiver's own path already"),
        ("[alarms]\ndead_delivery = 1", "alarms.dead_delivery: there is no such setting"),
        ("[alarms]\nbacklog_age = '10'", "alarms.backlog_age: '10' is no period; write one such as 30m"),
        ("[alarms]\nevery = ''", "alarms.every: write a period such as 30s"),
        ("[alarms]\nurls = ['nothing://host']", "alarms.urls.0: no service has a URL like this"),
        ("[alarms]\nheartbeat_url = 'hc.example.com'", "alarms.heartbeat_url: write an address such as"),
        ("[alarms]\nsilent_after = {voicentre = '1h'}", "alarms.silent_after.voicentre: there is no such provider"),
        ("handlers = ['handlers.call_log']", "handler_settings.call_log.path is missing"),
    ],
)
def test_a_setting_that_cannot_work_is_named(tmp_path: Path, toml: str, message: str) -> None:
    """The start fails before the receiver listens; the message says what to do."""
    (tmp_path / "receiver.toml").write_text(toml)
    with pytest.raises(SettingsError, match=message.replace("[", r"\[")):
        load_components(load())


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("ALLOW_FROM", "10.0.0.1, 10.0.0.300", "allow_from.1: '10.0.0.300' is not an address"),
        ("PROVIDERS__SPOKN__ALLOW_FROM", "10.0.0.300", "spokn.allow_from.0: '10.0.0.300' is not an address"),
        (
            "PROVIDERS__SPOKN__ALLOW_FROM",
            '["10.0.0.300"]',
            "spokn.allow_from.0: '10.0.0.300' is not an address",
        ),
        ("PROVIDERS__SPOKN", "x", "providers.spokn: write a table"),
        ("PROVIDERS", "x", "RECEIVER_PROVIDERS is not valid JSON"),
        (
            "HANDLER_SETTINGS",
            "{",
            "RECEIVER_HANDLER_SETTINGS is not valid JSON .*: write the table as JSON, or",
        ),
        ("PORT__X", "1", "RECEIVER_PORT__X: there is no such setting"),
    ],
)
def test_a_variable_that_cannot_work_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    """In the words of the file, and one sentence for each mistake."""
    monkeypatch.setenv(f"RECEIVER_{variable}", value)
    with pytest.raises(SettingsError, match=message.replace("[", r"\[").replace("{", r"\{")) as raised:
        load_components(load())
    assert len(str(raised.value).splitlines()) == 1


def test_a_mistake_never_quotes_a_secret(tmp_path: Path) -> None:
    """The message may go into a log."""
    (tmp_path / "receiver.toml").write_text("secrets = ['hunter2']\npasswords = ['me:hunter2']\n")
    with pytest.raises(SettingsError) as raised:
        load()
    assert "hunter2" not in str(raised.value)


def test_lists_in_variables_of_a_provider_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in those of the receiver; JSON works too."""
    monkeypatch.setenv("RECEIVER_PROVIDERS__VOICENTER__LANGUAGES", "he, ru")
    monkeypatch.setenv("RECEIVER_PROVIDERS__VOICENTER__ALLOW_FROM", "10.0.0.1,10.0.0.0/8")
    options = make_providers(load())["voicenter"].options
    assert options.languages == ("he", "ru")
    assert list(map(str, options.allow_from)) == ["10.0.0.1/32", "10.0.0.0/8"]


@pytest.mark.parametrize("name", ["RECEIVER_PROT", "RECEIVER_DATABASE"])
def test_an_unknown_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Otherwise a misspelt variable would be ignored silently."""
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=f"{name}: there is no such setting"):
        load()


def test_a_password_in_the_database_url_is_a_secret() -> None:
    """Printing the settings does not print it."""
    assert "hunter2" not in repr(load(database_url="postgresql://me:hunter2@db/calls"))


@pytest.mark.parametrize(
    ("value", "count"), [("json://host/a,b", 1), ('["json://host", "mailto://u:p@host"]', 2), ("", 0)]
)
def test_recipients_of_alarms_are_one_url_or_a_list_in_a_variable(
    value: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A URL may have commas, so they separate nothing; it is a secret."""
    monkeypatch.setenv("RECEIVER_ALARMS__URLS", value)
    monkeypatch.setenv("RECEIVER_ALARMS__DEAD_DELIVERIES", "5")
    alarms = load().alarms
    assert (len(alarms.urls), alarms.dead_deliveries) == (count, 5)
    assert "host" not in repr(alarms)
