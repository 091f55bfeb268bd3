"""The elementary functions against 130-digit decimals."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import pytest

from agent.numerics.vector_math import (
    _MILLS_CENTRE,
    MILLS_LOWEST,
    _log_series,
    _mills_series,
    exp,
    log,
    log_ratio,
    mills_pair,
)
from benchmarks.derive_mills import CONTEXT, derive_exp, derive_log, derive_mills, mills, mills_centre

ULP = Decimal(2) ** -52


def _horner_constants(function: Callable[..., object], accumulator: str) -> list[float]:
    """Coefficients written out in a kernel, lowest power first."""
    source = inspect.getsource(function.py_func)
    first = re.search(rf"^ +{accumulator}(?:, slope)? = ([-\d.e]+)", source, re.MULTILINE)
    rest = re.findall(rf"{accumulator} \* \w+ ([+-]) ([\d.]+(?:e-?\d+)?)", source)
    return [float(first.group(1)), *(float(sign + number) for sign, number in rest)][::-1]


@pytest.mark.parametrize(
    ("function", "accumulator", "derive"),
    [(exp, "p", derive_exp), (_log_series, "p", derive_log), (_mills_series, "near", derive_mills)],
)
def test_constants__written_in_the_kernel__are_the_derived_ones(
    function: Callable[..., object], accumulator: str, derive: Callable[[], list[float]]
) -> None:
    with localcontext(CONTEXT):
        assert _horner_constants(function, accumulator) == derive()


def test_mills_centre__written_in_the_kernel__is_the_derived_one() -> None:
    with localcontext(CONTEXT):
        assert mills_centre() == _MILLS_CENTRE


def _worst_ulps(computed: list[float], exact: list[Decimal]) -> float:
    with localcontext(CONTEXT):
        pairs = zip(computed, exact, strict=True)
        return max(float(abs(Decimal(number) - truth) / abs(truth) / ULP) for number, truth in pairs)


def _exact(function: Callable[[Decimal], Decimal], arguments: np.ndarray) -> list[Decimal]:
    with localcontext(CONTEXT):
        return [function(Decimal(float(x))) for x in arguments]


def test_exp__whole_range__is_within_one_ulp() -> None:
    arguments = np.random.default_rng(1).uniform(-708.0, 709.0, 3000)
    assert _worst_ulps([exp(x) for x in arguments], _exact(Decimal.exp, arguments)) <= 1.1


def test_exp__beyond_range__is_cut_to_its_ends() -> None:
    assert exp(-1e300) == exp(-708.0) > 0.0
    assert exp(1e300) == exp(709.0) < np.inf


def test_log__whole_range__is_within_its_stated_error() -> None:
    rng = np.random.default_rng(2)
    arguments = np.concatenate([10.0 ** rng.uniform(-300, 300, 1500), rng.uniform(0.5, 2.0, 1500)])
    assert _worst_ulps([log(x) for x in arguments], _exact(Decimal.ln, arguments)) <= 1.2


def test_log__one__is_zero() -> None:
    assert log(1.0) == 0.0


@pytest.mark.parametrize("spread", [1e-15, 1e-9, 1e-3, 0.5, 3.0, 200.0])
def test_log_ratio__close_and_far_pairs__is_within_two_ulps_of_the_exact_logarithm(spread: float) -> None:
    rng = np.random.default_rng(3)
    a = 10.0 ** rng.uniform(-10, 10, 500)
    b = a * np.exp(rng.uniform(-spread, spread, 500))
    distinct = a != b
    with localcontext(CONTEXT):
        exact = [
            (Decimal(x) / Decimal(y)).ln() for x, y in zip(a[distinct].tolist(), b[distinct].tolist(), strict=True)
        ]
    assert _worst_ulps([log_ratio(x, y) for x, y in zip(a[distinct], b[distinct], strict=True)], exact) <= 2.0


def _pairs(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    low = np.concatenate([rng.uniform(MILLS_LOWEST, 1.0, 700), rng.uniform(0.0, 8.0, 700), rng.uniform(0.0, 53.0, 300)])
    width = np.minimum(10.0 ** rng.uniform(-12, 1, low.size), 55.0 - low)
    return low, low + width, width


def test_mills_pair__whole_range__has_both_ratios_within_their_stated_errors() -> None:
    low, high, width = _pairs(4)
    near, far, _ = zip(*(mills_pair(*row) for row in zip(low, high, width, strict=True)), strict=True)
    assert _worst_ulps(list(near), _exact(mills, low)) <= 4.0
    assert _worst_ulps(list(far), _exact(mills, high)) <= 5.0


def test_mills_pair__nearly_equal_arguments__keeps_all_digits_of_the_difference() -> None:
    low, _, width = _pairs(5)
    with localcontext(CONTEXT):
        exact = [
            mills(Decimal(x)) - mills(Decimal(x) + Decimal(w))
            for x, w in zip(low.tolist(), width.tolist(), strict=True)
        ]
    gaps = [mills_pair(x, x + w, w)[2] for x, w in zip(low, width, strict=True)]
    assert _worst_ulps(gaps, exact) <= 8.0
