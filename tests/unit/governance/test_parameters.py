"""Governed parameters: names of the configuration, hard limits of the contracts, exact numbers, one line a refusal."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from agent.domain import Bounds
from agent.errors import DataError
from agent.governance.parameters import (
    BOUNDS,
    DEPOSIT_CAP,
    PARAMETERS,
    PRICE_LIMITS,
    Tighter,
    find_parameter,
    require_consistent,
)
from agent.settings.contracts import BoundsSettings, OracleSettings
from tests.support.governance import desk

NO_LOOSER = re.compile(r'_(notAbove|notBelow|requireNotAbove|requireNotBelow)\("(\w+)", next')


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def directions(source: str) -> dict[str, Tighter]:
    found: dict[str, set[str]] = {}
    for way, name in NO_LOOSER.findall(source):
        found.setdefault(name, set()).add(way.lower())
    one_way = {True: Tighter.LOWER, False: Tighter.HIGHER}
    return {
        name: Tighter.NEITHER if len(ways) == 2 else one_way["above" in next(iter(ways))]
        for name, ways in found.items()
    }


def test_bounds__order_and_names__are_those_of_struct_and_configuration():
    assert [one.name for one in BOUNDS] == list(BoundsSettings.model_fields)
    assert len(BOUNDS) == len(fields(Bounds))
    assert [one.name for one in PRICE_LIMITS] == list(OracleSettings.model_fields)


def test_tighter__every_bound_and_price_limit__is_what_the_contracts_call_tighter(repository):
    rules = directions((repository / "contracts" / "libraries" / "BoundsRules.sol").read_text())
    for one, field in zip(BOUNDS, fields(Bounds), strict=True):
        assert one.tighter is rules[camel(field.name)], one.name
    rules = directions((repository / "contracts" / "oracles" / "PriceOracle.sol").read_text())
    for one in PRICE_LIMITS:
        assert one.tighter is rules[camel(one.name.removesuffix("_usd"))], one.name


@pytest.mark.parametrize(
    ("constant", "name"),
    [
        ("MAX_SLIPPAGE_BPS", "max_slippage_bps"),
        ("MAX_FEE_BPS", "max_fee_bps"),
        ("MAX_NAV_LOSS_BPS", "max_nav_loss_bps"),
        ("MAX_DAILY_LOSS_BPS", "loss_capacity_bps"),
        ("MAX_DRAWDOWN_BPS", "max_drawdown_bps"),
        ("MAX_IDLE_FLOOR_BPS", "idle_floor_bps"),
        ("MAX_URGENT_RESERVE_BPS", "urgent_reserve_bps"),
        ("MAX_KEEPER_SHARE_BPS", "keeper_share_bps"),
    ],
)
def test_most__of_a_bound__is_the_contracts_constant(repository, constant, name):
    source = (repository / "contracts" / "libraries" / "BoundsRules.sol").read_text()
    (written,) = re.findall(rf"constant {constant} = ([\d_]+);", source)
    assert PARAMETERS[name].most == int(written)


@pytest.mark.parametrize(
    ("name", "written", "number"),
    [
        ("max_slippage_bps", "40", 40),
        ("band_underlying", "0.1", 10**17),
        ("max_notional_usd", "300_000", 300_000 * 10**18),
        ("deposit_cap", "1000000.5", 1_000_000_500_000),
        ("max_slippage_bps", "0", 0),
    ],
)
def test_parse__value_in_the_unit__is_the_exact_integer_and_back(name, written, number):
    assert PARAMETERS[name].parse(written, 6) == number
    assert float(PARAMETERS[name].show(number, 6).replace(",", "")) == float(written)


@pytest.mark.parametrize(
    ("name", "written", "line"),
    [
        ("max_slippage_bps", "301", "max_slippage_bps 301 is above 300 bps, the contract's hard limit"),
        ("cooldown_seconds", "29", "cooldown_seconds 29 is below 30 seconds, the contract's hard limit"),
        ("delay_seconds", "86399", "below 86,400 seconds"),
        ("max_slippage_bps", "0.5", "finer than the chain keeps: at most 0 decimals"),
        ("max_slippage_bps", "nan", "write a plain number of bps"),
        ("max_slippage_bps", "", "write a plain number of bps"),
        ("max_slippage_bps", "-1", "below 0 bps"),
        ("deposit_cap", "0.0000001", "at most 6 decimals"),
    ],
)
def test_parse__value_that_cannot_be__is_refused_with_figure_and_limit(name, written, line):
    with pytest.raises(DataError, match=re.escape(line)):
        PARAMETERS[name].parse(written, 6)


def test_find_parameter__misspelt__names_the_nearest():
    with pytest.raises(DataError, match="did you mean max_slippage_bps"):
        find_parameter("max_slipage_bps")


def test_show__cap_that_was_never_set__is_unlimited():
    assert DEPOSIT_CAP.show(2**128 - 1, 6) == "unlimited"


@pytest.mark.parametrize(
    ("name", "number", "words"),
    [
        ("urgent_delta_underlying", 10**18, "urgent_delta_underlying 1 is below band_underlying 7"),
        ("min_notional_usd", 10**24, "max_notional_usd 300,000 is below min_notional_usd 1,000,000"),
        ("max_drawdown_bps", 100, "max_drawdown_bps 100 is below loss_capacity_bps"),
        ("loss_capacity_bps", 400, "max_drawdown_bps 350 is below"),
    ],
)
def test_require_consistent__contradiction__is_one_line(name, number, words):
    with pytest.raises(DataError, match=words):
        require_consistent({**desk().state.numbers, name: number})
