"""Send a message for each missed incoming call: by e-mail, or to a chat such as Slack or Telegram.

handlers = ["handlers.missed_calls"]

[handler_settings.missed_calls]
urls = ["mailto://user:password@example.com?to=office@example.com", "slack://TokenA/TokenB/TokenC"]
quiet_hours = "22:00-07:00"
time_zone = "Asia/Jerusalem"

Needs the extra `handlers`: pip install 'callback-receiver[handlers]'. The URL formats of all services:
https://appriseit.com/services/.

A small database of this module stores which messages were sent, so that a caller is announced once an hour also after
a restart. Receivers on several machines need a shared PostgreSQL database for that.
"""

import hashlib
import re
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from apprise import Apprise, AppriseAsset, NotifyFormat
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr
from sqlalchemy import Engine, NullPool, create_engine, text

from receiver import CallRecord, Context, Drop, Handlers, Outcome, RetryLater, Setting

LONGEST_VALUE = 200
"""Characters of one value in a message."""


class _Blank(dict[str, str]):
    """Values of a template; an unknown name is blank, because each provider sends other fields."""

    def __missing__(self, name: str) -> str:
        return ""


def _known_url(url: SecretStr) -> SecretStr:
    if Apprise.instantiate(url.get_secret_value()) is None:
        raise ValueError("no service has a URL like this; https://appriseit.com/services/ lists them")
    return url


def _database(url: SecretStr) -> SecretStr:
    if not re.match(r"(sqlite|postgresql)(\+\w+)?://", url.get_secret_value()):
        raise ValueError("write sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE")
    return url


def _period(period: str) -> str:
    begin, _, end = period.partition("-")
    if period and (not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d", period) or begin == end):
        raise ValueError("write when they begin and end, such as 22:00-07:00")
    return period


def _template(template: str) -> str:
    try:
        template.format_map(_Blank())
    except (AttributeError, LookupError, ValueError) as error:
        raise ValueError(f"{error}: write names in braces, such as {{caller}}, and {{{{ for a brace") from error
    return template


Template = Annotated[str, Field(min_length=1), AfterValidator(_template)]


class MissedCallsSettings(BaseModel, extra="forbid"):
    """The table `[handler_settings.missed_calls]`."""

    urls: Annotated[
        list[Annotated[SecretStr, AfterValidator(_known_url)]],
        BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
        Field(min_length=1),
    ]
    """The recipients, as URLs of apprise: mailto://, slack://, tgram://, json:// and so on."""
    outcomes: list[Outcome] = [
        *(Outcome.NO_ANSWER, Outcome.BUSY, Outcome.CANCELLED, Outcome.ABANDONED, Outcome.NOT_DIALED, Outcome.FAILED)
    ]
    """Which outcomes of an incoming call count as missed."""
    title: Template = "Missed call from {caller}"
    text: Template = "{caller} called {to_number} at {started}; the call ended as: {outcome}."
    """The text of a message. Names of fields of the call record and of its event are in braces."""
    interval_minutes: Annotated[int, Field(ge=1)] = 60
    """Minutes during which further calls of the same caller cause no message."""
    quiet_hours: Annotated[str, AfterValidator(_period)] = ""
    """Messages wait until these hours are over, such as "22:00-07:00"."""
    time_zone: ZoneInfo = ZoneInfo("UTC")
    """The time zone of the quiet hours, and of the times in messages."""
    max_age_hours: Annotated[int, Field(ge=1)] = 24
    """Older calls cause no message, such as those of a replay."""
    database_url: Annotated[SecretStr, AfterValidator(_database)] = SecretStr("sqlite:///missed-calls.db")
    """The database of sent messages."""


handlers = Handlers(settings=MissedCallsSettings)


@handlers.on(CallRecord, direction="incoming", outcome=Setting("outcomes"))
def announce(record: CallRecord, ctx: Context) -> None:
    """Send one message to each URL, unless this caller was announced there within the interval."""
    settings = MissedCallsSettings.model_validate(ctx.settings)
    now = datetime.now(UTC)
    if now - ctx.received_at > timedelta(hours=settings.max_age_hours):
        raise Drop(f"the call is older than {settings.max_age_hours} hours")
    if pause := quiet_seconds(settings.quiet_hours, now.astimezone(settings.time_zone)):
        raise RetryLater("quiet hours", after=pause)
    values = values_of(record, ctx, settings.time_zone)
    title, body = settings.title.format_map(values), settings.text.format_map(values)
    sent_messages = SentMessages(settings, ctx, now)
    sent = [sent_messages.send_once(record, url.get_secret_value(), title, body) for url in settings.urls]
    if not all(sent):
        raise RetryLater(f"{sent.count(False)} of {len(sent)} messages could not be sent")


def quiet_seconds(period: str, now: datetime) -> float:
    """Seconds until the quiet hours are over; 0 outside of them."""
    if not period:
        return 0
    begin, end = map(time.fromisoformat, period.split("-"))
    moment = now.time()
    is_quiet = begin <= moment < end if begin < end else moment >= begin or moment < end
    if not is_quiet:
        return 0
    until = datetime.combine(now.date() + timedelta(days=int(end <= moment)), end, now.tzinfo)
    return until.timestamp() - now.timestamp()


def values_of(record: CallRecord, ctx: Context, zone: ZoneInfo) -> dict[str, str]:
    """The values for a template, each on one line: a line break in a caller's name must not end a header."""
    started = (record.started or ctx.received_at).astimezone(zone)
    fields: dict[str, Any] = {**record.event.model_dump(exclude={"raw"}), **record.as_json()}
    fields |= {"caller": record.from_number or "an unknown number", "started": f"{started:%Y-%m-%d %H:%M}"}
    return _Blank({name: _one_line("" if value is None else str(value)) for name, value in fields.items()})


def _one_line(value: str) -> str:
    return "".join(char if char.isprintable() else " " for char in value[:LONGEST_VALUE]).strip()


class SentMessages:
    """Which messages were sent: one row for a caller and a URL, of the delivery that may send.

    A delivery keeps its claim during its retries. Claiming is one statement, so that only one of two receivers sends.
    """

    def __init__(self, settings: MissedCallsSettings, ctx: Context, now: datetime) -> None:
        self._engine = _engine(settings.database_url.get_secret_value())
        self._claim = {
            "delivery": f"{ctx.delivery_id} of {ctx.received_at.isoformat()}",
            "now": int(now.timestamp()),
            "interval": settings.interval_minutes * 60,
            "longest": settings.interval_minutes * 60 + settings.max_age_hours * 3600,
        }

    def send_once(self, record: CallRecord, url: str, title: str, body: str) -> bool:
        """Send a message, unless this caller was announced at this URL within the interval. False if that failed."""
        caller = record.from_international or record.from_number
        digest = hashlib.blake2b(f"{caller} {url}".encode(errors="replace"), digest_size=16).hexdigest()
        claim = {**self._claim, "digest": digest}
        with self._engine.begin() as connection:
            connection.execute(_FORGET, claim)
            if not connection.execute(_CLAIM, claim).rowcount:
                return True
        if not _send(url, title, body):
            return False
        with self._engine.begin() as connection:
            connection.execute(_SENT, claim)
        return True


def _send(url: str, title: str, body: str) -> bool:
    service = Apprise(asset=AppriseAsset(app_id="Missed calls", app_desc="Missed calls"))
    return service.add(url) and bool(service.notify(title=title, body=body, body_format=NotifyFormat.TEXT))


_CREATE = text(
    "CREATE TABLE IF NOT EXISTS missed_calls "
    "(digest TEXT PRIMARY KEY, delivery TEXT NOT NULL, at BIGINT NOT NULL, sent INTEGER NOT NULL)"
)
_FORGET = text("DELETE FROM missed_calls WHERE at <= :now - :longest")
_CLAIM = text(
    "INSERT INTO missed_calls (digest, delivery, at, sent) VALUES (:digest, :delivery, :now, 0) "
    "ON CONFLICT (digest) DO UPDATE SET delivery = excluded.delivery, at = excluded.at, sent = 0 "
    "WHERE (missed_calls.delivery = excluded.delivery AND missed_calls.sent = 0) "
    "OR (missed_calls.delivery <> excluded.delivery AND missed_calls.at <= :now - :interval)"
)
_SENT = text("UPDATE missed_calls SET sent = 1 WHERE digest = :digest AND delivery = :delivery")


@lru_cache
def _engine(url: str) -> Engine:
    """An engine without a pool: messages are rare."""
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    with engine.begin() as connection:
        connection.execute(_CREATE)
    return engine
