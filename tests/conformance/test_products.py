"""What every product of the registry must do; a new entry is tested unasked."""

from __future__ import annotations

import numpy as np
import pytest

from agent.deploy.book_legs import chain_legs
from agent.domain import Book, HoldingLeg, OptionLeg, Position
from agent.errors import DataError
from agent.files.book_file import load_any_book, load_book
from agent.files.book_kinds import RECORDS
from agent.products.book_value import Market, value_book
from agent.products.greeks import GREEK_NAMES, Greeks
from agent.products.product import Product
from agent.products.registry import KINDS, PRODUCTS
from agent.risk.exposure import book_exposure
from agent.units import SECONDS_PER_YEAR

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


# --- kinds of a book ----------------------------------------------------------------------------------------------

NOW_UNIX = 1_722_470_400  # 2024-08-01T00:00:00Z
EXPIRY_UNIX = 1_730_390_400  # 2024-10-31T16:00:00Z
SPOT_USD = 2_000.0
VERIFIED = [kind for kind, row in KINDS.items() if row.chain_source is not None]
UNVERIFIED = [kind for kind, row in KINDS.items() if row.chain_source is None]


def _written(kind: str, tmp_path):
    """A book of one entry that states the example of its product."""
    product = KINDS[kind].product
    fields = {"quantity": "-3.0"}
    if product.has_right:
        fields["type"] = '"call"' if product.example["is_call"] else '"put"'
    if product.is_dated:
        fields["expiry"] = '"2024-10-31T16:00:00Z"'
    middle = product.example.get("vol_annual")
    for field in product.entry:
        stated = product.example.get(field.term or field.key, middle)
        fields[field.key] = repr(stated / field.scale)
    path = tmp_path / "book.toml"
    lines = "".join(f"{key} = {text}\n" for key, text in fields.items())
    path.write_text(f'[book]\nunderlying = "ETH"\n[[{kind}]]\n{lines}')
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_kind__written_in_a_book__is_worth_its_product(kind, tmp_path) -> None:
    product = KINDS[kind].product
    book = load_any_book(_written(kind, tmp_path), NOW_UNIX)
    (found,) = value_book(book, Market(SPOT_USD, NOW_UNIX, 0.0))
    market = {
        "spot_usd": SPOT_USD,
        "forward_usd": SPOT_USD,
        "rate_annual": 0.0,
        "tau_years": (EXPIRY_UNIX - NOW_UNIX) / SECONDS_PER_YEAR,
        "dividend_annual": 0.0,
        "coin_rate_annual": 0.0,
        "accrued_years": 0.0,
    }
    unit = product.greeks(**{name: market.get(name, number) for name, number in product.example.items()})
    in_usd = SPOT_USD if product.currency == "coin" else 1.0
    assert found.position.kind == kind
    assert found.greeks.value_usd == pytest.approx(-3.0 * in_usd * float(unit.value), rel=1e-12)


def test_kinds__own_records__are_those_with_a_chain_source() -> None:
    assert set(RECORDS) == {OptionLeg.kind, HoldingLeg.kind} == set(VERIFIED)


@pytest.mark.parametrize("kind", VERIFIED)
def test_kind__verified_on_chain__is_in_the_exposure(kind, tmp_path) -> None:
    book = load_book(_written(kind, tmp_path), NOW_UNIX)
    (found,) = value_book(book, Market(SPOT_USD, NOW_UNIX, 0.0))
    exposure = book_exposure(book, SPOT_USD, NOW_UNIX, 0.0)
    assert exposure.book_delta == pytest.approx(found.greeks.delta_underlying, rel=1e-12)
    assert exposure.book_value_usd == pytest.approx(found.greeks.value_usd, rel=1e-12)


@pytest.mark.parametrize("kind", UNVERIFIED)
def test_kind__not_verified_on_chain__is_refused_by_all_who_hedge(kind, tmp_path) -> None:
    path = _written(kind, tmp_path)
    book = load_any_book(path, NOW_UNIX)
    assert all(isinstance(position, Position) for position in book.positions)
    for hedge in (
        lambda: load_book(path, NOW_UNIX),
        lambda: book_exposure(book, SPOT_USD, NOW_UNIX, 0.0),
        lambda: chain_legs(book),
    ):
        with pytest.raises(DataError, match=r"^[^\n]*the keeper cannot hedge an? [^\n]*, only options and holdings"):
            hedge()


def test_exposure__holding_beside_an_unverified_kind__is_refused_whole(tmp_path) -> None:
    book = load_any_book(_written("perp", tmp_path), NOW_UNIX)
    with pytest.raises(DataError, match="cannot hedge a perp"):
        book_exposure(Book("ETH", (HoldingLeg(1.0, "coins"), *book.positions)), SPOT_USD, NOW_UNIX, 0.0)
