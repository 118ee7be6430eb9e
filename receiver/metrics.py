"""Prometheus metrics. Labels are names of providers, kinds, outcomes and handlers, never phone numbers or call ids."""

import os
from collections.abc import Callable, Mapping
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names a folder where several processes add up their metrics: prometheus-client's own."""

ANSWER_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0)
"""Seconds, up to the longest time that a provider is known to wait for a reply."""


class Metrics:
    """The metrics of one receiver; those of all its processes where they share a folder."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._gauges: list[tuple[Gauge, Callable[[], float]]] = []
        self._callbacks = Counter(
            "receiver_callbacks", "Callbacks by outcome", ["provider", "kind", "outcome"],
            registry=self._registry,
        )  # fmt: skip
        self._received: dict[tuple[str, str, str], Counter] = {}
        self._not_stored = Counter(
            "receiver_callbacks_not_stored", "Callbacks rejected with 503", ["provider"], registry=self._registry
        )
        self._rejected = Counter(
            "receiver_requests_refused", "Rejected requests by reason", ["reason"], registry=self._registry
        )
        self._unanswered = Counter(
            "receiver_answers_missed", "Questions that no handler answered, by cause and outcome",
            ["provider", "kind", "cause", "outcome"], registry=self._registry,
        )  # fmt: skip
        self._answers = Histogram(
            "receiver_answer_seconds", "Seconds from question to reply", ["provider", "kind"],
            buckets=ANSWER_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._answered: dict[tuple[str, str], Histogram] = {}
        self._attempts = Counter(
            "receiver_delivery_attempts", "Delivery attempts by result", ["handler", "result"], registry=self._registry
        )

        self._reconciled = Counter(
            "receiver_reconciled_records", "Records of call logs by result", ["provider", "result"],
            registry=self._registry,
        )  # fmt: skip
        self._missing = Gauge(
            "receiver_records_missing", "Records that the last reconcile found missing and could not fetch",
            ["provider"], registry=self._registry,
        )  # fmt: skip
        self._reconciles = Counter(
            "receiver_reconcile_runs", "Runs of reconcile by result", ["result"], registry=self._registry
        )
        self._alarms_begun = Counter(
            "receiver_alarms_begun", "Alarms that have begun, by condition", ["alarm"], registry=self._registry
        )
        self._alarm_messages = Counter(
            "receiver_alarm_messages", "Messages about alarms by result, one for each recipient", ["result"],
            registry=self._registry,
        )  # fmt: skip
        self._alarm_evaluations = Counter(
            "receiver_alarm_evaluations", "Evaluations of conditions by result", ["result"], registry=self._registry
        )
        self._heartbeats = Counter(
            "receiver_heartbeats", "Calls of the dead man's switch by result", ["result"], registry=self._registry
        )

    def received(self, provider: str, kind: str, outcome: str) -> None:
        """A callback was stored or answered."""
        key = provider, kind, outcome
        if key not in self._received:  # looking a counter up takes longer than counting
            self._received[key] = self._callbacks.labels(provider, kind or "unknown", outcome)
        self._received[key].inc()

    def not_stored(self, provider: str) -> None:
        """A callback could not be stored."""
        self._not_stored.labels(provider).inc()

    def rejected(self, reason: str) -> None:
        """A request was rejected."""
        self._rejected.labels(reason).inc()

    def missed(self, provider: str, kind: str, cause: str, outcome: str) -> None:
        """A question got its fallback, or the error reply."""
        self._unanswered.labels(provider, kind, cause, outcome).inc()

    def answered(self, provider: str, kind: str, seconds: float) -> None:
        """A question got its reply."""
        key = provider, kind
        if key not in self._answered:
            self._answered[key] = self._answers.labels(provider, kind)
        self._answered[key].observe(seconds)

    def attempted(self, handler: str, result: str) -> None:
        """An attempt at a delivery has ended."""
        self._attempts.labels(handler, result).inc()

    def reconciled(self, provider: str, counts: Mapping[str, int]) -> None:
        """A part of a call log was compared; `counts` has the number of records by result."""
        for result, number in counts.items():
            self._reconciled.labels(provider, result).inc(number)

    def records_missing(self, provider: str, number: int) -> None:
        """A call log was compared to its end, and so many records are missing in the journal."""
        self._missing.labels(provider).set(number)

    def reconcile_ran(self, result: str) -> None:
        """A run of the background reconcile has ended: done or failed."""
        self._reconciles.labels(result).inc()

    def alarm_began(self, condition: str) -> None:
        """An alarm has begun."""
        self._alarms_begun.labels(condition).inc()

    def alarm_sent(self, result: str) -> None:
        """A message about an alarm was sent to a recipient, or that failed: sent or failed."""
        self._alarm_messages.labels(result).inc()

    def alarms_evaluated(self, result: str) -> None:
        """A condition was evaluated: done or failed."""
        self._alarm_evaluations.labels(result).inc()

    def heartbeat(self, result: str) -> None:
        """The dead man's switch was called: sent or failed."""
        self._heartbeats.labels(result).inc()

    def watch(
        self,
        name: str,
        meaning: str,
        value: Callable[[], float],
        *,
        across: Literal["livesum", "livemax", "livemostrecent"] = "livesum",
    ) -> None:
        """Add a gauge. `across` says what it is for several processes: the sum, the largest or the newest value."""
        gauge = Gauge(name, meaning, registry=self._registry, multiprocess_mode=across)
        self._gauges.append((gauge, value))

    def refresh(self) -> None:
        """Read the value of each gauge. With several processes each must do so now and then: a scrape reaches one."""
        for gauge, value in self._gauges:
            gauge.set(value())

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        self.refresh()
        if not is_shared():
            return generate_latest(self._registry)
        from prometheus_client.multiprocess import MultiProcessCollector

        everywhere = CollectorRegistry()
        MultiProcessCollector(everywhere)  # type: ignore[no-untyped-call]  # the library has no types here
        return generate_latest(everywhere)


def is_shared() -> bool:
    """Whether this process is one of several that add up their metrics."""
    return SHARED_FOLDER in os.environ
