"""Landing of a trade that a hard limit forces."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from agent.decision.forced_landing import landing_under_limit


def cost_rate(landing: float, limit: float, fixed_usd: float, per_unit_usd: float) -> float:
    """Trading cost per time, in units of the variance rate."""
    return (fixed_usd + per_unit_usd * (limit - landing)) / (limit**2 - landing**2)


@pytest.mark.parametrize("limit", [0.3, 5.0, 400.0])
@pytest.mark.parametrize("fixed_usd", [0.01, 3.0, 100.0])
@pytest.mark.parametrize("per_unit_usd", [0.5, 4.0, 60.0])
def test_landing_under_limit__any_costs__has_the_least_cost_rate(limit, fixed_usd, per_unit_usd):
    landing = landing_under_limit(limit, fixed_usd, per_unit_usd)
    best = minimize_scalar(
        cost_rate,
        bounds=(0.0, limit * (1 - 1e-9)),
        args=(limit, fixed_usd, per_unit_usd),
        method="bounded",
        options={"xatol": 1e-10 * limit},
    )
    assert 0.0 <= landing < limit
    assert landing == pytest.approx(best.x, rel=1e-3, abs=1e-4 * limit)
    assert cost_rate(landing, limit, fixed_usd, per_unit_usd) <= best.fun * (1 + 1e-12)


def test_landing_under_limit__simulated_cycles__cost_rate_agrees():
    limit, fixed_usd, per_unit_usd = 5.0, 100.0, 4.0
    generator = np.random.default_rng(7)
    step = 0.05
    landing = landing_under_limit(limit, fixed_usd, per_unit_usd)
    position = np.full(4_000, landing)
    steps = np.zeros(4_000)
    alive = np.ones(4_000, dtype=bool)
    while alive.any():
        position[alive] += step * generator.standard_normal(int(alive.sum()))
        steps[alive] += 1
        alive &= np.abs(position) < limit
    # Seen once a step, the limit lies 0.5826 steps farther out (Broadie, Glasserman and Kou 1997).
    seen = limit + 0.5826 * step
    expected = (seen**2 - landing**2) / step**2
    standard_error = steps.std() / np.sqrt(steps.size)
    assert abs(steps.mean() - expected) < 4 * standard_error


@pytest.mark.parametrize(
    ("fixed_usd", "per_unit_usd", "expected"), [(0.0, 4.0, 5.0), (100.0, 0.0, 0.0), (0.0, 0.0, 0.0)]
)
def test_landing_under_limit__one_kind_of_cost__pushes_back_least_or_goes_to_neutral(fixed_usd, per_unit_usd, expected):
    assert landing_under_limit(5.0, fixed_usd, per_unit_usd) == expected


def test_landing_under_limit__no_room__is_neutral():
    assert landing_under_limit(0.0, 100.0, 4.0) == 0.0


def test_landing_under_limit__dearer_trades__land_farther_in():
    landings = [landing_under_limit(5.0, fixed_usd, 4.0) for fixed_usd in (0.0, 1.0, 10.0, 100.0, 1e9)]
    assert landings == sorted(landings, reverse=True)
    assert landings[-1] == pytest.approx(5.0**2 / (2 * 1e9 / 4.0), rel=1e-6)
