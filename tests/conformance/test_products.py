"""What every product of the registry must do; a new entry is tested unasked."""

from __future__ import annotations

import numpy as np
import pytest

from agent.errors import DataError
from agent.products.greeks import GREEK_NAMES, Greeks
from agent.products.registry import PRODUCTS, Product

BUMP_RATIO = 1e-5
"""Central differences of this relative bump are exact to about 1e-9 of the function's scale."""

IN_PRICE = {"delta": "value", "gamma": "delta", "speed": "gamma"}
IN_VOL = {"vega": "value", "vanna": "delta", "volga": "vega", "zomma": "gamma"}
IN_TIME = {"theta": "value", "charm": "delta", "color": "gamma"}
IN_RATE = {"rho": "value"}

NAMES = sorted(PRODUCTS)


def _rows(product: Product) -> dict[str, np.ndarray]:
    """Nine rows around the example: the price from 0.9 to 1.1 of it, the other numbers scaled a little."""
    scales = np.linspace(0.9, 1.1, 9)
    fields: dict[str, np.ndarray] = {}
    for index, (name, number) in enumerate(product.example.items()):
        if isinstance(number, bool):
            fields[name] = np.arange(9) % 2 == 0
        else:
            fields[name] = number * (
                scales if name == product.price_field else 1.0 + 0.01 * ((index + np.arange(9)) % 3)
            )
    return fields


def _step(product: Product, names: tuple[str, ...]) -> np.ndarray:
    return BUMP_RATIO * np.abs(_rows(product)[names[0]])


def _slope(product: Product, names: tuple[str, ...], output: str) -> np.ndarray:
    rows, step = _rows(product), _step(product, names)
    up = getattr(product.greeks(**rows | {name: rows[name] + step for name in names}), output)
    down = getattr(product.greeks(**rows | {name: rows[name] - step for name in names}), output)
    return (up - down) / (2.0 * step)


def _assert_slope(product: Product, names: tuple[str, ...], sign: float, pairs: dict[str, str]) -> None:
    greeks = product.greeks(**_rows(product))
    for greek, output in pairs.items():
        analytic = getattr(greeks, greek)
        if not names:
            assert np.all(analytic == 0.0), f"{greek} without the field that drives it"
            continue
        rounding = 1e-15 * np.abs(getattr(greeks, output)).max() / _step(product, names).min()
        tolerance = 1e-7 * np.abs(analytic).max() + rounding
        difference = sign * _slope(product, names, output)
        np.testing.assert_allclose(analytic, difference, rtol=0.0, atol=tolerance, err_msg=greek)


@pytest.mark.parametrize("name", NAMES)
def test_product__bumped_price__agrees_with_delta_gamma_and_speed(name: str) -> None:
    _assert_slope(PRODUCTS[name], (PRODUCTS[name].price_field,), 1.0, IN_PRICE)


@pytest.mark.parametrize("name", NAMES)
def test_product__bumped_vol__agrees_with_vega_vanna_volga_and_zomma(name: str) -> None:
    _assert_slope(PRODUCTS[name], PRODUCTS[name].vol_fields, 1.0, IN_VOL)


@pytest.mark.parametrize("name", NAMES)
def test_product__bumped_time__agrees_with_theta_charm_and_color(name: str) -> None:
    product = PRODUCTS[name]
    if product.time_left_field:
        _assert_slope(product, (product.time_left_field,), -1.0, IN_TIME)
    else:
        _assert_slope(product, (product.time_past_field,) if product.time_past_field else (), 1.0, IN_TIME)


@pytest.mark.parametrize("name", NAMES)
def test_product__bumped_rate__agrees_with_rho(name: str) -> None:
    product = PRODUCTS[name]
    _assert_slope(product, (product.rate_field,) if product.rate_field else (), 1.0, IN_RATE)


@pytest.mark.parametrize("name", NAMES)
def test_product__scalars_and_arrays__agree_row_by_row(name: str) -> None:
    product = PRODUCTS[name]
    rows = _rows(product)
    together = product.greeks(**rows)
    for row in range(9):
        alone = product.greeks(**{field: column[row] for field, column in rows.items()})
        for greek in GREEK_NAMES:
            assert getattr(alone, greek).shape == ()
            assert getattr(alone, greek) == pytest.approx(getattr(together, greek)[row], rel=1e-14, abs=1e-300)


@pytest.mark.parametrize("name", NAMES)
def test_product__column_of_prices__broadcasts_against_a_row_of_the_rest(name: str) -> None:
    product = PRODUCTS[name]
    rows = _rows(product)
    prices = rows[product.price_field].reshape(9, 1)
    others = {field: column[:3].reshape(1, 3) for field, column in rows.items() if field != product.price_field}
    grid = product.greeks(**others, **{product.price_field: prices})
    width = 3 if others else 1
    for row in range(9):
        for column in range(width):
            one = product.greeks(
                **{field: value[0, column] for field, value in others.items()},
                **{product.price_field: prices[row, 0]},
            )
            for greek in GREEK_NAMES:
                cell = getattr(grid, greek)
                assert cell.shape == (9, width)
                assert cell[row, column] == pytest.approx(getattr(one, greek), rel=1e-14, abs=1e-300)


@pytest.mark.parametrize("name", NAMES)
def test_product__no_rows__returns_empty_arrays(name: str) -> None:
    product = PRODUCTS[name]
    empty = product.greeks(**{field: column[:0] for field, column in _rows(product).items()})
    assert all(getattr(empty, greek).shape == (0,) for greek in GREEK_NAMES)


def _assert_names_row(product: Product, field: str, bad: float) -> None:
    rows = _rows(product)
    rows[field] = rows[field].copy()
    rows[field][4] = bad
    with pytest.raises(DataError, match=rf"^row 4: .*{field}\)?( \* time.*)? (is )?{bad}"):
        product.greeks(**rows)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_product__number_not_finite__is_refused_by_row_field_and_value(name: str, bad: float) -> None:
    product = PRODUCTS[name]
    for field, number in product.example.items():
        if not isinstance(number, bool):
            _assert_names_row(product, field, bad)


@pytest.mark.parametrize("name", NAMES)
def test_product__negative_number__is_refused_except_for_rates(name: str) -> None:
    product = PRODUCTS[name]
    for field, number in product.example.items():
        if not isinstance(number, bool) and not field.endswith("rate_annual") and field != "dividend_annual":
            _assert_names_row(product, field, -1.0)


@pytest.mark.parametrize("name", NAMES)
def test_product__field_not_numeric__is_refused_by_name(name: str) -> None:
    product = PRODUCTS[name]
    with pytest.raises(DataError, match=f"{product.price_field} is not numeric"):
        product.greeks(**product.example | {product.price_field: "cheap"})


@pytest.mark.parametrize("name", NAMES)
def test_product__readonly_and_strided_input__is_neither_changed_nor_refused(name: str) -> None:
    product = PRODUCTS[name]
    rows = _rows(product)
    expected = product.greeks(**rows)
    strided = {}
    for field, column in rows.items():
        wide = np.repeat(column, 2)
        wide.flags.writeable = False
        strided[field] = wide[::2]
    again = product.greeks(**strided)
    assert isinstance(again, Greeks)
    for greek in GREEK_NAMES:
        np.testing.assert_array_equal(getattr(again, greek), getattr(expected, greek))
