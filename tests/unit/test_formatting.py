"""How many digits a number shows: enough to tell it, none that are noise, and never 0 for what is not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.formatting import compact, delta_text, figure, signed_delta, usd_text


@pytest.mark.parametrize(
    ("number", "decimals", "expected"),
    [
        (3_232.74, 2, "3,232.74"),
        (100_000.0, 2, "100,000.00"),
        (0.0424, 4, "0.0424"),
        (-0.00261, 4, "-0.00261"),
        (3.6e-5, 4, "0.000036"),
        (0.00001234, 2, "0.00001234"),
        (1e-9, 2, "1e-9"),
        (1.23456e-12, 2, "1.235e-12"),
        (1e12, 4, "1,000,000,000,000"),
        (1e18, 2, "1e18"),
        (123_456.789, 4, "123,456.789"),
        (0.0, 4, "0.0000"),
        (-0.0, 2, "0.00"),
        (5.0, 0, "5"),
        (5.21, 0, "5.21"),
        (0.99996, 2, "1.00"),
        (9.9999e-5, 4, "0.0001"),
        (math.nan, 2, "n/a"),
        (-math.inf, 2, "-infinite"),
    ],
)
def test_figure__size_of_a_number__digits_by_its_size(number, decimals, expected):
    assert figure(number, decimals) == expected


@given(st.floats(-1e300, 1e300), st.integers(0, 6))
def test_figure__any_number__near_it_and_never_0_or_minus_0(number, decimals):
    for text in (figure(number, decimals), compact(number, decimals)):
        read = float(text.replace(",", ""))
        if number == 0.0:
            assert read == 0.0
        elif abs(number) > 1e-300:
            assert read != 0.0
            assert math.copysign(1.0, read) == math.copysign(1.0, number)
            assert abs(read / number - 1.0) < 0.51
        assert not (text.startswith("-") and read == 0.0)


@given(st.floats(1e-12, 1e12))
def test_figure__positive_number__three_significant_digits_at_least(number):
    assert float(figure(number, 2).replace(",", "")) == pytest.approx(number, rel=0.006)


@pytest.mark.parametrize(
    ("number", "decimals", "expected"),
    [
        (12_157.07, 2, "12,157"),
        (1_122.57, 2, "1,122.6"),
        (0.0123, 2, "0.012"),
        (0.0085, 3, "0.0085"),
        (2.8e-4, 4, "2.8e-4"),
        (3.61e-5, 2, "3.6e-5"),
        (-4e-123, 2, "-4e-123"),
        (0.0, 3, "0.000"),
        (1e15, 2, "1e15"),
    ],
)
def test_compact__narrow_column__few_characters(number, decimals, expected):
    assert compact(number, decimals) == expected


def test_formatting__deltas_and_sums__keep_their_usual_look():
    assert delta_text(14.649) == "14.6490"
    assert signed_delta(14.649) == "+14.6490"
    assert signed_delta(-0.00012) == "-0.00012"
    assert signed_delta(0.0) == "0.0000"
    assert usd_text(1_234.5) == "1,234"
    assert usd_text(0.004, 2) == "0.004"
    assert usd_text(0.57, 2) == "0.57"
