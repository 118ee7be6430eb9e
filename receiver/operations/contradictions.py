"""Settings that are valid one by one, and contradict each other."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from receiver.settings import Settings
from storage.database import parse_url


def contradictions(settings: Settings, *, on_loopback: bool) -> list[str]:
    """A sentence for each pair of settings of which one has no effect, or makes the other fail.

    `on_loopback` says whether only this machine can reach the host that the settings name.
    """
    found = (_of_retention(settings), _of_limits(settings), _of_access(settings, on_loopback), _of_deliveries(settings))
    return list(chain.from_iterable(found))


def _of_retention(settings: Settings) -> Iterator[str]:
    keep, bodies = settings.keep_days, settings.keep_bodies_days
    if keep and bodies >= keep:
        yield (
            f"keep_bodies_days = {bodies} has no effect: keep_days = {keep} deletes callbacks before their bytes are "
            "blanked; make it smaller than keep_days"
        )
    shortest = min(filter(None, (keep, bodies)), default=0)
    if shortest and settings.call_history_hours > shortest * 24:
        yield (
            f"call_history_hours = {settings.call_history_hours:g} reaches further back than {shortest} days, after "
            "which the state of a call is deleted"
        )


def _of_limits(settings: Settings) -> Iterator[str]:
    largest = max(settings.max_body_bytes, settings.max_transcript_bytes)
    if largest > settings.max_pending_bytes:
        yield (
            f"a body may have {largest} bytes (max_body_bytes, max_transcript_bytes) and all bodies together "
            f"max_pending_bytes = {settings.max_pending_bytes}: the largest ones get 503 forever; raise it"
        )
    if settings.max_transcript_bytes < settings.max_body_bytes:
        yield "max_transcript_bytes is below max_body_bytes: CDRs are limited more than other callbacks"
    if settings.journal_batch > settings.journal_capacity:
        yield "journal_batch is above journal_capacity: no batch is ever that large"


def _of_access(settings: Settings, on_loopback: bool) -> Iterator[str]:
    guarded = settings.secrets or settings.passwords or settings.allow_from
    if settings.allow_anyone and guarded:
        yield "allow_anyone has no effect beside secrets, passwords or allow_from: remove it"
    if settings.allow_from and settings.public_url and on_loopback and not settings.trusted_proxies:
        yield (
            f"allow_from is compared with the proxy's address: the receiver listens on {settings.host}, behind "
            f"{settings.public_url}; name the proxy in trusted_proxies"
        )


def _of_deliveries(settings: Settings) -> Iterator[str]:
    if settings.retry_first_pause > settings.retry_longest_pause:
        yield "retry_first_pause is above retry_longest_pause: each back-off has the latter"
    if settings.handler_concurrency > settings.delivery_concurrency:
        yield "handler_concurrency is above delivery_concurrency: no handler ever gets that many at once"
    url = parse_url(settings.database_url.get_secret_value())
    if url.get_backend_name() == "sqlite" and Path(url.database or "").resolve() == Path(settings.spool).resolve():
        yield f"spool and database_url are the same file {settings.spool}: name another spool"
