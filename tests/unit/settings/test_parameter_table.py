"""The table of the contracts' parameters: whole, with the contracts' own limits, and nowhere a second one."""

from __future__ import annotations

import re

import pytest

from agent.governance.changes import SETTERS
from agent.settings.parameter import TEXT, Authority, Tighter
from agent.settings.parameter_table import BOUNDS, FEES, QUEUE, RESCUE, SECTIONS, SHARE_LOCK, UNCONFIGURED, VENUE_CAP
from agent.settings.settings import ContractSettings
from scripts.parameters_page import model_of

NO_SECTION = {"network", "chain"}
ALL = [*(one for rows in SECTIONS.values() for one in rows), *(one for one, _ in UNCONFIGURED)]
UNITS = {
    "_usd": "USD",
    "_usd_per_day": "USD a day",
    "_seconds": "seconds",
    "_bps": "bps",
    "_bps_per_day": "bps",
    "_bps_per_year": "bps",
    "_ratio": "x ",
    "_underlying": "underlying",
    "_eth": "ether",
    "_eth_per_day": "ether a day",
    "_gas_units": "gas",
}


def named(name):
    return next(one for one in ALL if one.name == name)


def test_sections__are_those_of_the_contracts_field_by_field():
    models = {name: model_of(field) for name, field in ContractSettings.model_fields.items() if name not in NO_SECTION}
    assert {name: [one.name for one in rows] for name, rows in SECTIONS.items()} == {
        name: list(model.model_fields) for name, model in models.items()
    }


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_parameter__unit_and_consequence__are_said(one):
    assert one.consequence
    suffix = max((end for end in UNITS if one.name.endswith(end)), key=len, default=None)
    assert one.unit.startswith(UNITS[suffix]) if suffix else one.unit in (TEXT, "of the asset")


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_authority__of_what_has_a_setter__is_the_setters(one):
    if one.group not in SETTERS:
        assert one in (*SECTIONS["vault"], *QUEUE, *RESCUE, *FEES)
        return
    is_guardians = SETTERS[one.group].guardian is not None and one.tighter is not Tighter.NEITHER
    assert one.authority is (Authority.GUARDIAN_TIGHTENS if is_guardians else Authority.GOVERNOR)


@pytest.mark.parametrize(
    ("source", "constant", "name", "end"),
    [
        ("relay/RescueDesk.sol", "MIN_SILENCE", "silence_seconds", "least"),
        ("relay/RescueDesk.sol", "MAX_SILENCE", "silence_seconds", "most"),
        ("relay/RescueDesk.sol", "MAX_GAS", "max_gas_units", "most"),
        ("vault/RedemptionQueue.sol", "MAX_WIDTH_BPS", "max_width_bps", "most"),
        ("vault/ShareFees.sol", "MAX_MANAGEMENT_BPS", "management_bps_per_year", "most"),
        ("vault/ShareFees.sol", "MAX_PERFORMANCE_BPS", "performance_bps", "most"),
        ("vault/MemberShares.sol", "MAX_SHARE_LOCK", "share_lock_seconds", "most"),
        ("governance/VaultAccess.sol", "MIN_DELAY", "delay_seconds", "least"),
        ("governance/VaultAccess.sol", "MAX_DELAY", "delay_seconds", "most"),
    ],
)
def test_limit__is_the_contracts_constant(repository, source, constant, name, end):
    text = (repository / "contracts" / source).read_text()
    (number, unit) = re.search(rf"constant {constant} = ([\d_]+) ?(\w*);", text).groups()
    seconds = {"": 1, "minutes": 60, "hours": 3_600, "day": 86_400, "days": 86_400}[unit]
    assert getattr(named(name), end) == int(number) * seconds


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("max_slippage_bps", "at most 300"),
        ("cooldown_seconds", "30 to 86,400"),
        ("loss_capacity_bps", "at most 500 together with loss_refill_bps_per_day"),
        ("max_venue_leverage_ratio", "at most 10"),  # 10e18 needs 64 bits as the largest uint64 does
        ("min_price_usd", "above 0, at most 10,000,000,000"),
        ("max_payment_eth", "none"),
        ("deposit_cap", "none"),
    ],
)
def test_limits__in_words(name, words):
    assert named(name).limits(6) == words


def test_show__number_as_long_as_an_unlimited_one__is_itself():
    assert named("max_venue_leverage_ratio").show(10 * 10**18, 6) == "10"
    assert VENUE_CAP.show(2**64 - 1, 6) == "unlimited"
    assert SHARE_LOCK.show(0, 6) == "0"


def test_bounds__tighter_side__is_the_guardians():
    assert {one.authority for one in BOUNDS if one.tighter is not Tighter.NEITHER} == {Authority.GUARDIAN_TIGHTENS}
