"""The receiver's settings: from `receiver.toml` in the working folder and from RECEIVER_… environment variables.

What is given on the command line counts most, then the environment, then the file, then the defaults here.
"""

import os
import re
import tomllib
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from receiver.errors import SettingsError

FILE = "receiver.toml"
PREFIX = "RECEIVER_"
TEST_PREFIX = "RECEIVER_TEST_"
"""Variables of the tests, not settings."""


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _split(value: object) -> object:
    return _parts(value) if isinstance(value, str) else value


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _split_each(value: object) -> object:
    if not isinstance(value, list):
        return _split(value)
    return [part for one in value for part in (_parts(one) if isinstance(one, str) else [one])]


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ip_network(value, strict=False)
    except ValueError as error:
        raise ValueError(f"{value!r} is no address and no network; write 203.0.113.7 or 203.0.113.0/24") from error


def _user_and_password(pair: SecretStr) -> SecretStr:
    user, _, password = pair.get_secret_value().partition(":")
    if not user or len(password) < 8:
        raise ValueError("write user:password, with a password of at least 8 characters and without commas")
    return pair


def _http_address(url: str) -> str:
    if url and not re.match(r"https?://[^/\s]", url):
        raise ValueError(f"{url!r} is no address; write one like https://calls.example.com")
    return url


def _fits_a_url(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9._~-]{8,200}", secret.get_secret_value()):
        raise ValueError("a secret has 8 to 200 letters, digits, dots, hyphens, underscores and tildes")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_fits_a_url)]
"""A part of a URL that cannot be guessed."""
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Password = Annotated[SecretStr, AfterValidator(_user_and_password)]


class Settings(BaseSettings):
    """Every setting, with a default that suits a laptop."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", toml_file=FILE, extra="forbid", frozen=True
    )

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port to listen on; 0 takes a free one."""
    public_url: Annotated[str, AfterValidator(_http_address)] = ""
    """How the provider reaches this receiver, such as https://calls.example.com: only for the URLs that are printed."""
    database_url: SecretStr = SecretStr("sqlite:///receiver.db")
    """The journal's database."""
    secrets: Annotated[list[Secret], NoDecode, BeforeValidator(_split)] = []
    """Secrets in the path: callbacks arrive at /SECRET/voicenter, at any of them; in the environment with commas."""
    allow_from: Annotated[list[Network], NoDecode, BeforeValidator(_split)] = []
    """Addresses and networks that callbacks may come from; empty for all."""
    passwords: Annotated[list[Password], NoDecode, BeforeValidator(_split)] = []
    """`user:password` pairs for HTTP basic authentication; empty for none; in the environment with commas."""
    allow_anyone: bool = False
    """Whether the receiver may listen on a public address without asking for a secret, a password or an address."""
    trusted_proxies: Annotated[list[Network], NoDecode, BeforeValidator(_split)] = []
    """Proxies that are believed about where a request comes from; empty for none."""
    forwarded_header: Annotated[Literal["x-forwarded-for", "forwarded"], BeforeValidator(_lower)] = "x-forwarded-for"
    """The header that trusted proxies write the address into; the other one is never read."""
    spool: str = "receiver-spool.db"
    """File on this machine that callbacks go to while a PostgreSQL journal is away."""
    keep_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """Delivered callbacks are pruned after so many days; 0 keeps them for ever."""
    keep_bodies_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """The bytes of delivered callbacks are blanked after so many days; 0 keeps them as long as the callbacks."""
    handlers: Annotated[list[str], NoDecode, BeforeValidator(_split_each)] = ["handlers.demo"]
    """Handler modules by import path or entry point name; in the environment separated by commas."""
    handler_settings: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """One table for each handler module, given to its handlers as `ctx.settings`."""
    providers: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """One table for each provider; see its page."""
    apis: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """One table for each provider that has an API and sends no callbacks; see its page."""

    deadline: Annotated[float, Field(gt=0)] = 3.0
    """Seconds a handler has to answer a question before the fallback goes out; less if a provider is less patient."""
    answer_threads: Annotated[int, Field(gt=0)] = 8
    """Threads for each answering handler that is a plain function."""

    attempts: Annotated[int, Field(gt=0)] = 10
    """Tries a delivery gets before it is given up as dead."""
    retry_first_pause: Annotated[float, Field(ge=0)] = 5.0
    """Seconds between the first failure and the second try; each later pause is three times as long."""
    retry_longest_pause: Annotated[float, Field(ge=0)] = 3600.0
    """No pause between two tries is longer, in seconds."""
    handler_timeout: Annotated[float, Field(gt=0)] = 60.0
    """Seconds one try of a delivery may take."""
    handler_concurrency: Annotated[int, Field(gt=0)] = 16
    """Tries of one handler side by side."""
    delivery_concurrency: Annotated[int, Field(gt=0)] = 64
    """Tries of all handlers side by side."""
    lease_seconds: Annotated[float, Field(gt=0)] = 30.0
    """How long a delivery stays with a worker that has vanished before another one takes over."""
    shutdown_seconds: Annotated[float, Field(ge=0)] = 10.0
    """Seconds that running handlers get to finish when the receiver is stopped."""

    max_body_bytes: Annotated[int, Field(gt=0)] = 1024 * 1024
    """Longest body of a callback; longer ones get 413. The longest documented one has 4 KiB."""
    max_transcript_bytes: Annotated[int, Field(gt=0)] = 16 * 1024 * 1024
    """The same where CDRs arrive: they may carry a transcript, and 10 MB occur."""
    max_header_bytes: Annotated[int, Field(ge=1024)] = 32 * 1024
    """Longest head of a request, its line and headers together; providers send less than one KiB."""
    max_headers: Annotated[int, Field(gt=0)] = 100
    """Headers of one request; providers send about ten, proxies add as many."""
    max_depth: Annotated[int, Field(ge=8, le=200)] = 32
    """Lists and structs in each other, in XML and in JSON. Real callbacks nest four deep; Python ends near 1,000."""
    max_elements: Annotated[int, Field(gt=0)] = 200_000
    """XML elements, or JSON values, in one body: 1,000 records of 50 fields, and some 50 MB of memory."""
    max_text_chars: Annotated[int, Field(gt=0)] = 16 * 1024 * 1024
    """Characters in one XML element: a transcript of the longest body."""
    max_form_fields: Annotated[int, Field(gt=0)] = 1_000
    """Fields of a form, or parts of a multipart form; the longest documented callback has 23."""
    request_seconds: Annotated[float, Field(gt=0)] = 30.0
    """Seconds a request may take from its first byte to its last; a slower sender is cut off."""
    idle_seconds: Annotated[int, Field(gt=0)] = 30
    """Seconds an idle connection is kept for a further request."""
    max_requests: Annotated[int, Field(ge=4)] = 1_000
    """Requests that wait for their reply; further ones get 503. A quarter is kept for URLs of questions alone."""
    max_pending_bytes: Annotated[int, Field(gt=0)] = 256 * 1024 * 1024
    """Bytes of bodies in memory at once, so that many long ones cannot fill it; further ones get 503."""
    max_rate_per_address: Annotated[int, Field(ge=0)] = 0
    """Requests a second from one address; further ones get 429. 0 is no limit: a provider has one address itself."""
    journal_capacity: Annotated[int, Field(gt=0)] = 10_000
    """Callbacks that may wait to be stored; further ones get 503."""
    journal_batch: Annotated[int, Field(gt=0)] = 500
    """Callbacks that share one transaction at most."""

    metrics: bool = False
    """Whether /metrics shows the receiver's figures to Prometheus: they name providers, kinds and handlers."""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"
    """debug, info, warning or error."""
    log_format: Annotated[Literal["text", "json"], BeforeValidator(_lower)] = "text"
    """Lines for people, or one JSON object a line for programs."""
    log_personal_data: bool = False
    """Whether the log may carry the texts of errors, in which callers' numbers and names may stand."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, environment, file: in this order."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load(**given: Any) -> Settings:
    """The settings, with what is `given` in place of all else. Raises SettingsError that names each bad one."""
    _refuse_unknown_variables()
    try:
        return Settings(**{name: value for name, value in given.items() if value not in (None, [])})
    except ValidationError as error:
        raise SettingsError("\n".join(_problem(item) for item in error.errors())) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{FILE} is no TOML: {error}") from error
    except ValueError as error:  # a nested variable that is no JSON
        raise SettingsError(f"{error}: {error.__cause__ or ''}") from error


def problems(error: ValidationError, where: str = "") -> str:
    """A validation error as lines that each name a setting and say what is wrong with it."""
    return "\n".join(_problem(item, where) for item in error.errors())


def _problem(item: Any, where: str = "") -> str:
    name = ".".join([*([where] if where else []), *map(str, item["loc"])])
    if item["type"] == "extra_forbidden":
        return f"{name}: there is no such setting; docs/settings.md lists them all"
    return f"{name}: {item['msg'].removeprefix('Value error, ')}"


def _refuse_unknown_variables() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for variable in os.environ:
        if not variable.startswith(PREFIX) or variable.startswith(TEST_PREFIX):
            continue
        if variable.split("__")[0] not in known:
            raise SettingsError(f"{variable}: there is no such setting; docs/settings.md lists them all")
