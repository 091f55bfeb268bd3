"""Attack: a stranger deposits into the adapter's account of the real Curie, to move NAV or to keep the venue in."""

from __future__ import annotations

import pytest

from agent.localnet.codec import encode_call
from agent.localnet.governance import governor_call
from agent.localnet.rpc import RpcError
from agent.units import WAD
from benchmarks.rebalance_gas import FALL, FIRST_MARGIN, hedged_vault
from tests.support.curie_market import GRAIN, NO_FLOOR, USDC_UNIT, open_market, whole
from tests.support.curie_strangers import Stranger

pytestmark = pytest.mark.chain

MARGIN_USD = 200_000
ACCOUNT = "(int256,int256,int256,int256,uint256,uint256)"
EQUITY = 3


@pytest.fixture(scope="module")
def market_of_the_module(tmp_path_factory):
    with open_market(tmp_path_factory.mktemp("curie")) as market:
        Stranger(market.localnet).allow_weth()
        yield market


@pytest.fixture
def market(market_of_the_module):
    """An adapter with margin and no position."""
    with market_of_the_module.undone() as market:
        market.deposit(MARGIN_USD)
        yield market


@pytest.fixture
def stranger(market):
    return Stranger(market.localnet)


@pytest.fixture(scope="module")
def vault_of_the_module():
    with hedged_vault() as vault:
        Stranger(vault.localnet).allow_weth()
        yield vault


@pytest.fixture
def vault(vault_of_the_module):
    """A vault whose venue has never been used."""
    rpc = vault_of_the_module.localnet.chain.rpc
    snapshot = rpc.request("evm_snapshot")
    yield vault_of_the_module
    rpc.request("evm_revert", snapshot)


def account(market):
    return market.view("account()", returns=ACCOUNT)


def account_value(market):
    """Curie's own, which counts WETH."""
    value_of = ("getAccountValue(address)", market.venue)
    return market.venue_value(market.curie.clearing_house, *value_of, returns="(int256)")


def free(market):
    return market.simulate("freeCollateral()", returns="(uint256)")[0]


def gas_of_account(market):
    call = {"to": market.venue, "data": encode_call("account()")}
    return int(market.chain.rpc.request("eth_estimateGas", call), 16)


# --- WETH, which the adapter can never withdraw -------------------------------------------------------------------


# HEDGE-502
@pytest.mark.parametrize("wei", [1, 10 * WAD])
@pytest.mark.parametrize("size", [-20, 20, 0])
def test_weth_for_the_adapter__any_position__no_part_of_equity(market, stranger, wei, size):
    if size:
        market.execute(whole(size))
    with market.undone():
        market.pass_time(60)
        clean, clean_equity, clean_gas = account(market), market.equity(), gas_of_account(market)
        now = market.chain.head().timestamp
    stranger.deposit_weth(market.venue, wei)
    market.chain.mine([], timestamp=now)
    assert account(market) == clean
    assert market.equity() == clean_equity
    assert gas_of_account(market) == clean_gas
    if wei > WAD:
        assert account_value(market) > clean[EQUITY] + 20_000 * WAD, "Curie itself counts it"


# HEDGE-502, HEDGE-508
def test_weth_for_the_adapter__everything_withdrawn__margin_leaves_in_full(market, stranger):
    stranger.deposit_weth(market.venue, 10 * WAD)
    assert free(market) == MARGIN_USD * USDC_UNIT
    market.send("withdrawMargin(uint256)", free(market))
    assert market.equity() == (0, 0)
    assert account(market)[EQUITY] == 0
    assert free(market) == 0


# HEDGE-508
def test_weth_for_the_adapter__position_open__trades_and_withdraws_as_before(market, stranger):
    market.execute(whole(-20))
    stranger.deposit_weth(market.venue, 1)
    assert market.execute(whole(-5)).size_delta == whole(-5)
    assert market.execute(whole(25)).size_delta == whole(25)
    market.send("withdrawMargin(uint256)", free(market))
    assert 0 <= account(market)[EQUITY] < GRAIN + 1


# HEDGE-502, HEDGE-507
def test_weth_whose_feed_fails__equity_and_account__still_answer(market, stranger):
    market.execute(whole(-20))
    stranger.deposit_weth(market.venue, 1)
    clean = account(market)
    stranger.break_weth_feed()
    after = account(market)
    assert after[0] == clean[0]
    assert after[EQUITY] == pytest.approx(clean[EQUITY], rel=1e-6)
    assert market.equity()[0] > 0
    assert market.position().size == whole(-20)
    # The limit that the adapter's contract names: Curie itself asks the feed before each trade and each withdrawal.
    assert free(market) == 0
    with pytest.raises(RpcError):
        market.send("withdrawMargin(uint256)", 1)
    with pytest.raises(RpcError):
        market.send("execute(int256,uint256)", whole(-1), NO_FLOOR)


# HEDGE-502
def test_weth_before_an_account_goes_under_water__never_props_it_up(market, stranger):
    market.send("withdrawMargin(uint256)", (MARGIN_USD - 20_000) * USDC_UNIT)
    market.execute(whole(-50))
    stranger.deposit_weth(market.venue, 10 * WAD)
    market.step(3_650.0)
    assert account_value(market) > 0
    assert account(market)[EQUITY] < 0
    low, high = market.equity()
    assert low <= high < 0
    assert free(market) == 0


# HEDGE-508
def test_weth_liquidated_to_repay_a_loss__equity_only_rises(market, stranger):
    market.send("withdrawMargin(uint256)", (MARGIN_USD - 20_000) * USDC_UNIT)
    market.execute(whole(-50))
    stranger.deposit_weth(market.venue, 5 * WAD)
    market.step(3_650.0)
    before = account(market)[EQUITY]
    units = 1_000 * USDC_UNIT
    stranger.send(market.usdc, "mint(address,uint256)", stranger.address, units)
    stranger.send(market.usdc, "approve(address,uint256)", market.curie.vault, units)
    liquidate = "liquidateCollateral(address,address,uint256,bool)"
    stranger.send(market.curie.vault, liquidate, market.venue, stranger.weth, units, True)
    assert account(market)[EQUITY] > before + 900 * WAD


# --- the settlement token, which comes home -----------------------------------------------------------------------


# HEDGE-502
@pytest.mark.parametrize("units", [1, 999_999, 5_000 * USDC_UNIT])
def test_usdc_for_the_adapter__any_sum__equity_that_comes_home(market, stranger, units):
    stranger.deposit_usdc(market.venue, units)
    assert account(market)[EQUITY] == (MARGIN_USD * USDC_UNIT + units) * GRAIN
    assert free(market) == MARGIN_USD * USDC_UNIT + units
    market.send("withdrawMargin(uint256)", free(market))
    assert account(market)[EQUITY] == 0
    assert market.venue_value(market.usdc, "balanceOf(address)", market.vault) == MARGIN_USD * USDC_UNIT + units


# HEDGE-502
def test_usdc_sent_to_the_adapter_itself__margin_moves__counts_for_nothing(market, stranger):
    stranger.send(market.usdc, "mint(address,uint256)", market.venue, 77 * USDC_UNIT)
    assert account(market)[EQUITY] == MARGIN_USD * WAD
    assert free(market) == MARGIN_USD * USDC_UNIT
    market.deposit(100)
    market.send("withdrawMargin(uint256)", free(market))
    assert market.venue_value(market.usdc, "balanceOf(address)", market.vault) == (MARGIN_USD + 100) * USDC_UNIT
    assert account(market)[EQUITY] == 0


# --- the venue leaves all the same --------------------------------------------------------------------------------


def venues(vault):
    return vault.localnet.chain.call(vault.deployment.contract("VenueRegistry"), "venues()", returns="(address[])")[0]


def as_governor(vault, contract, signature, *arguments):
    access, target = (vault.deployment.contract(name) for name in ("VaultAccess", contract))
    governor = vault.localnet.manifest.accounts["governor"]
    governor_call(vault.localnet.chain, access, governor, target, signature, *arguments)


def remove_venue(vault):
    as_governor(vault, "VenueRegistry", "removeVenue(address)", vault.venue)


# HEDGE-508
@pytest.mark.parametrize(
    ("wei", "units"), [(1, 0), (100 * WAD, 0), (0, 1), (0, USDC_UNIT), (0, 40 * USDC_UNIT), (1, 1)]
)
def test_dust_for_the_adapter__venue_flat__removed_all_the_same(vault, wei, units):
    stranger = Stranger(vault.localnet)
    if wei:
        stranger.deposit_weth(vault.venue, wei)
    if units:
        stranger.deposit_usdc(vault.venue, units)
    remove_venue(vault)
    assert list(venues(vault)) == []


# HEDGE-508
def test_dust_for_the_adapter__venue_used_and_emptied__removed_all_the_same(vault):
    stranger = Stranger(vault.localnet)
    vault.rebalance(FIRST_MARGIN, vault.gap())
    stranger.deposit_weth(vault.venue, 1)
    as_governor(vault, "HedgeVault", "startWindDown()")
    vault.step(vault.localnet.manifest.start_price_usd * FALL)
    stranger.deposit_usdc(vault.venue, USDC_UNIT // 2)
    vault.rebalance(0, -size(vault))
    stranger.deposit_usdc(vault.venue, 40 * USDC_UNIT)
    (assets,) = vault.localnet.chain.call(vault.venue, "freeCollateral()", returns="(uint256)")
    vault.rebalance(-assets, 0)
    stranger.deposit_usdc(vault.venue, 1)
    remove_venue(vault)
    assert list(venues(vault)) == []


def size(vault):
    return vault.localnet.chain.call(vault.venue, "size()", returns="(int256)")[0]
