"""A replay that cannot go through is refused with the row at which it would fail."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from agent.backtest.price_series import PriceSeries
from agent.demo.preflight import require_replayable, scenario_misfits
from agent.demo.scenario import seeded_scenario
from agent.errors import PreflightError
from agent.settings import load_settings
from agent.units import Seconds
from agent.vol.iv_path import IvPath

CONFIG = Path("config/localnet.toml")


@pytest.fixture
def settings(repository):
    return load_settings(repository / CONFIG, {})


def findings(scenario, settings):
    with pytest.raises(PreflightError) as caught:
        require_replayable(scenario, settings, CONFIG)
    return caught.value.findings


def repriced(scenario, prices, step_seconds=300):
    times = scenario.prices.start_unix + step_seconds * np.arange(len(prices))
    series = PriceSeries("ETHUSD", times, np.array(prices), Seconds(step_seconds), "p.parquet", None)
    return replace(scenario, prices=series)


def test_require_replayable__default_day__nothing_found(settings):
    require_replayable(seeded_scenario(4, None), settings, CONFIG)


def test_require_replayable__leg_that_expires_on_the_way__nothing_found(settings):
    """The chain and the keeper go through an expiry, so a replay does."""
    require_replayable(repriced(seeded_scenario(4, None), [3200.0] * 32, 86_400), settings, CONFIG)


def on_iv(levels, first_unix=None):
    """The default day with IV at these levels, an hour apart; the book's own is 70 %."""
    scenario = seeded_scenario(4, None)
    times = (first_unix or scenario.prices.start_unix) + 3_600 * np.arange(len(levels))
    return replace(scenario, iv_path=IvPath(times, np.array(levels), "iv.csv"))


def test_require_replayable__iv_that_moves__nothing_found(settings):
    require_replayable(on_iv([0.8, 1.6, 0.3]), settings, CONFIG)


def test_require_replayable__iv_that_starts_late__said_before_anything_starts(settings):
    (found,) = findings(on_iv([0.8], first_unix=1_722_470_401), settings)
    assert "its first level is of 2024-08-01T00:00:01Z, after the first price at 2024-08-01T00:00:00Z" in found


def test_require_replayable__iv_that_leaves_a_leg_without__names_the_instant(settings):
    (found,) = findings(on_iv([0.8, 0.7, 0.1]), settings)
    assert "IV follows iv.csv: at 2024-08-01T02:00:00Z it takes 2024-08-31 3200 call from 0.7 to" in found


@pytest.mark.parametrize(
    ("prices", "step", "words"),
    [
        ([3200.0, 120_000.0], 300, "p.parquet: ETHUSD at 2024-08-01T00:05:00Z: price 120,000 USD is outside"),
        ([3200.0, 700.0], 300, "the local pool goes from 0.25 to 4"),
        ([3200.0, 3200.0], 60, "a price every 60 s, less than config/localnet.toml [bounds] cooldown_seconds 240"),
    ],
)
def test_require_replayable__bad_row__named(settings, prices, step, words):
    found = findings(repriced(seeded_scenario(4, None), prices, step), settings)
    assert any(words in line for line in found)


def test_require_replayable__leg_expires_on_the_way__is_replayed_through(settings):
    scenario = repriced(seeded_scenario(4, None), [3200.0] * 32, 86_400)
    assert scenario.book.options[0].expiry_unix < scenario.prices.end_unix
    require_replayable(scenario, settings, CONFIG)


def test_require_replayable__book_too_large__bounds_named(settings):
    scenario = seeded_scenario(4, None)
    (leg,) = scenario.book.options
    large = replace(scenario, book=replace(scenario.book, positions=(replace(leg, quantity=-1_000.0),)))
    found = findings(large, settings)
    assert len(found) >= 4
    assert all(line.startswith("config/localnet.toml: seeded jump diffusion: ETHUSD at 2024") for line in found)


def test_require_replayable__too_little_deposited__amount_named(settings):
    found = findings(replace(seeded_scenario(4, None), deposit_usd=40_000.0), settings)
    assert any("deposit $" in line for line in found)


def test_require_replayable__hedge_that_goes_in_parts__is_told_and_goes_on(settings):
    small = settings.bounds.model_copy(update={"max_size_delta_underlying": Decimal(20)})
    parts = settings.model_copy(update={"bounds": small})
    require_replayable(seeded_scenario(4, None), parts, CONFIG)
    (line,) = scenario_misfits(seeded_scenario(4, None), parts)
    assert "it goes in parts, and the worst case stays outside the band until the last of them" in line
