"""Composition of what watches the receiver: alarms, the heartbeat, and figures for /metrics."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from receiver.errors import SettingsError
from receiver.metrics import Metrics
from receiver.operations.alarms.backlog_age import BacklogAge
from receiver.operations.alarms.book import AlarmBook
from receiver.operations.alarms.certificate import Certificate
from receiver.operations.alarms.clock import ClockJump
from receiver.operations.alarms.condition import Condition
from receiver.operations.alarms.dead_deliveries import DeadDeliveries
from receiver.operations.alarms.disk_space import DiskSpace
from receiver.operations.alarms.evaluator import Evaluator
from receiver.operations.alarms.fallbacks import Fallbacks
from receiver.operations.alarms.heartbeat import Heartbeat
from receiver.operations.alarms.provider_silent import ProviderSilent
from receiver.operations.alarms.public_url import PublicUrl
from receiver.operations.alarms.refused_requests import RefusedRequests
from receiver.operations.alarms.sending import check_recipients, make_sender
from receiver.operations.alarms.spool import SpoolUsed
from receiver.operations.alarms.task import LEASE, AlarmTask, Group
from receiver.operations.figures import JournalFigures
from receiver.providers.base.contract import Provider
from receiver.settings import AlarmSettings, Settings, period_seconds
from receiver.web.auth import access_policies
from receiver.web.url_check import probe_all
from storage import Database
from storage.spool import Spool


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched in this process."""

    settings: Settings
    providers: Mapping[str, Provider[Any]]
    database: Database
    spool: Spool | None = None


def check_alarms(settings: AlarmSettings, providers: Mapping[str, Provider[Any]]) -> None:
    """Check what needs more than the settings to be checked. Raises SettingsError."""
    receiving = {name for name, provider in providers.items() if provider.endpoints}
    if unknown := settings.silent_after.keys() - receiving:
        known = ", ".join(sorted(receiving))
        raise SettingsError(f"alarms.silent_after.{min(unknown)}: there is no such provider; there are {known}")
    check_recipients(settings.urls)


@asynccontextmanager
async def running_monitoring(watched: Watched, metrics: Metrics) -> AsyncIterator[None]:
    """Alarms are evaluated and figures are read inside the block. Raises SettingsError for a URL of no recipient."""
    async with httpx.AsyncClient(verify=_context(watched.settings)) as http:
        figures = JournalFigures(watched.database, folders_of(watched))
        alarms = make_alarms(watched, metrics, http)
        tasks = [asyncio.create_task(alarms.run(), name="alarms")]
        if watched.settings.metrics:
            figures.watch(metrics)
            tasks.append(asyncio.create_task(figures.run(), name="figures"))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await alarms.release()


def make_alarms(watched: Watched, metrics: Metrics, http: httpx.AsyncClient) -> AlarmTask:
    """The task that evaluates what the settings ask for. Raises SettingsError."""
    settings, database = watched.settings.alarms, watched.database
    here = socket.gethostname()
    book = AlarmBook(database)
    sender = make_sender(settings.urls, metrics)

    def evaluator(*conditions: Condition | None) -> Evaluator:
        wanted = [condition for condition in conditions if condition is not None]
        ends_after = timedelta(seconds=period_seconds(settings.ends_after))
        return Evaluator(wanted, book, sender, ends_after=ends_after, clock=_now, here=here, metrics=metrics)

    heartbeat_url = settings.heartbeat_url.get_secret_value()
    return AlarmTask(
        database,
        [
            Group(evaluator(_spool(watched, here))),
            Group(evaluator(*_of_machine(watched, here)), lease=f"{LEASE}:{here}", needs_journal=False),
            Group(evaluator(*_of_journal(watched), *_of_public_url(watched, metrics, http)), lease=LEASE),
        ],
        every=period_seconds(settings.every),
        heartbeat=Heartbeat(heartbeat_url, http, metrics) if heartbeat_url else None,
    )


def _of_journal(watched: Watched) -> list[Condition | None]:
    settings, database = watched.settings.alarms, watched.database
    set_seconds = {name: float(period_seconds(text)) for name, text in settings.silent_after.items() if text}
    backlog = period_seconds(settings.backlog_age)
    return [
        ProviderSilent(database, learned=settings.silent_learned, set_seconds=set_seconds, began=_now())
        if settings.silent_learned or set_seconds
        else None,
        DeadDeliveries(database, settings.dead_deliveries) if settings.dead_deliveries else None,
        BacklogAge(database, backlog) if backlog else None,
        Fallbacks(database, settings.fallback_percent) if settings.fallback_percent else None,
        RefusedRequests(database, settings.refused_requests) if settings.refused_requests else None,
    ]


def _of_machine(watched: Watched, here: str) -> list[Condition | None]:
    settings = watched.settings.alarms
    jump = period_seconds(settings.clock_jump)
    return [
        DiskSpace(here, folders_of(watched), settings.disk_free_mb) if settings.disk_free_mb else None,
        ClockJump(here, watched.database, jump, wall=_now, monotonic=time.monotonic) if jump else None,
    ]


def _spool(watched: Watched, here: str) -> Condition | None:
    spool, seconds = watched.spool, period_seconds(watched.settings.alarms.spool_used)
    if spool is None or not seconds:
        return None
    return SpoolUsed(here, spool.path.name, lambda: spool.count, seconds)


def _of_public_url(watched: Watched, metrics: Metrics, http: httpx.AsyncClient) -> list[Condition | None]:
    """Conditions of the public address, with their gauges; none without an address."""
    settings, url = watched.settings.alarms, watched.settings.public_url.rstrip("/")
    reachable = certificate = None
    if url and (every := period_seconds(settings.check_url_every)):
        reachable = PublicUrl(partial(_check_url, watched, http, url), every)
    if url.startswith("https://") and settings.certificate_days:
        certificate = Certificate(url, settings.certificate_days, ssl.create_default_context())

    def is_reachable() -> float:
        known = reachable.is_reachable(_now()) if reachable else None
        return -1.0 if known is None else float(known)

    def ends_at() -> float:
        known = certificate.ends_at if certificate else None
        return 0.0 if known is None else known.timestamp()

    metrics.watch(
        "receiver_public_url_reachable",
        "1 if callbacks to public_url arrive, 0 if not, -1 where that is not known",
        is_reachable,
        across="livemax",
    )
    metrics.watch(
        "receiver_certificate_expiry_timestamp_seconds",
        "When the certificate of public_url ends, since 1970; 0 if not known",
        ends_at,
        across="livemax",
    )
    return [reachable, certificate]


async def _check_url(watched: Watched, http: httpx.AsyncClient, url: str) -> dict[str, str]:
    """What is wrong with the URL of each provider."""
    policies = access_policies(watched.settings, watched.providers)
    probes = probe_all(watched.providers, policies, watched.database, http, url)
    return {probe.provider.name: probe.problem async for probe in probes}


def _context(settings: Settings) -> ssl.SSLContext:
    """Verifies certificates. Reading the known authorities takes a while; where nothing is called it knows none."""
    calls = settings.public_url or settings.alarms.heartbeat_url.get_secret_value()
    return ssl.create_default_context() if calls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def folders_of(watched: Watched) -> list[Path]:
    """The folders on this machine that the journal and the spool grow in."""
    found = []
    if watched.database.is_sqlite and watched.database.url.database:
        found.append(Path(watched.database.url.database).resolve().parent)
    if watched.spool is not None:
        found.append(watched.spool.path.resolve().parent)
    return found or [Path.cwd()]


def _now() -> datetime:
    return datetime.now(UTC)
