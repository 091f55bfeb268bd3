"""The desk's own impact, estimated from fills."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest

from agent.costs.impact import (
    ImpactCoefficients,
    ImpactEstimate,
    OwnFill,
    estimate_impact,
    quoted_impact,
    quoted_prior,
)
from agent.errors import DataError

TRUTH = ImpactCoefficients(spread_usd=1.5, temporary_usd_per_unit=0.12, permanent_usd_per_unit=0.03)
QUOTED = ImpactCoefficients(spread_usd=3.0, temporary_usd_per_unit=0.2, permanent_usd_per_unit=0.0)
VOL_ANNUAL, NOISE_USD = 0.7, 0.05
VAGUE = ImpactEstimate(QUOTED, ImpactCoefficients(1e6, 1e6, 1e6), 0)


def fills_of(truth, count, seed, vol_annual=VOL_ANNUAL, noise_scale=1.0):
    """Fills that obey the model, on a price that diffuses with ``vol_annual`` and is seen with noise."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        size, arrival = float(rng.uniform(1.0, 60.0)) * rng.choice([-1.0, 1.0]), float(rng.uniform(2_500.0, 3_500.0))
        waits = float(rng.uniform(2.0, 24.0)), float(rng.uniform(120.0, 600.0))
        steps = [
            math.hypot(vol_annual * arrival * math.sqrt(wait / 31_536_000), NOISE_USD) * noise_scale * rng.normal()
            for wait in waits
        ]
        sign = math.copysign(1.0, size)
        paid = truth.spread_usd + truth.temporary_usd_per_unit * abs(size)
        execution = arrival + sign * paid + steps[0]
        settled = execution - sign * paid + truth.permanent_usd_per_unit * size + steps[1]
        made.append(OwnFill(size, arrival, execution, settled, *waits))
    return made


def numbers(coefficients):
    return np.array([getattr(coefficients, field.name) for field in fields(coefficients)])


def estimate(fills, prior=VAGUE):
    return estimate_impact(fills, prior, VOL_ANNUAL, NOISE_USD)


@pytest.mark.parametrize("seed", range(5))
def test_estimate_impact__many_fills__recovers_what_was_planted(seed):
    found = estimate(fills_of(TRUTH, 2_000, seed))
    errors = numbers(found.standard_errors)
    assert np.all(np.abs(numbers(found.coefficients) - numbers(TRUTH)) < 3.5 * errors)
    assert np.all(errors < [0.1, 0.003, 0.005])
    assert found.fills == 2_000


def test_estimate_impact__standard_errors__are_the_spread_of_estimates():
    scores = np.array(
        [
            (numbers(found.coefficients) - numbers(TRUTH)) / numbers(found.standard_errors)
            for found in (estimate(fills_of(TRUTH, 60, seed)) for seed in range(400))
        ]
    )
    assert np.abs(scores.mean(axis=0)).max() < 0.2
    # Birge's ratio only ever widens, so that errors are a little on the safe side.
    assert np.all((scores.std(axis=0) > 0.85) & (scores.std(axis=0) < 1.05))


def test_estimate_impact__no_noise__is_exact():
    found = estimate(fills_of(TRUTH, 5, 1, noise_scale=0.0))
    assert numbers(found.coefficients) == pytest.approx(numbers(TRUTH), rel=1e-8)


def test_estimate_impact__plain_regression__agrees_where_all_weigh_alike():
    fills = [
        replace(fill, waiting_seconds=10.0, settling_seconds=10.0, arrival_price_usd=3_000.0)
        for fill in fills_of(TRUTH, 80, 3)
    ]
    sizes = np.array([abs(fill.size_delta) for fill in fills])
    signs = np.sign([fill.size_delta for fill in fills])
    first = signs * [fill.execution_price_usd - fill.arrival_price_usd for fill in fills]
    second = signs * [fill.settled_price_usd - fill.execution_price_usd for fill in fills]
    ones, zeros = np.ones_like(sizes), np.zeros_like(sizes)
    design = np.vstack([np.column_stack([ones, sizes, zeros]), np.column_stack([-ones, -sizes, sizes])])
    expected, *_ = np.linalg.lstsq(design, np.concatenate([first, second]), rcond=None)
    assert numbers(estimate(fills).coefficients) == pytest.approx(expected, rel=1e-6)


def test_estimate_impact__no_fills__is_what_quotes_say():
    prior = quoted_prior(QUOTED, 0.5)
    assert estimate([], prior) == prior
    assert prior.coefficients == QUOTED


def test_estimate_impact__more_fills__moves_from_quotes_to_fills():
    prior = quoted_prior(QUOTED, 0.1)
    fills = fills_of(TRUTH, 3_000, 11)
    found = [estimate(fills[:count], prior) for count in (1, 30, 3_000)]
    distances = [abs(each.coefficients.temporary_usd_per_unit - TRUTH.temporary_usd_per_unit) for each in found]
    assert distances == sorted(distances, reverse=True)
    assert found[0].coefficients.temporary_usd_per_unit == pytest.approx(0.2, abs=0.02)
    errors = np.array([numbers(each.standard_errors) for each in found])
    assert np.all(np.diff(errors, axis=0) < 0.0)


def test_estimate_impact__market_wilder_than_its_volatility__trusts_fills_less():
    calm, wild = (estimate(fills_of(TRUTH, 200, 5, noise_scale=scale)) for scale in (1.0, 5.0))
    ratio = numbers(wild.standard_errors) / numbers(calm.standard_errors)
    assert np.all((ratio > 3.5) & (ratio < 6.5))


def test_estimate_impact__buys_and_sales_mirrored__say_the_same():
    fills = fills_of(TRUTH, 40, 7)
    mirrored = [
        replace(
            fill,
            size_delta=-fill.size_delta,
            execution_price_usd=2 * fill.arrival_price_usd - fill.execution_price_usd,
            settled_price_usd=2 * fill.arrival_price_usd - fill.settled_price_usd,
        )
        for fill in fills
    ]
    assert numbers(estimate(mirrored).coefficients) == pytest.approx(numbers(estimate(fills).coefficients), rel=1e-9)


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("size_delta", 0.0),
        ("size_delta", math.nan),
        ("arrival_price_usd", -3_000.0),
        ("execution_price_usd", 0.0),
        ("settled_price_usd", math.inf),
        ("waiting_seconds", -1.0),
        ("settling_seconds", math.nan),
    ],
)
def test_estimate_impact__bad_fill__is_refused_by_row_field_and_number(field, bad):
    fills = fills_of(TRUTH, 3, 1)
    fills[2] = replace(fills[2], **{field: bad})
    with pytest.raises(DataError, match=f"row 2: {field} is {bad:g}"):
        estimate(fills)


@pytest.mark.parametrize(("vol", "noise", "name"), [(0.0, 1.0, "vol_annual"), (0.7, math.nan, "price_noise_usd")])
def test_estimate_impact__bad_scale__is_refused_by_name(vol, noise, name):
    with pytest.raises(DataError, match=f"{name} is"):
        estimate_impact([], VAGUE, vol, noise)


def test_quoted_impact__two_sizes__is_the_line_through_them():
    found = quoted_impact(10.0, 3.0 + 0.2 * 10.0, 3.0 + 0.2 * 5.0)
    assert numbers(found) == pytest.approx([3.0, 0.2, 0.0])


def test_quoted_impact__cheaper_with_size__has_no_impact():
    assert quoted_impact(10.0, 2.0, 3.0).temporary_usd_per_unit == 0.0


def test_quoted_impact__no_size__is_refused():
    with pytest.raises(DataError, match="size is 0"):
        quoted_impact(0.0, 1.0, 1.0)


@pytest.mark.parametrize("quoted", [replace(QUOTED, spread_usd=0.0), replace(QUOTED, temporary_usd_per_unit=0.0)])
def test_quoted_prior__nothing_to_be_sure_of__is_refused(quoted):
    with pytest.raises(DataError, match="a prior needs both above 0"):
        quoted_prior(quoted, 0.5)


def test_impact_coefficients__nan__is_refused_by_name():
    with pytest.raises(DataError, match="permanent_usd_per_unit is nan"):
        replace(QUOTED, permanent_usd_per_unit=math.nan)
