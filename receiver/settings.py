"""The receiver's settings: from `receiver.toml` in the working folder and from RECEIVER_… environment variables.

A value on the command line overrides the environment, which overrides the file, which overrides the defaults here.
"""

import json
import os
import re
import tomllib
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as SourceError

from receiver.errors import SettingsError
from receiver.setting_sources import DEFAULT_DATABASE_URL, FILE, PREFIX, TEST_PREFIX
from receiver.validation import UNKNOWN_SETTING, sentences


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def split_at_commas(value: object) -> object:
    """The parts of a text that commas separate, as in a variable; a list as it is."""
    return _parts(value) if isinstance(value, str) else value


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _split_each(value: object) -> object:
    if not isinstance(value, list):
        return split_at_commas(value)
    return [part for one in value for part in (_parts(one) if isinstance(one, str) else [one])]


def _network(value: object) -> object:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        return ip_network(value if isinstance(value, str) else "", strict=False)  # a number would be an address, too
    except ValueError as error:
        raise ValueError(f"{value!r} is not an address or a network; write 203.0.113.7 or 203.0.113.0/24") from error


def _user_and_password(pair: SecretStr) -> SecretStr:
    user, _, password = pair.get_secret_value().partition(":")
    if not user or len(password) < 8:
        raise ValueError("write user:password, with a password of at least 8 characters and without commas")
    return pair


def _postgresql_address(url: SecretStr) -> SecretStr:
    if url and not re.match(r"postgres(ql)?://[^/\s]", url.get_secret_value()):
        raise ValueError("write the address of the PostgreSQL server itself, such as postgresql://USER@HOST/DATABASE")
    return url


def _http_address(url: str) -> str:
    if url and not re.match(r"https?://[^/\s]", url):
        raise ValueError(f"{url!r} is not an address; write one such as https://calls.example.com")
    return url


_PERIOD = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _period(text: str) -> str:
    if text and not _PERIOD.fullmatch(text):
        raise ValueError(f"{text!r} is no period; write one such as 30m, 1h or 1d, or nothing for never")
    return text


def _not_never(text: str) -> str:
    if not text:
        raise ValueError("write a period such as 30s, 1m or 1h")
    return text


def period_seconds(text: str) -> int:
    """The seconds of a period such as 30m, 1h or 1d; 0 for an empty one."""
    found = _PERIOD.fullmatch(text)
    return int(found[1]) * _UNIT_SECONDS[found[2]] if found else 0


def _list_or_one(value: object) -> object:
    """A list, also as JSON; one URL as it is, which may have commas."""
    if not isinstance(value, str):
        return value
    return json.loads(value) if value.startswith("[") else [value] if value else []


def _secret_http_address(url: SecretStr) -> SecretStr:
    if url.get_secret_value() and not re.match(r"https?://[^/\s]", url.get_secret_value()):
        raise ValueError("write an address such as https://hc.example.com/ping/TOKEN, or nothing for none")
    return url


def _fits_a_url(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9._~-]{8,200}", secret.get_secret_value()):
        raise ValueError("a secret has 8 to 200 letters, digits, dots, hyphens, underscores and tildes")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_fits_a_url)]
"""A part of a URL that cannot be guessed."""
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Password = Annotated[SecretStr, AfterValidator(_user_and_password)]


Period = Annotated[str, AfterValidator(_period)]
"""A time such as 30m, 1h or 1d; empty for never."""


class AlarmSettings(BaseModel, extra="forbid", frozen=True):
    """The table `[alarms]`: what counts as wrong, and where that is sent."""

    urls: Annotated[list[SecretStr], NoDecode, BeforeValidator(_list_or_one)] = []
    """Recipients as URLs of apprise, such as mailto://, slack:// or tgram://; each gets every message."""
    heartbeat_url: Annotated[SecretStr, AfterValidator(_secret_http_address)] = SecretStr("")
    """The address of a dead man's switch, which is called after each evaluation; empty for none."""
    every: Annotated[Period, AfterValidator(_not_never)] = "1m"
    """Time between two evaluations."""
    ends_after: Annotated[Period, AfterValidator(_not_never)] = "5m"
    """How long nothing may be wrong before an alarm ends."""
    silent_learned: bool = True
    """Whether a provider's usual silences are learned from the journal."""
    silent_after: dict[str, Period] = {}
    """A set time by provider, after which its silence is an alarm whatever was learned."""
    dead_deliveries: Annotated[int, Field(ge=0)] = 1
    """Deliveries that died within a day and are still dead; 0 for no alarm."""
    backlog_age: Period = "10m"
    """How long a delivery may be due without being run."""
    fallback_percent: Annotated[float, Field(ge=0, le=100)] = 10.0
    """Questions of a quarter of an hour that got a fallback or an error, of 20 at least; 0 for no alarm."""
    refused_requests: Annotated[int, Field(ge=0)] = 100
    """Requests rejected within ten minutes, if they are three times as many as usual; 0 for no alarm."""
    disk_free_mb: Annotated[int, Field(ge=0)] = 1024
    """Free space where the journal or the spool is, in megabytes; 0 for no alarm."""
    spool_used: Period = "1m"
    """How long callbacks may be in the spool."""
    clock_jump: Period = "1m"
    """How far the clock may jump, or differ from that of the database."""
    certificate_days: Annotated[int, Field(ge=0)] = 14
    """Days before the certificate of `public_url` ends; 0 for no alarm."""
    check_url_every: Period = "10m"
    """How often the receiver calls itself at `public_url`."""


class Settings(BaseSettings):
    """Every setting, with a default that suits a laptop."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", toml_file=FILE, extra="forbid", frozen=True
    )

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port to listen on; 0 takes a free one."""
    processes: Annotated[int, Field(gt=0, le=64)] = 1
    """Receivers on this port and journal, each a process of its own, under one supervisor."""
    reuse_port: bool = False
    """Whether other receivers may listen on the same port, so that a new one can start before the old one stops."""
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = 0.0
    """Seconds between SIGTERM and closing the port; meanwhile /readyz says 503, so that a load balancer looks away."""
    status_from: Annotated[list[Network], NoDecode, BeforeValidator(split_at_commas)] = [
        ip_network("127.0.0.0/8"),
        ip_network("::1/128"),
    ]
    """Addresses and networks that /readyz tells details, as JSON; others get one word."""
    public_url: Annotated[str, AfterValidator(_http_address)] = ""
    """The address that providers call, such as https://calls.example.com: for printed URLs and for signatures."""
    database_url: SecretStr = SecretStr(DEFAULT_DATABASE_URL)
    """The journal's database."""
    listen_url: Annotated[SecretStr, AfterValidator(_postgresql_address)] = SecretStr("")
    """The PostgreSQL server itself, where `database_url` names a pgBouncer: workers are notified through it."""
    auto_migrate: bool = True
    """Whether a receiver brings the journal's tables up to date when it starts; else `receiver migrate` must do it."""
    secrets: Annotated[list[Secret], NoDecode, BeforeValidator(split_at_commas)] = []
    """Secrets in the path: callbacks arrive at /SECRET/voicenter, with any of them; in the environment with commas."""
    allow_from: Annotated[list[Network], NoDecode, BeforeValidator(split_at_commas)] = []
    """Addresses and networks that callbacks may come from; empty for all."""
    passwords: Annotated[list[Password], NoDecode, BeforeValidator(split_at_commas)] = []
    """`user:password` pairs for HTTP basic authentication; empty for none; in the environment with commas."""
    allow_anyone: bool = False
    """Whether the receiver may listen on a public address without a secret, a password or an address list."""
    trusted_proxies: Annotated[list[Network], NoDecode, BeforeValidator(split_at_commas)] = []
    """Proxies whose forwarding header is trusted; empty for none."""
    forwarded_header: Annotated[Literal["x-forwarded-for", "forwarded"], BeforeValidator(_lower)] = "x-forwarded-for"
    """The header in which trusted proxies name the sender's address; the other one is never read."""
    spool: str = "receiver-spool.db"
    """File on this machine that stores callbacks while a PostgreSQL journal is unreachable."""
    keep_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """Days after which delivered callbacks are deleted; 0 keeps them forever."""
    keep_bodies_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """Days after which the bytes of delivered callbacks are blanked; 0 keeps them as long as the callbacks."""
    reconcile_every: Annotated[str, AfterValidator(_period)] = ""
    """How often call logs are compared with the journal, such as "1h"; what is missing is fetched. Empty for never."""
    handlers: Annotated[list[str], NoDecode, BeforeValidator(_split_each)] = ["handlers.demo"]
    """Handler modules by import path or entry point name; in the environment separated by commas."""
    handler_settings: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """One table for each handler module, given to its handlers as `ctx.settings`."""
    providers: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """One table for each provider; see its page."""
    apis: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """One table for each provider that has an API and sends no callbacks; see its page."""

    deadline: Annotated[float, Field(gt=0)] = 3.0
    """Seconds a handler has to answer a question before the fallback is sent; less where the provider waits less."""
    answer_threads: Annotated[int, Field(gt=0)] = 8
    """Threads for each plain function that answers questions."""
    call_history_hours: Annotated[float, Field(gt=0, le=24 * 366)] = 24.0
    """Hours that the steps and the state of a call count for `ctx.call`."""

    attempts: Annotated[int, Field(gt=0)] = 10
    """Attempts before a delivery is dead."""
    retry_first_pause: Annotated[float, Field(ge=0)] = 5.0
    """Seconds of back-off after the first failure; each later back-off is three times as long."""
    retry_longest_pause: Annotated[float, Field(ge=0)] = 3600.0
    """Upper limit of the back-off, in seconds."""
    handler_timeout: Annotated[float, Field(gt=0)] = 60.0
    """Seconds that one attempt of a delivery may take."""
    handler_concurrency: Annotated[int, Field(gt=0)] = 16
    """Attempts of one handler at the same time."""
    delivery_concurrency: Annotated[int, Field(gt=0)] = 64
    """Attempts of all handlers at the same time."""
    lease_seconds: Annotated[float, Field(gt=0)] = 30.0
    """Seconds after which another worker takes over the deliveries of a worker that has crashed."""
    shutdown_seconds: Annotated[float, Field(ge=0)] = 10.0
    """Seconds that running handlers get to finish when the receiver stops."""

    max_body_bytes: Annotated[int, Field(gt=0)] = 1024 * 1024
    """Largest body of a callback; larger ones get 413. The largest documented one has 4 KiB."""
    max_transcript_bytes: Annotated[int, Field(gt=0)] = 16 * 1024 * 1024
    """The same limit where CDRs arrive: they may carry a transcript, and 10 MB occur."""
    max_header_bytes: Annotated[int, Field(ge=1024)] = 32 * 1024
    """Largest head of a request, its first line and headers together; providers send less than 1 KiB."""
    max_headers: Annotated[int, Field(gt=0)] = 100
    """Headers of one request; providers send about ten, proxies add as many."""
    max_depth: Annotated[int, Field(ge=8, le=200)] = 32
    """How deep lists and structs may nest, in XML and in JSON. Real callbacks nest four deep."""
    max_elements: Annotated[int, Field(gt=0)] = 200_000
    """XML elements, or JSON values, in one body: 1,000 records of 50 fields, and some 50 MB of memory."""
    max_text_chars: Annotated[int, Field(gt=0)] = 16 * 1024 * 1024
    """Characters in one XML element: room for the longest transcript."""
    max_form_fields: Annotated[int, Field(gt=0)] = 1_000
    """Fields of a form, or parts of a multipart form; the longest documented callback has 23."""
    request_seconds: Annotated[float, Field(gt=0)] = 30.0
    """Seconds a request may take from its first byte to its last; a slower sender is disconnected."""
    idle_seconds: Annotated[int, Field(gt=0)] = 30
    """Seconds an idle connection is kept for a further request."""
    max_requests: Annotated[int, Field(ge=4)] = 1_000
    """Requests that wait for their reply; further ones get 503. A quarter is reserved for questions, at any URL."""
    max_pending_bytes: Annotated[int, Field(gt=0)] = 256 * 1024 * 1024
    """Bytes of all bodies in memory at one moment; further ones get 503."""
    max_rate_per_address: Annotated[int, Field(ge=0)] = 0
    """Requests a second from one address; further ones get 429. 0 is no limit: a provider may have a single address."""
    journal_capacity: Annotated[int, Field(gt=0)] = 10_000
    """Callbacks that may wait to be stored; further ones get 503."""
    journal_batch: Annotated[int, Field(gt=0)] = 500
    """Largest number of callbacks in one transaction."""

    alarms: AlarmSettings = AlarmSettings()
    """What the receiver watches, and where it reports what is wrong."""
    metrics: bool = False
    """Whether /metrics serves Prometheus metrics: they name providers, kinds and handlers."""
    tracing: bool = False
    """Whether OpenTelemetry traces are exported, as the environment's OTEL_… variables say; needs the extra `otel`."""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"
    """debug, info, warning or error."""
    log_format: Annotated[Literal["text", "json"], BeforeValidator(_lower)] = "text"
    """Lines for people, or one JSON object a line for programs."""
    log_personal_data: bool = False
    """Whether the log may contain error texts, which may hold callers' numbers and names."""

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
    """The settings; what is `given` overrides every other source. Raises SettingsError, which names each bad one."""
    _reject_unknown_variables()
    try:
        return Settings(**{name: value for name, value in given.items() if value not in (None, [])})
    except ValidationError as error:
        raise SettingsError(problems(error)) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{FILE} is not valid TOML: {error}") from error
    except SourceError as error:
        raise SettingsError(_no_json(error)) from error


def problems(error: ValidationError, where: str = "", *, unknown: str = UNKNOWN_SETTING) -> str:
    """A validation error as lines that each name a setting and say what to write; `unknown` is for unknown names."""
    return "\n".join(sentences(error, where, unknown=unknown))


def _no_json(error: SourceError) -> str:
    """What to do about a variable for a whole table that is not valid JSON: the library names the setting."""
    [name] = re.findall(r'field "(\w+)"', str(error)) or ["?"]
    variable = PREFIX + name.upper()
    return (
        f"{variable} is not valid JSON ({error.__cause__}): write the table as JSON, or set its parts with variables "
        f"such as {variable}__NAME__OPTION"
    )


def _reject_unknown_variables() -> None:
    tables = {PREFIX + name.upper() for name in ("alarms", "apis", "handler_settings", "providers")}
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for variable in os.environ:
        if not variable.startswith(PREFIX) or variable.startswith(TEST_PREFIX):
            continue
        name, *parts = variable.split("__")
        if name not in known or (parts and name not in tables):
            raise SettingsError(f"{variable}: {UNKNOWN_SETTING}")
