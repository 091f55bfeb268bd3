"""The constants of ``NormalCdf.sol`` are the ones derived, and their integer arithmetic keeps the error it claims."""

from __future__ import annotations

import re
from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy.special import ndtr

from benchmarks.derive_normal_cdf import ARGUMENT_BITS, LIMIT, Fit, fit, solidity_constants, upper_tail

CLAIMED_ERROR = 4.8e-11
ONE_X52 = 1 << 52
ONE_X40 = 1 << ARGUMENT_BITS


@pytest.fixture(scope="module")
def derived() -> Fit:
    return fit()


@pytest.fixture(scope="module")
def library(repository) -> dict[str, int]:
    source = (repository / "contracts" / "libraries" / "NormalCdf.sol").read_text(encoding="utf-8")
    found = re.findall(r"constant (C\d+) = (-?[\d_]+)(?: << (\d+))?;", source)
    return {name: int(number) << int(shift or 0) for name, number, shift in found}


def tail(constants: dict[str, int], x: int) -> int:
    """Upper tail at 2^52 to the unit, step by step as the library computes it."""
    p = constants["C10"]
    for k in range(9, 4, -1):
        p = p * x + constants[f"C{k}"]
    p >>= 210
    for k in range(4, -1, -1):
        p = p * x + constants[f"C{k}"]
        assert abs(p) < 1 << 255
    p = (p >> 190) ** 4 >> 190
    assert p**4 < 1 << 255
    return (1 << 251) // p**4


def test_upper_tail__known_points__match_scipy() -> None:
    with localcontext() as context:
        context.prec = 60
        for x in (0.0, 0.1, 1.0, 2.5, 5.0, 7.0):
            assert float(upper_tail(Decimal(x))) == pytest.approx(ndtr(-x), rel=1e-13)


def test_fit__minimax__has_the_error_claimed(derived: Fit) -> None:
    assert 4.7e-11 < float(derived.max_error) < CLAIMED_ERROR


def test_solidity_constants__library__are_the_derived_ones(derived: Fit, library: dict[str, int]) -> None:
    assert library == solidity_constants(derived.coefficients) | {"C0": 1 << 250}


def test_integer_tail__whole_range__stays_below_the_claimed_error(library: dict[str, int]) -> None:
    """Between the grid's points the error grows by its slope at most, for which twice the steepest found is allowed."""
    arguments = np.linspace(0, LIMIT * ONE_X40, 56_001).astype(np.int64)
    found = np.array([tail(library, int(x)) for x in arguments]) / ONE_X52
    error = found - ndtr(-arguments / ONE_X40)
    steepest_by_half_a_step = np.abs(np.diff(error)).max() / 2
    assert np.abs(error).max() + 2 * steepest_by_half_a_step < CLAIMED_ERROR


def test_integer_tail__zero_and_limit__are_half_and_small(library: dict[str, int]) -> None:
    assert tail(library, 0) == ONE_X52 // 2
    assert tail(library, LIMIT * ONE_X40) / ONE_X52 < 2e-12
