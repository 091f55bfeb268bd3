"""The metrics of one process, in Prometheus's format: NaN where nothing is known yet.

docs/metrics.md names each with its unit; a test compares.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from agent.chain.breaker import EndpointHealth
from agent.observability.figures import VaultFigures
from agent.units import from_wad

PREFIX = "evenkeel"
_CYCLE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60, 240)
_DECISION_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)
disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, of its birth alone
INTENT_STATES = ("none", "decided", "signed", "sent", "mined", "requested", "pending", "partly", "frozen")
"""Where an open intent can stand; other words are shown as they are."""


class VaultMetrics:
    """What keeper and watcher both show; ``alerts`` are the names of all that may be up."""

    def __init__(self, registry: CollectorRegistry, alerts: Sequence[str]) -> None:
        self._head_unix = 0
        self.worst = _gauge(registry, "worst_net_delta_underlying", "W: worst-case net delta of book and hedge")
        self.band = _gauge(registry, "band_underlying", "Band that W has to lie in")
        self.ratio = _gauge(registry, "worst_over_band_ratio", "W over the band; above 1 it is outside")
        self.outside = _gauge(registry, "outside_band_seconds", "How long W has been outside, chain time")
        self.head_block = _gauge(registry, "head_block", "Number of the last block read")
        age = _gauge(registry, "head_age_seconds", "From the last block read to now, by this machine's clock")
        age.set_function(lambda: time.time() - self._head_unix if self._head_unix else float("nan"))
        self.oracle_age = _gauge(registry, "oracle_age_seconds", "From the oracle's price to the last block read")
        self.leverage = _gauge(registry, "venue_leverage_ratio", "Notional over equity of a venue account", ["venue"])
        self.max_leverage = _gauge(registry, "venue_max_leverage_ratio", "The guard's cap on it", ["venue"])
        self.distance = _gauge(
            registry, "venue_liquidation_distance_ratio", "Move against it at which a venue liquidates", ["venue"]
        )
        self.is_silent = _gauge(registry, "venue_silent", "1 where a venue does not answer", ["venue"])
        self.runway = _gauge(registry, "gas_runway_rebalances", "Rebalances that the keeper's gas money pays for")
        self.alert = _gauge(registry, "alert_active", "1 while an alert is up", ["alert"])
        self.undelivered = _gauge(registry, "alerts_undelivered", "Messages that a channel did not take")
        self._alerts = tuple(alerts)
        self.show_alerts((), 0)

    def show(self, figures: VaultFigures, outside_seconds: int) -> None:
        """Show the figures of one look; what is not known is NaN, never 0."""
        self._head_unix = int(figures.block.timestamp)
        self.head_block.set(figures.block.number)
        self.worst.set(float("nan") if figures.worst is None else from_wad(figures.worst))
        self.band.set(float("nan") if figures.band is None else from_wad(figures.band))
        self.ratio.set(_known(figures.worst_over_band_ratio))
        self.outside.set(outside_seconds)
        self.oracle_age.set(_known(figures.oracle_age_seconds))
        self.runway.set(_known(figures.rebalances_left))
        for venue in figures.venues:
            self.leverage.labels(venue.name).set(float("nan") if venue.is_silent else venue.leverage_ratio)
            self.max_leverage.labels(venue.name).set(venue.max_leverage_ratio)
            self.distance.labels(venue.name).set(_known(venue.liquidation_distance))
            self.is_silent.labels(venue.name).set(venue.is_silent)

    def show_alerts(self, up: Collection[str], undelivered: int) -> None:
        """Show which alerts are up, by name."""
        for name in self._alerts:
            self.alert.labels(name).set(name in up)
        self.undelivered.set(undelivered)


class KeeperMetrics:
    """What the keeper alone can show."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.cycles = _counter(registry, "cycles", "Cycles that ended, by outcome", ["outcome"])
        self.failures = _counter(registry, "cycle_failures", "Cycles that failed, by kind of failure", ["kind"])
        self.cycle = _histogram(registry, "cycle_seconds", "From a cycle's begin to its end", _CYCLE_BUCKETS)
        self.decision = _histogram(registry, "decision_seconds", "Of it, the pure decision", _DECISION_BUCKETS)
        self.last_decision = _gauge(registry, "last_decision_unix_seconds", "When a cycle last decided, wall clock")
        self.reverts = _counter(registry, "reverts", "Transactions that were mined and refused")
        self.mismatches = _counter(registry, "guard_mirror_mismatches", "Cycles whose mirror of the guard was wrong")
        self.nav_error = _gauge(registry, "nav_error_bps", "NAV by the ledger against the chain's, 1e-4 of NAV")
        self.intent_age = _gauge(registry, "intent_age_seconds", "Age of the open intent, chain time; 0 without one")
        self.intent_state = _gauge(registry, "intent_state", "1 for the state of the open intent", ["state"])
        self.next_expiry = _gauge(registry, "next_expiry_seconds", "Until the next leg of the book expires")
        self.lease_epoch = _gauge(registry, "lease_epoch", "Epoch of the lease that fences this keeper")
        self.lag = _gauge(registry, "endpoint_lag_blocks", "Blocks behind the newest head", ["endpoint"])
        self.errors = _gauge(registry, "endpoint_errors", "Requests not answered, since the start", ["endpoint"])
        self.disagreements = _gauge(
            registry, "endpoint_disagreements", "Answers that the quorum contradicted, since the start", ["endpoint"]
        )
        self.latency = _gauge(registry, "endpoint_latency_seconds", "From request to answer, of late", ["endpoint"])
        self.is_open = _gauge(registry, "endpoint_breaker_open", "1 while it is kept out of use", ["endpoint"])
        self.show_intent(None, 0)

    def show_intent(self, state: str | None, age_seconds: int) -> None:
        """Show where the open intent stands."""
        self.intent_age.set(age_seconds)
        self.intent_state.clear()
        for name in {*INTENT_STATES, state or "none"}:
            self.intent_state.labels(name).set(name == (state or "none"))

    def show_endpoints(self, endpoints: Sequence[EndpointHealth]) -> None:
        """Show how the endpoints behave."""
        for endpoint in endpoints:
            self.lag.labels(endpoint.name).set(endpoint.lag_blocks)
            self.errors.labels(endpoint.name).set(endpoint.faults)
            self.disagreements.labels(endpoint.name).set(endpoint.disagreements)
            self.latency.labels(endpoint.name).set(endpoint.latency_seconds)
            self.is_open.labels(endpoint.name).set(endpoint.is_open)


def process_metrics(registry: CollectorRegistry) -> None:
    """Add memory, processor time and descriptors of the process."""
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)


def _known(number: float | None) -> float:
    return float("nan") if number is None else number


def _gauge(registry: CollectorRegistry, name: str, words: str, labels: Sequence[str] = ()) -> Gauge:
    gauge = Gauge(f"{PREFIX}_{name}", words, labels, registry=registry)
    if not labels:
        gauge.set(float("nan"))
    return gauge


def _counter(registry: CollectorRegistry, name: str, words: str, labels: Sequence[str] = ()) -> Counter:
    return Counter(f"{PREFIX}_{name}", words, labels, registry=registry)


def _histogram(registry: CollectorRegistry, name: str, words: str, buckets: Sequence[float]) -> Histogram:
    return Histogram(f"{PREFIX}_{name}", words, buckets=buckets, registry=registry)
