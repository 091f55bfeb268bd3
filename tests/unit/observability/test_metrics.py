"""Each metric is documented with its unit, and what is not known is not shown as 0."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from prometheus_client import CollectorRegistry, generate_latest

from agent.observability.figures import figures_of_status
from agent.observability.metrics import KeeperMetrics, VaultMetrics


def shown_by(registry: CollectorRegistry) -> set[str]:
    return set(re.findall(r"^# TYPE (\S+) ", generate_latest(registry).decode(), re.MULTILINE))


def test_metrics_page__every_metric__has_one_line_with_its_unit(repository):
    registry = CollectorRegistry()
    VaultMetrics(registry, ["outside_band"])
    KeeperMetrics(registry)
    page = (repository / "docs" / "metrics.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| `(evenkeel_\w+)` \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    names = [name for name, _, _ in lines]
    assert len(names) == len(set(names))
    assert set(names) == shown_by(registry)
    assert all(unit.strip() and words.strip() for _, unit, words in lines)


def test_vault_metrics__nothing_seen_yet__is_nan():
    registry = CollectorRegistry()
    VaultMetrics(registry, ["outside_band"])
    for name in ("worst_net_delta_underlying", "worst_over_band_ratio", "head_age_seconds", "oracle_age_seconds"):
        value = registry.get_sample_value(f"evenkeel_{name}")
        assert value is not None
        assert math.isnan(value)


def test_vault_metrics__what_the_chain_cannot_tell__is_nan_again(status_builder):
    registry = CollectorRegistry()
    metrics = VaultMetrics(registry, ["outside_band"])
    known = figures_of_status(status_builder())
    metrics.show(known, 7)
    assert registry.get_sample_value("evenkeel_worst_over_band_ratio") == known.worst_over_band_ratio
    assert registry.get_sample_value("evenkeel_outside_band_seconds") == 7
    metrics.show(replace(known, worst=None), 7)
    value = registry.get_sample_value("evenkeel_worst_over_band_ratio")
    assert value is not None
    assert math.isnan(value)
