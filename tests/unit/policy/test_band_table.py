"""The shipped table: derived again, read between its nodes and beyond them, and judged against fresh solutions."""

from __future__ import annotations

import importlib.util
import itertools
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import FatalError
from agent.policy import band_table as module
from agent.policy.band_solver import BandProblem, Criterion
from agent.policy.band_table import (
    BAND_SIZES,
    COST_WEIGHTS,
    FIXED_WEIGHTS,
    MONEYNESS,
    SHAPE,
    STDEVS,
    BandPlace,
    band_table,
    band_unit,
    least_cost_ratio,
    narrowed,
    tabulate,
)
from benchmarks.band_table import gas_problems, loss, losses_from, random_problems
from benchmarks.derive_band_table import LARGEST_STORED, MOST_STEPS, STEPS_PER_BAND

TABLES = list(itertools.product(Criterion, (True, False)))
each_table = pytest.mark.parametrize(("criterion", "is_short"), TABLES)
NODES = [
    (1e-3, 0.4, 0.3, 0.3),
    (1e-2, 10.0, 3.0, 0.3),
    (1e-1, 0.1, 0.0, 1.0),
    (1.0, 2.0, 10.0, 0.05),
    (10.0, 40.0, 0.05, 0.3),
]


def stored(criterion: Criterion, is_short: bool, node: tuple[float, ...]) -> np.ndarray:
    axes = (BAND_SIZES, COST_WEIGHTS, FIXED_WEIGHTS, STDEVS)
    return band_table(criterion, is_short=is_short).edges[tuple(a.index(x) for a, x in zip(axes, node, strict=True))]


# --- where it comes from ------------------------------------------------------------------------------------------


@each_table
@pytest.mark.parametrize("node", NODES)
def test_table__some_nodes_derived_again__are_what_ships(criterion, is_short, node):
    place = BandPlace(*node, moneyness=0.0)
    derived = tabulate(place, criterion, is_short=is_short, steps_per_band=STEPS_PER_BAND, most_steps=MOST_STEPS)
    shown = np.clip(derived, -LARGEST_STORED, LARGEST_STORED)
    np.testing.assert_allclose(stored(criterion, is_short, node), shown, rtol=1e-3, atol=1e-3)


@each_table
def test_table__every_node__is_a_band(criterion, is_short):
    edges = band_table(criterion, is_short=is_short).edges
    assert edges.shape == SHAPE
    assert np.all(np.isfinite(edges))
    assert np.all(np.diff(edges, axis=-1) >= 0.0)


def test_table__module_imported__is_not_read_until_it_is_asked():
    spec = importlib.util.spec_from_file_location("band_table_read_afresh", module.__file__)
    fresh = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = fresh
    try:
        spec.loader.exec_module(fresh)
        assert fresh.band_table.cache_info().misses == 0
        first = fresh.band_table(Criterion.VARIANCE, is_short=True)
        assert fresh.band_table(Criterion.VARIANCE, is_short=True) is first
        assert fresh.band_table.cache_info().misses == 1
    finally:
        del sys.modules[spec.name]


def test_table__axes_that_are_not_the_files__halt_rather_than_misread(monkeypatch):
    monkeypatch.setattr(module, "SHAPE", (6, 6, 8, 3, 25, 4))
    with pytest.raises(FatalError, match="derive_band_table"):
        band_table.__wrapped__(Criterion.VARIANCE, is_short=True)


# --- reading it ---------------------------------------------------------------------------------------------------


@each_table
@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("column", [0, 9, 24])
def test_at__a_node__is_what_is_stored(criterion, is_short, node, column):
    found = band_table(criterion, is_short=is_short).at(BandPlace(*node, moneyness=MONEYNESS[column]))
    np.testing.assert_allclose(found, stored(criterion, is_short, node)[column], rtol=1e-9, atol=1e-9)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    size=st.floats(0.0, 1e6), weight=st.floats(0.0, 1e6), fixed=st.floats(0.0, 1e30), stdev=st.floats(1e-6, 10.0),
    moneyness=st.floats(-50.0, 50.0), table=st.sampled_from(TABLES),
)  # fmt: skip
def test_at__any_place__is_a_band(size, weight, fixed, stdev, moneyness, table):
    found = band_table(table[0], is_short=table[1]).at(BandPlace(size, weight, fixed, stdev, moneyness))
    assert np.all(np.isfinite(found))
    assert np.all(np.diff(found) >= -1e-12)


@pytest.mark.parametrize(
    ("inside", "beyond"),
    [
        (BandPlace(1e-4, 0.4, 0.3, 0.3, 0.5), BandPlace(1e-9, 0.4, 0.3, 0.3, 0.5)),
        (BandPlace(10.0, 0.4, 0.3, 0.3, 0.5), BandPlace(1e4, 0.4, 0.3, 0.3, 0.5)),
        (BandPlace(0.1, 40.0, 0.3, 0.3, 0.5), BandPlace(0.1, 900.0, 0.3, 0.3, 0.5)),
        (BandPlace(0.1, 0.4, 40.0, 0.3, 0.5), BandPlace(0.1, 0.4, 1e9, 0.3, 0.5)),
        (BandPlace(0.1, 0.4, 0.3, 1.0, 0.5), BandPlace(0.1, 0.4, 0.3, 4.0, 0.5)),
        (BandPlace(0.1, 0.4, 0.3, 0.3, -3.0), BandPlace(0.1, 0.4, 0.3, 0.3, -9.0)),
    ],
)
def test_at__beyond_an_axis__is_its_end(inside, beyond):
    table = band_table(Criterion.EXPONENTIAL, is_short=True)
    np.testing.assert_array_equal(table.at(beyond), table.at(inside))


@pytest.mark.parametrize(
    ("place", "further"),
    [
        (BandPlace(1e-4, 0.4, 0.3, 0.3, 1.0), 1.0),
        (BandPlace(1e-2, 0.4, 0.3, 0.3, 1.0), 1.0),
        (BandPlace(1e-4 / 64.0, 0.4, 0.3, 0.3, 1.0), 2.0),
        (BandPlace(1e-4 / 64.0, 0.01 / 2.25, 0.3, 0.3, 1.0), 4.0 / 3.0),
        (BandPlace(1e-4 / 64.0, 1e-5, 0.3, 0.3, 1.0), 1.0),
    ],
)
def test_narrowed__narrower_than_the_table__moves_the_middle_alone(place, further):
    edges = np.array([-1.0, -0.1, 0.3, 1.4])
    np.testing.assert_allclose(narrowed(edges, place), edges + (further - 1.0) * 0.2, rtol=0.0, atol=1e-12)


@each_table
def test_at__small_costs__are_whalley_and_wilmotts_edges(criterion, is_short):
    found = band_table(criterion, is_short=is_short).at(BandPlace(1e-4, 0.01, 0.0, 0.3, 0.0))
    np.testing.assert_allclose(found, [-1.0, -1.0, 1.0, 1.0], atol=0.12)


def test_band_place__problem_in_the_solvers_units__is_where_its_three_ratios_say():
    place = BandPlace.of(0.004, 0.0002, 80.0, 0.05, 0.7)
    typical = (1.5 / (2.0 * math.pi) * place.band_size) ** (1.0 / 3.0)
    assert place.band_size == pytest.approx(0.004 / (80.0 * 0.05))
    assert place.cost_weight == pytest.approx(0.32)
    assert place.fixed_weight == pytest.approx(0.0002 / (0.004 * typical))
    assert (place.stdev, place.moneyness) == (pytest.approx(math.sqrt(0.05)), 0.7)


@pytest.mark.parametrize(("fixed", "aversion", "variance"), [(1e-4, 100.0, 0.06), (1e-2, 3.0, 0.3)])
def test_least_cost_ratio__gas_alone__is_placed_at_the_end_of_the_axis(fixed, aversion, variance):
    least = least_cost_ratio(fixed, aversion, variance)
    assert BandPlace.of(least, fixed, aversion, variance, 0.0).fixed_weight == pytest.approx(FIXED_WEIGHTS[-1])
    assert least_cost_ratio(0.0, aversion, variance) == 0.0


def test_band_unit__gamma_gone__is_the_static_band():
    unit = band_unit(0.0, 1.1, 0.01, 0.001, 20.0, 0.04)
    static = 0.01 * 1.1 / (20.0 * 0.04 * 1.1**2) + math.sqrt(2.0 * 0.001 / (20.0 * 0.04 * 1.1**2))
    assert unit == pytest.approx(static, rel=1e-12)


# --- what it gives up ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("criterion", list(Criterion))
def test_table__random_problems_between_its_nodes__gives_up_little_of_the_objective(criterion):
    cheap = [problem for problem in random_problems(criterion, 12, seed=3) if problem.steps <= 500]
    losses = [loss(problem) for problem in cheap]
    assert len(losses) >= 4
    assert max(losses) < 0.025
    assert min(losses) > -0.005
    assert np.median(losses) < 0.015


@pytest.mark.parametrize("criterion", list(Criterion))
def test_table__gas_alone__gives_up_little_of_the_objective(criterion):
    assert max(loss(problem) for problem in gas_problems(criterion)) < 0.04


@pytest.mark.parametrize(
    ("problem", "most"),
    [
        (BandProblem(0.01, 0.0001, 500.0, 0.05, True, 300, Criterion.EXPONENTIAL), 0.05),
        (BandProblem(0.0057, 0.00047, 7.83, 0.0038, True, 150, Criterion.EXPONENTIAL), 0.035),
        (BandProblem(0.0057, 0.00047, 7.83, 0.0038, False, 150, Criterion.VARIANCE), 0.035),
    ],
)
def test_table__edges_far_from_the_delta__are_tabulated_where_they_lie(problem, most):
    """Read as never reached, because the solver had not looked there, they spoilt all that is interpolated nearby."""
    assert loss(problem) < most


@pytest.mark.parametrize(
    "problem",
    [
        BandProblem(0.0132, 0.000032, 76.7, 0.354, False, 418, Criterion.VARIANCE),
        BandProblem(0.003, 0.0000013, 193.0, 0.0635, False, 663, Criterion.EXPONENTIAL),
    ],
)
def test_table__small_gas_and_rare_looks__gives_up_little(problem):
    """The inner edges come along with the outer ones: left where they are, 3 % were lost."""
    assert loss(problem) < 0.015


@pytest.mark.parametrize("is_short", [True, False])
@pytest.mark.parametrize(("gas_weight", "cost_weight", "stdev"), [(0.1, 0.1, 0.2), (0.05, 0.05, 0.4)])
def test_table__narrower_than_its_nodes_off_the_strike__gives_up_little(is_short, gas_weight, cost_weight, stdev):
    """The table's end alone gave up 6.0 and 6.6 % of a long option, 2.3 and 3.2 % of a short one."""
    aversion = cost_weight / 4e-4
    problem = BandProblem(4e-4, gas_weight / aversion, aversion, stdev**2, is_short, 800, Criterion.EXPONENTIAL)
    assert max(losses_from((-1.5, -1.0, 0.0, 1.0, 1.5), problem)) < (0.018 if is_short else 0.05)
