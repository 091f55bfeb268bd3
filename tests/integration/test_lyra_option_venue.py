"""HEDGE-620 .. HEDGE-633: options as a hedge of a real vault, on Lyra's own contracts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from eth_utils.crypto import keccak

from agent.localnet.rpc import RpcError
from agent.units import WAD
from tests.support.curie_market import refused_with
from tests.support.lyra_market import LONG_CALL, LONG_PUT, SHORT_PUT_QUOTE
from tests.support.lyra_vault import (
    CAPS,
    CAPS_TYPE,
    CASH_USD,
    DAY,
    NAV_USD,
    REBALANCE,
    RISK_TYPE,
    SPOT_USD,
    LyraVault,
    Order,
    afresh,
    open_lyra_vault,
)

pytestmark = pytest.mark.chain

VENUE_GAS = 900_000
SET_CAPS, TIGHTEN_CAPS = f"setCaps({CAPS_TYPE})", f"tightenCaps({CAPS_TYPE})"
CALL, PUT = Order(1, True, 5 * WAD), Order(1, False, 5 * WAD)
WEI = 10**4
"""What an order of one wei of the underlying can take from equity, and roundings."""
DUST = WAD // 10**6
"""Error of the formula on the sizes here, USD."""


@pytest.fixture(scope="module")
def opened() -> Iterator[LyraVault]:
    with open_lyra_vault() as vault:
        yield vault


@pytest.fixture
def vault(opened: LyraVault) -> Iterator[LyraVault]:
    with afresh(opened):
        yield opened


@contextmanager
def refused(signature: str) -> Iterator[None]:
    """Expect a revert with this custom error, whatever its figures."""
    with pytest.raises(RpcError) as caught:
        yield
    assert (caught.value.data or "")[:10] == "0x" + keccak(text=signature)[:4].hex()


def paid(vault: LyraVault, *orders: Order) -> int:
    """Trade; what it changed the cash by."""
    before = vault.cash()
    vault.trade(*orders)
    return vault.cash() - before


# --- prices -----------------------------------------------------------------------------------------------------------


# HEDGE-620
@pytest.mark.parametrize("strike", [0, 1, 2])
@pytest.mark.parametrize("is_call", [True, False])
def test_quote__purchase_and_sale__is_lyras_own_price(vault: LyraVault, strike: int, is_call: bool) -> None:
    purchase = Order(strike, is_call, 2 * WAD)
    assert vault.option_quote(purchase) == pytest.approx(vault.purchase_of(purchase), abs=DUST)
    vault.trade(purchase)
    (held,) = vault.holdings()
    assert vault.option_quote(Order(strike, is_call, -2 * WAD)) == pytest.approx(
        vault.sale_of(purchase, held), abs=DUST
    )


# HEDGE-620
def test_quote__after_the_cutoff__is_that_of_a_forced_close(vault: LyraVault) -> None:
    # What Lyra pays for a forced close is far from fair: the governor's tolerance has to allow it.
    vault.govern(vault.venue, SET_CAPS, (*CAPS[:2], WAD // 2, *CAPS[3:5], 500, *CAPS[6:8], 500, 500))
    vault.trade(Order(0, True, 5 * WAD))
    vault.act(vault.guardian, vault.vault, "setReduceOnly()")
    vault.pass_time_to(vault.expiry() - DAY // 4)
    vault.publish()
    sale = Order(0, True, -5 * WAD)
    told = vault.option_quote(sale)
    assert told > 5 * 200 * WAD
    assert told == pytest.approx(vault.sale_of(sale, vault.holdings()[0]), abs=DUST)
    assert paid(vault, sale) == pytest.approx(told, abs=WAD)


# HEDGE-620
def test_quote__delta_beyond_lyras_range__is_that_of_a_forced_close(vault: LyraVault) -> None:
    vault.trade(CALL)
    vault.pass_time_to(vault.now() + DAY)
    vault.publish(2_350.0)
    vault.open(2, SHORT_PUT_QUOTE, 10, 20_000)  # below its average: what Lyra takes is the volatility of now
    sale = Order(1, True, -5 * WAD)
    told = vault.option_quote(sale)
    assert told > 5 * 500 * WAD
    assert told == pytest.approx(vault.sale_of(sale, vault.holdings()[0]), abs=DUST)


# HEDGE-621
def test_worth__over_a_walk_of_prices_and_times__holds_what_selling_brings(vault: LyraVault) -> None:
    orders = (Order(0, False, 3 * WAD), Order(1, True, 4 * WAD), Order(2, True, 2 * WAD))
    for order in orders:
        vault.trade(order)
    generator, spot = random.Random(5), SPOT_USD
    for _ in range(12):
        spot *= 1 + generator.uniform(-0.06, 0.06)
        vault.pass_time_to(vault.now() + generator.randrange(3_600, 2 * DAY))
        vault.publish(round(spot, 2))
        if generator.random() < 0.5:
            vault.open(generator.randrange(3), generator.choice((LONG_CALL, LONG_PUT)), generator.randrange(1, 8))
            vault.mine_one()
        for order, held in zip(orders, vault.holdings(), strict=True):
            brought = vault.sale_of(order, held)
            assert held.worth_low <= brought <= held.worth_high
            assert held.worth_high > held.worth_low > brought * 0.7 - 20 * WAD


# HEDGE-621
def test_account__three_boards_each_with_all_strikes__fits_the_registrys_gas(vault: LyraVault) -> None:
    for _ in range(2):
        vault.add_board(30)
    for board in range(3):
        vault.trade(Order(vault.near_the_money(board), True, WAD))
    for count in range(3):
        vault.trade(Order(vault.near_the_money(count), True, WAD // 10))
    assert len(vault.holdings()) == 3
    used = vault.account_gas()
    assert used < VENUE_GAS * 9 // 10
    with refused("TooManyHoldings(uint256,uint256)"):
        vault.trade(Order(vault.near_the_money(0), False, WAD))
    assert vault.nav()[0] > 98 * NAV_USD * WAD // 100


# HEDGE-621
def test_account__options_held__navs_are_bid_and_ask(vault: LyraVault) -> None:
    vault.trade(CALL, PUT)
    low, high = vault.equity()
    nav_low, nav_high = vault.nav()
    idle = vault.balance(vault.vault)
    assert idle + low - WEI <= nav_low <= idle + low
    assert idle + high <= nav_high <= idle + high + WEI
    held = vault.holdings()
    assert low == vault.cash() + sum(one.worth_low for one in held)
    assert high == vault.cash() + sum(one.worth_high for one in held)


# HEDGE-621
def test_account__worthless_options_beside_no_cash__is_no_debt(vault: LyraVault) -> None:
    vault.trade(Order(2, True, WAD))
    vault.fund(-vault.cash())
    vault.pass_time_to(vault.expiry() + 60)
    vault.publish(1_200.0)
    low, high = vault.equity()
    assert low == high == 0
    assert vault.ask(vault.vault, "depositBlock()", returns="(uint8)") == (0,)


# --- what a purchase has to do ----------------------------------------------------------------------------------------


# HEDGE-622
def test_trade__short_straddle__gamma_and_vega_fall_and_the_chain_knows_the_delta(vault: LyraVault) -> None:
    before = vault.risk()
    vault.trade(CALL, PUT)
    after = vault.risk()
    assert after.gamma < before.gamma
    assert before.vega < after.vega < 0
    assert after.held_vega == pytest.approx(after.vega - before.vega, rel=1e-3)
    low, high = vault.ask(vault.source, "deltaInterval(uint256)", round(SPOT_USD) * WAD, returns="(int256,int256)")
    call, put = vault.lyra_greeks(1)
    assert low < 5 * (call + put) * WAD < high
    assert vault.ask(vault.source, "positionIds()", returns="(uint256[])")[0] == tuple(
        held.position for held in vault.holdings()
    )


# HEDGE-622
def test_trade__more_of_the_same_option__enlarges_the_position(vault: LyraVault) -> None:
    vault.trade(CALL, PUT)
    vault.trade(CALL, PUT)
    assert [held.size for held in vault.holdings()] == [10 * WAD, 10 * WAD]


# HEDGE-622
def test_trade__more_than_the_book_is_short__is_refused() -> None:
    with open_lyra_vault(quantity=-3 * WAD) as vault, refused("GammaNotReduced(uint256,uint256)"):
        vault.trade(Order(1, True, 7 * WAD), Order(1, False, 7 * WAD))


# HEDGE-622
def test_trade__book_that_is_long_gamma__buys_nothing() -> None:
    with open_lyra_vault(quantity=3 * WAD) as vault, refused("GammaNotReduced(uint256,uint256)"):
        vault.trade(Order(1, True, WAD))


# HEDGE-622
def test_trade__worst_case_delta_beyond_the_band__is_refused(vault: LyraVault) -> None:
    with refused("NetDeltaNotImproved(uint256,uint256)"):
        vault.trade(Order(1, True, 12 * WAD))
    vault.trade(Order(1, True, 6 * WAD), Order(1, False, 6 * WAD))


# HEDGE-622
def test_trade__source_outside_the_book__is_refused(vault: LyraVault) -> None:
    vault.govern(vault.book, "removeSource(address)", vault.source)
    with refused_with("SourceNotInBook(address)", vault.source):
        vault.trade(CALL)


# HEDGE-623
def test_trade__sale_of_more_than_held__is_refused(vault: LyraVault) -> None:
    vault.trade(CALL)
    with refused_with("SaleExceedsHolding(uint256,uint256,uint256)", 0, 6 * WAD, 5 * WAD):
        vault.trade(Order(1, True, -6 * WAD))
    with refused_with("SaleExceedsHolding(uint256,uint256,uint256)", 0, WAD, 0):
        vault.trade(Order(1, False, -WAD))
    with refused_with("ZeroSize()"):
        vault.trade(Order(1, True, 0))
    with refused_with("NoOrders()"):
        vault.trade()


# HEDGE-623
def test_trade__sale_that_raises_gamma__waits_for_a_mode_that_reduces(vault: LyraVault) -> None:
    vault.trade(CALL, PUT)
    with refused("GammaNotReduced(uint256,uint256)"):
        vault.trade(Order(1, True, -2 * WAD), Order(1, False, -2 * WAD))
    vault.act(vault.guardian, vault.vault, "setReduceOnly()")
    vault.trade(Order(1, True, -5 * WAD), Order(1, False, -5 * WAD))
    assert vault.holdings() == []
    assert vault.ask(vault.source, "positionIds()", returns="(uint256[])") == ((),)
    assert vault.risk().held_vega == 0


# --- caps and budgets -------------------------------------------------------------------------------------------------


# HEDGE-622
def test_trade__sale_and_purchase_of_the_same__is_no_hedge(vault: LyraVault) -> None:
    vault.trade(CALL)
    with refused("GammaNotReduced(uint256,uint256)"):
        vault.trade(Order(1, True, -2 * WAD), Order(1, True, 2 * WAD))


# HEDGE-625
def test_trade__what_it_pays_and_loses__is_taken_from_the_budgets(vault: LyraVault) -> None:
    premium, loss = vault.budgets()
    nav = vault.nav()[0]
    cost = -paid(vault, CALL)
    premium_left, loss_left = vault.budgets()
    # The same part of a NAV that the purchase has lowered, refilled for the seconds since.
    assert premium - cost - premium // 50 < premium_left < premium - cost * 98 // 100
    assert loss - (nav - vault.nav()[0]) - loss // 50 < loss_left < loss


def told(vault: LyraVault, action: Callable[[], object]) -> list[str]:
    """First topics of what the venue tells of it."""
    before = vault.chain.head().number
    action()
    query = {"address": vault.venue, "fromBlock": hex(before + 1), "toBlock": "latest"}
    return [log["topics"][0] for log in vault.chain.rpc.request("eth_getLogs", query)]


def topic(signature: str) -> str:
    return "0x" + keccak(text=signature).hex()


def test_trade__caps_margin_and_settlement__are_told(vault: LyraVault) -> None:
    deposited, settled = topic("MarginDeposited(uint256)"), topic("OptionSettled(uint256,uint256)")
    traded = topic("OptionTraded(bytes32,uint256,uint256,bool,int256,uint256,uint256)")
    assert told(vault, lambda: vault.fund(WAD)) == [deposited]
    assert told(vault, lambda: vault.fund(-WAD)) == [topic("MarginWithdrawn(uint256)")]
    *each, altogether = told(vault, lambda: vault.trade(CALL, PUT))
    assert each == [traded, traded]
    assert altogether == topic(f"OptionsTraded(bytes32,address,{RISK_TYPE},{RISK_TYPE},uint256,uint256)")
    tighter = (*CAPS[:9], 0)
    assert told(vault, lambda: vault.act(vault.guardian, vault.venue, TIGHTEN_CAPS, tighter)) == [
        topic(f"CapsSet({CAPS_TYPE},{CAPS_TYPE})")
    ]
    held = vault.holdings()[0]
    vault.pass_time_to(held.expiry + 3_600)
    vault.publish()
    assert settled in told(
        vault, lambda: vault.act(vault.stranger, vault.venue, "settleExpired(uint256)", held.position)
    )


# HEDGE-625
def test_budgets__refill_tightened__has_refilled_at_the_old_rate_until_then(vault: LyraVault) -> None:
    vault.trade(CALL)
    vault.pass_time_to(vault.now() + 2 * 3_600)
    vault.publish()
    before = vault.budgets()
    vault.act(vault.guardian, vault.venue, TIGHTEN_CAPS, (*CAPS[:7], 0, CAPS[8], 0))
    assert vault.budgets() == pytest.approx(before, rel=1e-3)
    vault.pass_time_to(vault.now() + 2 * 3_600)
    vault.publish()
    assert vault.budgets()[0] == pytest.approx(before[0], rel=1e-2)


# HEDGE-624
@pytest.mark.parametrize(
    ("field", "least", "error"),
    [
        (0, WAD // 20, "GammaCapExceeded(uint256,uint256)"),
        (1, 500 * WAD, "VegaCapExceeded(uint256,uint256)"),
        (4, 10 * DAY, "TenorTooLong(uint256,uint256)"),
        (5, 0, "CostExceeded(uint256,uint256,uint256)"),
        (6, 50, "PremiumBudgetExceeded(uint256,uint256)"),
        (8, 5, "OptionLossBudgetExceeded(uint256,uint256)"),
    ],
)
def test_trade__cap_tightened_by_the_guardian__is_refused(vault: LyraVault, field: int, least: int, error: str) -> None:
    tight = list(CAPS)
    tight[field] = least
    if field == 5:
        tight[2] = tight[3] = 0  # nothing but the fair price itself
    vault.act(vault.guardian, vault.venue, TIGHTEN_CAPS, tuple(tight))
    with refused(error):
        vault.trade(CALL, PUT)


# HEDGE-624
def test_caps__looser_by_the_guardian_or_beyond_hard_limits__are_refused(vault: LyraVault) -> None:
    for field in range(len(CAPS)):
        looser = tuple(cap + (index == field) for index, cap in enumerate(CAPS))
        with refused_with(f"CapsLooser({CAPS_TYPE},{CAPS_TYPE})", CAPS, looser):
            vault.act(vault.guardian, vault.venue, TIGHTEN_CAPS, looser)
    hardest = {2: WAD // 2, 3: WAD // 2, 4: 180 * DAY, 5: 500, 6: 2_000, 7: 2_000, 8: 500, 9: 500}
    at_most = tuple(hardest.get(index, cap) for index, cap in enumerate(CAPS))
    vault.govern(vault.venue, SET_CAPS, at_most)
    for field in hardest:
        beyond = tuple(cap + (index == field) for index, cap in enumerate(at_most))
        with refused_with(f"CapsOutOfRange({CAPS_TYPE})", beyond):
            vault.govern(vault.venue, SET_CAPS, beyond)


# HEDGE-625
def test_trade__premium_of_a_day__is_capacity_and_refill_at_most(vault: LyraVault) -> None:
    start, spent, refusals = vault.now(), 0, 0
    while vault.now() < start + DAY:
        try:
            spent -= paid(vault, Order(1, len(vault.holdings()) % 2 == 0, WAD))
        except RpcError:
            refusals += 1
        vault.pass_time_to(vault.now() + 3_600)
        vault.publish()
    premium_bps, refill_bps = CAPS[6], CAPS[7]
    assert refusals > 0
    assert 0 < spent <= NAV_USD * WAD * (premium_bps + refill_bps) // 10_000


# HEDGE-625
def test_trade__keeper_that_trades_back_and_forth__loses_no_more_than_the_budget(vault: LyraVault) -> None:
    vault.govern(vault.venue, SET_CAPS, (*CAPS[:6], 2_000, *CAPS[7:]))
    vault.trade(CALL)
    before, rounds, extra = vault.cash(), 0, WAD // 1_000
    with refused("OptionLossBudgetExceeded(uint256,uint256)"):
        while rounds < 100:
            vault.trade(Order(1, True, -2 * WAD), Order(1, True, 2 * WAD + extra))
            rounds += 1
    bought = (rounds * extra * 300) // WAD * WAD
    assert rounds > 5
    assert NAV_USD * WAD // 200 < before - vault.cash() - bought <= NAV_USD * WAD * (CAPS[8] + 1) // 10_000


# --- attacks on the price ---------------------------------------------------------------------------------------------


# HEDGE-626
def test_trade__pool_pushed_up_before_it__is_refused(vault: LyraVault) -> None:
    fair = vault.option_quote(CALL)
    for _ in range(6):
        vault.open(1, LONG_CALL, 18)
    assert vault.option_quote(CALL) > fair * 1.15
    with refused("CostExceeded(uint256,uint256,uint256)"):
        vault.trade(CALL)


# HEDGE-626
def test_trade__pool_pushed_down_before_a_sale__is_refused(vault: LyraVault) -> None:
    vault.trade(CALL)
    vault.act(vault.guardian, vault.vault, "setReduceOnly()")
    fair = vault.option_quote(Order(1, True, -5 * WAD))
    for _ in range(7):
        vault.open(1, SHORT_PUT_QUOTE, 20, 35_000)
    assert vault.option_quote(Order(1, True, -5 * WAD)) < fair * 0.85
    with refused("ProceedsTooLow(uint256,uint256,uint256)"):
        vault.trade(Order(1, True, -5 * WAD))


# HEDGE-626
def test_worth__pool_pushed_either_way_in_one_block__nav_moves_against_who_pushed(vault: LyraVault) -> None:
    vault.trade(CALL, PUT)
    vault.pass_time_to(vault.now() + 2 * DAY)  # longer than Lyra's averages
    vault.publish()
    low, high = vault.nav()
    snapshot = vault.chain.rpc.request("evm_snapshot")
    for _ in range(4):
        vault.open(1, LONG_CALL, 10)
    assert vault.nav()[0] <= low * (1 + 1e-4)
    vault.chain.rpc.request("evm_revert", snapshot)
    for _ in range(4):
        vault.open(1, SHORT_PUT_QUOTE, 10, 17_500)
    assert vault.nav()[1] >= high * (1 - 1e-4)


# HEDGE-626
def test_trade__lyras_price_apart_from_the_oracles__is_judged_at_the_oracles(vault: LyraVault) -> None:
    vault.set_spot(SPOT_USD * 1.08)
    with refused("CostExceeded(uint256,uint256,uint256)"):
        vault.trade(CALL)


# HEDGE-626
def test_trade__limits_of_the_keepers_own__hold(vault: LyraVault) -> None:
    told = vault.option_quote(CALL)
    with pytest.raises(RpcError):
        vault.trade(Order(1, True, 5 * WAD, told - WAD))
    vault.trade(Order(1, True, 5 * WAD, told + WAD))


# HEDGE-627
def test_trade__stale_greeks_cache__costs_what_is_told(vault: LyraVault) -> None:
    vault.pass_time_to(vault.now() + 2 * DAY)
    vault.publish(SPOT_USD * 1.07)
    assert vault.view("OptionGreekCache", "isGlobalCacheStale", round(SPOT_USD * 1.07 * 100) * WAD // 100) == (True,)
    order = Order(1, True, 4 * WAD)
    assert vault.option_quote(order) == pytest.approx(vault.purchase_of(order), abs=DUST)
    vault.trade(order)


# HEDGE-627
def test_trade__pool_drained_and_its_breaker_on__buys_nothing_and_still_sells(vault: LyraVault) -> None:
    vault.trade(CALL, PUT)
    free = vault.drain()
    before = (vault.cash(), len(vault.holdings()))
    assert free < 5 * SPOT_USD * WAD
    with pytest.raises(RpcError):
        vault.trade(Order(1, False, 5 * WAD))
    assert (vault.cash(), len(vault.holdings())) == before
    vault.act(vault.guardian, vault.vault, "setReduceOnly()")
    assert paid(vault, Order(1, True, -WAD)) > 0


# HEDGE-627
def test_trade__market_paused_by_lyra__nothing_trades_and_the_account_still_answers(vault: LyraVault) -> None:
    vault.trade(CALL)
    low, high = vault.equity()
    vault.send("SynthetixAdapter", "setMarketPaused", vault.contracts["OptionMarket"].address, True)
    with pytest.raises(RpcError):
        vault.trade(PUT)
    assert vault.equity()[0] == pytest.approx(low, rel=1e-3)
    assert vault.equity()[1] == pytest.approx(high, rel=1e-3)


# --- expiry -----------------------------------------------------------------------------------------------------------


# HEDGE-628
def test_settle__expired_board_unsettled__a_stranger_brings_the_payoff_home(vault: LyraVault) -> None:
    vault.trade(CALL, PUT)
    call, put = vault.holdings()
    with refused_with("NotExpired(uint256,uint256)", call.position, call.expiry):
        vault.act(vault.stranger, vault.venue, "settleExpired(uint256)", call.position)
    vault.pass_time_to(vault.expiry() + 3_600)
    vault.publish(1_900.0)
    low, high = vault.nav()
    assert high - low <= 5 * 1_900 * WAD // 100 + WEI
    idle = vault.balance(vault.vault)
    for held in (call, put):
        vault.act(vault.stranger, vault.venue, "settleExpired(uint256)", held.position)
    assert vault.balance(vault.vault) - idle == 5 * 150 * WAD
    assert vault.holdings() == []
    assert low <= vault.nav()[0] == vault.nav()[1] <= high
    with refused_with("NotHeld(uint256)", call.position):
        vault.act(vault.stranger, vault.venue, "settleExpired(uint256)", call.position)


# HEDGE-628
def test_settle__settled_by_another_already__comes_home_just_the_same(vault: LyraVault) -> None:
    vault.trade(CALL)
    (held,) = vault.holdings()
    vault.pass_time_to(vault.expiry() + 3_600)
    vault.publish(1_900.0)
    vault.settle()
    nav = vault.nav()
    vault.settle_positions([held.position])
    assert vault.nav() == pytest.approx(nav, abs=WEI)
    idle = vault.balance(vault.vault)
    vault.act(vault.stranger, vault.venue, "settleExpired(uint256)", held.position)
    assert vault.balance(vault.vault) - idle == 5 * 150 * WAD
    assert vault.nav() == pytest.approx(nav, abs=WEI)


# --- strangers, members, modes ----------------------------------------------------------------------------------------


# HEDGE-629
def test_account__option_given_by_a_stranger__counts_for_nothing(vault: LyraVault) -> None:
    vault.trade(CALL)
    position = vault.open(1, LONG_CALL, 3)
    vault.mine_one()
    before = (vault.equity(), vault.risk().held_vega)
    vault.send("OptionToken", "transferFrom", vault.trader, vault.venue, position, sender=vault.trader)
    assert (vault.equity(), vault.risk().held_vega) == before
    with refused_with("SaleExceedsHolding(uint256,uint256,uint256)", 0, 8 * WAD, 5 * WAD):
        vault.trade(Order(1, True, -8 * WAD))
    with refused_with("NotHeld(uint256)", position):
        vault.act(vault.stranger, vault.venue, "settleExpired(uint256)", position)


# HEDGE-629
def test_trade__by_anyone_but_a_keeper__is_refused(vault: LyraVault) -> None:
    for account in (vault.stranger, vault.governor, vault.guardian, vault.member):
        with refused_with("NotKeeper(address)", account):
            vault.trade(CALL, sender=account)
    for signature, arguments in (("depositMargin(uint256)", (1,)), ("withdrawMargin(uint256)", (1,))):
        with refused_with("OnlyVault(address,address)", vault.keeper, vault.vault):
            vault.act(vault.keeper, vault.venue, signature, *arguments)
    with refused_with("NotGuardian(address)", vault.keeper):
        vault.act(vault.keeper, vault.venue, TIGHTEN_CAPS, CAPS)
    with pytest.raises(RpcError):
        vault.act(vault.guardian, vault.venue, SET_CAPS, CAPS)


# HEDGE-629
def test_trade__intent_used_before_or_late__is_refused(vault: LyraVault) -> None:
    intent, orders = vault.intent(), vault.encoded((CALL,))
    vault.mine_one()
    call = "trade((bytes32,uint256,bytes32,uint256),(uint256,bool,int256,uint256)[])"
    vault.act(vault.keeper, vault.venue, call, intent, orders)
    with refused("IntentOutdated(bytes32,uint256,uint256)"):
        vault.act(vault.keeper, vault.venue, call, intent, orders)
    with refused("DeadlinePassed(uint256,uint256)"):
        vault.act(vault.keeper, vault.venue, call, (*vault.intent()[:3], vault.now() - 1), orders)


# HEDGE-630
def test_member__enters_before_a_trade_and_leaves_after_it__gains_nothing(vault: LyraVault) -> None:
    vault.trade(CALL, PUT)
    shares_before = vault.shares()
    assets = 10_000 * WAD
    vault.deposit(assets)
    mine = vault.shares() - shares_before
    vault.trade(Order(1, True, 2 * WAD), Order(1, False, 2 * WAD))
    assert vault.worth_of(mine) < assets
    vault.act(vault.guardian, vault.vault, "setReduceOnly()")
    vault.trade(Order(1, True, -7 * WAD), Order(1, False, -7 * WAD))
    assert vault.worth_of(mine) < assets


# HEDGE-630
def test_member__leaves_at_the_bid__those_who_stay_lose_nothing(vault: LyraVault) -> None:
    vault.trade(CALL, PUT)
    held = vault.shares()
    vault.act(vault.member, vault.vault, "redeem(uint256,address,address)", held // 4, vault.stranger, vault.member)
    left = vault.shares()
    nav_low, _ = vault.nav()
    assert nav_low * held >= 99_999 * (NAV_USD * WAD - CASH_USD * WAD + vault.equity()[0]) * left // 100_000


# HEDGE-631
def test_modes__paused_closing_winding_down__as_the_vault_has_them(vault: LyraVault) -> None:
    vault.trade(CALL, PUT)
    vault.act(vault.guardian, vault.registry, "closeVenue(address)", vault.venue)
    with refused_with("OnlySalesAllowed(uint256)", 0):
        vault.trade(CALL)
    vault.trade(Order(1, True, -WAD))
    vault.act(vault.guardian, vault.vault, "pause()")
    with refused_with("TradingStopped()"):
        vault.trade(Order(1, True, -WAD))
    vault.act(vault.guardian, vault.vault, "endPause()")
    vault.pass_time_to(vault.now() + 2 * 3_600)  # the feed is silent now
    with refused_with("NoHealthyPrice()"):
        vault.trade(Order(1, True, -WAD))
    vault.govern(vault.vault, "startWindDown()")
    vault.pass_time_to(vault.now() + 2 * 3_600)
    vault.trade(Order(1, True, -4 * WAD), Order(1, False, -5 * WAD))
    assert vault.holdings() == []
    vault.act(vault.stranger, vault.vault, "bringMarginHome(address,uint256)", vault.venue, vault.cash())
    assert vault.cash() == 0


# HEDGE-631
def test_modes__reduce_only__only_sales(vault: LyraVault) -> None:
    vault.act(vault.guardian, vault.vault, "setReduceOnly()")
    with refused_with("OnlySalesAllowed(uint256)", 0):
        vault.trade(CALL)


# HEDGE-631
def test_modes__venue_removed_by_force__sells_and_its_cash_comes_home(vault: LyraVault) -> None:
    vault.trade(CALL)
    vault.act(vault.guardian, vault.vault, "lowerDepositCap(uint256)", 0)
    vault.govern(vault.registry, "forceRemoveVenue(address)", vault.venue)
    assert vault.cash() == 0, "what is free comes home with it"
    vault.trade(Order(1, True, -5 * WAD))
    vault.act(vault.stranger, vault.vault, "recoverMargin(address)", vault.venue)
    assert vault.cash() == 0
    assert vault.holdings() == []


# HEDGE-632
def test_venue__as_a_perp__trades_nothing_and_moves_margin(vault: LyraVault) -> None:
    with refused_with("TradesOptionsOnly()"):
        vault.act(vault.keeper, vault.vault, REBALANCE, vault.intent(), [(vault.venue, 0, WAD, 0)])
    with refused_with("TradesOptionsOnly()"):
        vault.act(vault.keeper, vault.venue, "quote(int256)", WAD)
    nav = vault.nav()
    vault.fund(-5_000 * WAD)
    assert vault.nav() == nav
    assert vault.cash() == (CASH_USD - 5_000) * WAD
    with refused_with("UnknownOrder(bytes32)", bytes(32)):
        vault.act(vault.keeper, vault.venue, "cancel(bytes32)", bytes(32))


# HEDGE-632
def test_venue__with_options__is_not_removed_without_force(vault: LyraVault) -> None:
    vault.trade(CALL)
    with refused("VenueNotEmpty(address,int256,int256)"):
        vault.govern(vault.registry, "removeVenue(address)", vault.venue)


# HEDGE-633
def test_source__bound_once_and_only_the_venues_own(vault: LyraVault) -> None:
    with refused_with("SourceAlreadyBound(address)", vault.source):
        vault.govern(vault.venue, "bindSource(address)", vault.source)


# HEDGE-633
def test_venue__cash_that_runs_out__buys_nothing(vault: LyraVault) -> None:
    vault.fund(-(CASH_USD - 100) * WAD)
    with pytest.raises(RpcError):
        vault.trade(CALL)
    vault.trade(Order(1, True, WAD // 10))
    assert vault.view("quote", "allowance", vault.venue, vault.contracts["OptionMarket"].address) == (0,)
