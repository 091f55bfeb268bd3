"""Gas of a rebalance on the real Curie against the figures kept, and what the vault was told inside the transaction."""

from __future__ import annotations

import pytest

from agent.localnet.codec import decode
from benchmarks.rebalance_gas import (
    FALL,
    FIRST_MARGIN,
    RENEW,
    RISE,
    SNAPSHOT,
    USDC_UNIT,
    hedged_vault,
    kept,
    measure,
)

pytestmark = pytest.mark.chain

UPWARD_RATIO = 1.01
SECOND_REBALANCE_GAS = 1_250_000
ACCOUNT = "(int256,int256,int256,int256,uint256,uint256)"


@pytest.fixture(scope="module")
def measured():
    return measure()


@pytest.fixture(scope="module")
def vault():
    with hedged_vault() as opened:
        yield opened


# HEDGE-511
def test_rebalance__gas_of_every_kind__as_kept(measured):
    figures = kept()
    assert set(measured) == set(figures), f"the kinds have changed: renew {SNAPSHOT.name} with `{RENEW}`"
    for case, gas in measured.items():
        before = figures[case]
        assert gas["total"] <= before["total"] * UPWARD_RATIO, f"{case} needs more gas: {changes(before, gas)}"
        assert gas["total"] >= before["total"], f"{case} needs less gas: renew {SNAPSHOT.name} with `{RENEW}`"


# HEDGE-511
def test_rebalance__trade_that_adds_to_a_position__within_its_limit(measured):
    assert measured["second rebalance"]["total"] <= SECOND_REBALANCE_GAS


def changes(before, after):
    """By how much each callee differs."""
    names = sorted(before.keys() | after.keys())
    return {name: after.get(name, 0) - before.get(name, 0) for name in names if before.get(name) != after.get(name)}


# HEDGE-510
def test_account__read_after_a_leg_in_one_transaction__as_the_block_leaves_it(vault):
    start_usd = vault.localnet.manifest.start_price_usd
    margins_and_prices = [(FIRST_MARGIN, 1.0), (0, RISE), (-1_000 * USDC_UNIT, FALL)]
    margins_and_prices += [(1_000 * USDC_UNIT, None), (-1_000 * USDC_UNIT, None)]
    for margin, factor in margins_and_prices:
        if factor is not None:
            vault.step(start_usd * factor)
        trace = vault.rebalance(margin, 0 if factor is None else vault.gap())
        before, after = (decode(ACCOUNT, call["output"]) for call in vault.calls(trace, "curie_venue.account"))
        assert after != before
        size, _, _, equity, mark, _ = after
        assert equity == curies_own(vault, "clearing_house", "getAccountValue(address)", vault.venue)
        assert size == curies_own(
            vault, "account_balance", "getTotalPositionSize(address,address)", vault.venue, base_token(vault)
        )
        assert abs(mark - curies_own(vault, "account_balance", "getMarkPrice(address)", base_token(vault))) <= 1


def base_token(vault):
    return vault.localnet.manifest.venues["curie"]["base_token"]


def curies_own(vault, contract, signature, *arguments):
    """One figure from a contract of Curie at the head."""
    address = vault.localnet.manifest.venues["curie"][contract]
    return vault.localnet.chain.call(address, signature, *arguments, returns="(int256)")[0]
