"""Regimes: a simulated chain found again, the filter against `statsmodels`, no look-ahead, bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

from agent.errors import DataError
from agent.vol.regime import RegimeModel, filter_regimes, fit_regimes

CALM, STORM = 0.01, 0.04
TRANSITION = np.array([[0.98, 0.02], [0.08, 0.92]])


def simulate(size, seed):
    rng = np.random.default_rng(seed)
    regimes, regime = np.empty(size, dtype=int), 0
    for bar in range(size):
        regime = int(rng.random() < TRANSITION[regime, 1])
        regimes[bar] = regime
    return np.where(regimes == 1, STORM, CALM) * rng.standard_normal(size), regimes


@pytest.fixture(scope="module")
def sample():
    return simulate(1500, seed=6)


@pytest.fixture(scope="module")
def model(sample):
    return fit_regimes(sample[0])


def test_fit_regimes__simulated_chain__finds_vols_and_transitions(model):
    np.testing.assert_allclose(model.vol_annual(1.0), [CALM, STORM], rtol=0.1)
    np.testing.assert_allclose(np.diagonal(model.transition), np.diagonal(TRANSITION), atol=0.03)
    np.testing.assert_allclose(model.transition.sum(axis=1), 1.0, atol=1e-12)
    assert abs(model.mean_per_bar) < 1e-3


def test_fit_regimes__order__calmest_first_whatever_the_seed():
    for seed in (1, 2):
        variance = fit_regimes(simulate(400, seed)[0]).variance_per_bar
        assert variance[0] < variance[1]


def test_regime_model__durations_and_stationary_shares__by_hand():
    model = RegimeModel(0.0, np.array([1e-4, 1.6e-3]), TRANSITION, 0.0)
    np.testing.assert_allclose(model.expected_duration_bars, [50.0, 12.5])
    np.testing.assert_allclose(model.stationary_probabilities, [0.8, 0.2], atol=1e-12)
    np.testing.assert_allclose(model.vol_annual(365.0), np.sqrt([365e-4, 365 * 1.6e-3]))


def test_filter_regimes__two_bars__by_hand():
    model = RegimeModel(0.0, np.array([1e-4, 1.6e-3]), TRANSITION, 0.0)

    def density(r, vol):
        return math.exp(-0.5 * (r / vol) ** 2) / vol

    path = filter_regimes(model, [0.005, 0.05])
    joint = np.array([0.8 * density(0.005, CALM), 0.2 * density(0.005, STORM)])
    first = joint / joint.sum()
    predicted = first @ TRANSITION
    joint = predicted * [density(0.05, CALM), density(0.05, STORM)]
    second = joint / joint.sum()
    np.testing.assert_allclose(path.filtered, [first, second], rtol=1e-12)
    np.testing.assert_allclose(path.next_probabilities, second @ TRANSITION, rtol=1e-12)
    assert path.next_variance_per_bar == pytest.approx(second @ TRANSITION @ [1e-4, 1.6e-3], rel=1e-12)
    assert path.most_likely == 1


def test_filter_regimes__fitted_sample__equals_statsmodels(sample, model):
    reference = MarkovRegression(
        sample[0] * 100.0, k_regimes=2, trend="c", switching_trend=False, switching_variance=True
    )
    parameters = [
        *(model.transition[0, 0], model.transition[1, 0], model.mean_per_bar * 100.0),
        *(model.variance_per_bar * 1e4),
    ]
    theirs = reference.filter(parameters)
    path = filter_regimes(model, sample[0])
    np.testing.assert_allclose(path.filtered, theirs.filtered_marginal_probabilities, atol=1e-9)
    assert theirs.llf == pytest.approx(model.log_likelihood, rel=1e-9)


def test_filter_regimes__simulated_chain__tells_the_storm(sample, model):
    guess = filter_regimes(model, sample[0]).filtered[:, 1] > 0.5
    assert np.mean(guess == (sample[1] == 1)) > 0.93


def test_filter_regimes__later_bars_changed__earlier_answers_stay(sample, model):
    returns = sample[0][:200].copy()
    before = filter_regimes(model, returns).filtered
    returns[150:] = 0.2
    after = filter_regimes(model, returns).filtered
    np.testing.assert_array_equal(before[:150], after[:150])
    assert after[150, 1] > 0.99


def test_filter_regimes__in_two_parts__same_as_in_one(sample, model):
    whole = filter_regimes(model, sample[0][:100])
    first = filter_regimes(model, sample[0][:60])
    second = filter_regimes(model, sample[0][60:100], first.next_probabilities)
    np.testing.assert_allclose(second.filtered, whole.filtered[60:], rtol=1e-12)


def test_filter_regimes__return_of_fifty_deviations__no_underflow(model):
    path = filter_regimes(model, [0.0, 2.0, 0.0])
    assert np.isfinite(path.filtered).all()
    assert path.filtered[1, 1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("returns", "regimes", "message"),
    [
        (np.zeros(200), 2, "do not vary"),
        (np.full(200, 0.013), 2, "do not vary"),
        (np.zeros(50), 2, "has 50 rows; expected at least 100"),
        (np.append(np.ones(150), np.nan), 2, "row 150: log_returns is nan"),
        (np.arange(200.0), 1, "regimes is 1"),
    ],
)
def test_fit_regimes__bad_input__named(returns, regimes, message):
    with pytest.raises(DataError, match=message):
        fit_regimes(returns, regimes)


@pytest.mark.parametrize("start", [[0.5], [0.7, 0.7], [-0.5, 1.5], [math.nan, 1.0]])
def test_filter_regimes__bad_probabilities__refused(model, start):
    with pytest.raises(DataError, match="start_probabilities are"):
        filter_regimes(model, [0.0], start)
