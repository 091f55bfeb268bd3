"""HEDGE-620, HEDGE-626 at their edges: what the quotes of Lyra's options take into account, on Lyra's own contracts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from eth_utils.crypto import keccak

from agent.errors import FatalError
from agent.units import WAD
from tests.support.lyra_vault import DAY, LyraVault, Order, afresh, open_lyra_vault

pytestmark = pytest.mark.chain

FAIR_VALUE = "fairValue(uint256,bool,uint256,(uint256,uint256),uint256,uint256)"
YEAR = 365 * DAY
CUTOFF = DAY // 2
"""Of the market that the tests deploy."""
SPOT = 1_750 * WAD
CALL = Order(1, True, 5 * WAD)


@pytest.fixture(scope="module")
def opened() -> Iterator[LyraVault]:
    with open_lyra_vault() as vault:
        yield vault


@pytest.fixture
def vault(opened: LyraVault) -> Iterator[LyraVault]:
    with afresh(opened):
        yield opened


def prices(vault: LyraVault) -> tuple[int, int]:
    low, high = vault.ask(vault.quotes, "prices()", returns="((uint256,uint256))")[0]
    return int(low), int(high)


def fair(vault: LyraVault, carry_tolerance: int, is_call: bool = True) -> tuple[int, int, int]:
    """Middle, low and high at one price and one volatility."""
    arguments = (vault.strikes[1], is_call, SPOT, (SPOT, SPOT), 0, carry_tolerance)
    middle, low, high = vault.ask(vault.quotes, FAIR_VALUE, *arguments, returns="((uint256,uint256,uint256))")[0]
    return int(middle), int(low), int(high)


def test_prices__lyras_price_above_or_below_the_oracles__is_an_end(vault: LyraVault) -> None:
    low, high = prices(vault)
    assert low < SPOT < high
    vault.set_spot(1_900.0)  # Lyra's alone
    assert prices(vault) == (low, 1_900 * WAD)
    vault.set_spot(1_600.0)
    assert prices(vault) == (1_600 * WAD, high)


@pytest.mark.parametrize("is_call", [True, False])
def test_fair_value__carry_unsure_by_ten_percent__moves_the_strike_by_as_much(vault: LyraVault, is_call: bool) -> None:
    years = (vault.expiry() - vault.now()) / YEAR
    _, low, high = fair(vault, 0, is_call)
    _, lower, higher = fair(vault, WAD // 10, is_call)
    moved = 1_750 * 0.1 * years  # of the strike, USD; an option at the money moves by some half of it
    for change in (low - lower, higher - high):
        assert 0.3 * moved < change / WAD < 0.7 * moved


@pytest.mark.parametrize("seconds", [CUTOFF + 300, CUTOFF - 60])
def test_quote__around_the_cutoff__is_forced_from_it_on_alone(vault: LyraVault, seconds: int) -> None:
    vault.trade(CALL)
    vault.pass_time_to(vault.expiry() - seconds)
    vault.publish(1_750.0)
    (held,) = vault.holdings()
    sale = Order(1, True, -5 * WAD)
    assert vault.option_quote(sale) == pytest.approx(vault.sale_of(sale, held), abs=WAD // 10**6)


def test_greeks__expired_and_settled__are_none(vault: LyraVault) -> None:
    vault.trade(CALL)
    (held,) = vault.holdings()
    signature = "greeks(uint256,uint256)"
    found = vault.ask(vault.quotes, signature, held.position, SPOT, returns="(uint256,uint256)")
    assert min(found) > 0
    vault.pass_time_to(held.expiry)
    vault.publish(1_900.0)
    assert vault.ask(vault.quotes, signature, held.position, SPOT, returns="(uint256,uint256)") == (0, 0)
    vault.settle()
    vault.settle_positions([held.position])
    assert vault.ask(vault.quotes, signature, held.position, SPOT, returns="(uint256,uint256)") == (0, 0)


@pytest.mark.parametrize("limit", ["minBaseIV", "minSkew"])
def test_quote__sale_to_lyras_own_limit__is_not_forced(vault: LyraVault, limit: str) -> None:
    vault.trade(CALL)
    vault.act(vault.guardian, vault.vault, "setReduceOnly()")
    (held,) = vault.holdings()
    sale = Order(1, True, -5 * WAD)
    snapshot = vault.chain.rpc.request("evm_snapshot")
    vault.trade(sale)
    board = vault.view("OptionMarket", "getOptionBoard", vault.board)[0]
    strike = vault.view("OptionMarket", "getStrike", vault.strikes[1])[0]
    reached = {"minBaseIV": board[2], "minSkew": strike[2]}[limit]  # to the unit
    vault.chain.rpc.request("evm_revert", snapshot)
    limits = list(vault.view("OptionMarketPricer", "getTradeLimitParams")[0])
    limits[{"minBaseIV": 3, "minSkew": 5}[limit]] = reached
    if limit == "minSkew":
        limits[9] = min(limits[9], limits[5])
    vault.send("OptionMarketPricer", "setTradeLimitParams", tuple(limits))
    assert vault.option_quote(sale) == pytest.approx(vault.sale_of(sale, held), abs=WAD // 10**6)


def test_prices__neither_answers__is_an_error_and_an_empty_account_needs_none(vault: LyraVault) -> None:
    vault.set_spot(1_760.0)
    vault.pass_time_to(vault.now() + 7 * DAY)  # the feed is stale: Lyra's alone
    assert prices(vault) == (1_760 * WAD, 1_760 * WAD)
    vault.send("TestExchangeRates", "setRateAndInvalid", b"sETH".ljust(32, b"\0"), 1_760 * WAD, True)
    with pytest.raises(FatalError, match=keccak(text="NoPrice()")[:4].hex()):
        prices(vault)
    assert vault.equity() == (vault.cash(), vault.cash())
