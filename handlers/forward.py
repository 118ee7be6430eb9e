"""Post each call to a URL as JSON, signed by Standard Webhooks, with retries until the server accepts it.

handlers = ["handlers.forward"]

[handler_settings.forward]
url = "https://crm.example.com/hooks/calls"
secrets = ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]
what = "records"

Needs the extra `handlers`: pip install 'callback-receiver[handlers]'. For a second URL, see `forwarding`.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, HttpUrl, SecretStr
from standardwebhooks import Webhook

from receiver import CallRecord, Context, Drop, Handlers, RetryLater

LONGEST_PAUSE = 24 * 3600
"""Upper limit of a Retry-After, in seconds."""


def _key(secret: SecretStr) -> SecretStr:
    try:
        length = len(base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True))
    except binascii.Error:
        length = 0
    if not 24 <= length <= 64:
        raise ValueError("a secret is whsec_ and 24 to 64 random bytes in Base64: `openssl rand -base64 32` makes them")
    return secret


def _listed(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


class ForwardSettings(BaseModel, extra="forbid"):
    """The table `[handler_settings.forward]`."""

    url: HttpUrl
    """Where to post."""
    secrets: Annotated[list[Annotated[SecretStr, AfterValidator(_key)]], BeforeValidator(_listed), Field(min_length=1)]
    """Secrets that sign the messages. With several, each signs, so that a secret can be changed without a gap."""
    what: Literal["records", "events", "both"] = "records"
    """The call record, the provider's event, or both in one message."""
    timeout: Annotated[float, Field(gt=0, le=60)] = 20
    """Timeout in seconds, for the connection and again for the response."""


async def post(record: CallRecord, ctx: Context) -> None:
    """Post one call. A 2xx response ends the delivery, 410 drops it, and anything else is retried."""
    settings = ForwardSettings.model_validate(ctx.settings)
    body = json.dumps(message(record, ctx, settings.what), separators=(",", ":"))
    answer = await ctx.http.post(
        str(settings.url),
        content=body,
        headers={"Content-Type": "application/json", **signed(body, message_id(ctx), settings.secrets)},
        timeout=settings.timeout,
    )
    if answer.is_success:
        return
    refusal = f"{settings.url.host} answered {answer.status_code}"
    if answer.status_code == 410:
        raise Drop(f"{refusal}: it wants no more messages; take this module out of `handlers`")
    raise RetryLater(refusal, after=pause(answer.headers.get("retry-after", ""), datetime.now(UTC)))


def message(record: CallRecord, ctx: Context, what: str) -> dict[str, Any]:
    """The message: a type, the time of receipt, and `record`, `event` or both."""
    data: dict[str, Any] = {}
    if what != "events":
        data["record"] = record.as_json()
    if what != "records":
        fields = record.event.model_dump(mode="json", exclude={"raw"})
        data["event"] = {"provider": record.provider, "kind": record.event.kind, "fields": fields}
    return {"type": "call.ended", "timestamp": ctx.received_at.isoformat(), "data": data}


def message_id(ctx: Context) -> str:
    """The message id: the same for each attempt, so that a repeat is recognised; unique also in a new journal."""
    return f"msg_{ctx.received_at:%Y%m%dT%H%M%S%f}_{ctx.delivery_id}"


def signed(body: str, identifier: str, secrets: list[SecretStr]) -> Mapping[str, str]:
    """The three headers of Standard Webhooks: https://www.standardwebhooks.com."""
    now = datetime.now(UTC)
    signatures = [Webhook(secret.get_secret_value()).sign(identifier, now, body) for secret in secrets]
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def pause(retry_after: str, now: datetime) -> float | None:
    """Seconds of a Retry-After header, a day at most; None if it is missing or invalid: the usual back-off."""
    try:
        seconds = float(retry_after) if retry_after.isdigit() else _until(retry_after, now)
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_PAUSE)


def _until(date: str, now: datetime) -> float:
    moment = parsedate_to_datetime(date)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()


def forwarding(name: str) -> Handlers:
    """Handlers that forward to the URL in `[handler_settings.NAME]`, with deliveries of their own.

    For a second URL write a module `handlers/NAME.py` with the line `handlers = forwarding("NAME")`.
    """
    handlers = Handlers(name, settings=ForwardSettings)
    handlers.on(CallRecord, name=f"handlers.{name}.post")(post)
    return handlers


handlers = forwarding(__name__.rpartition(".")[2])
