"""Attack: a stranger takes back liquidity in every block until the pool's history is shorter than Curie's averages.

Curie itself refuses trades that overrun the history, but not liquidity that is taken back.
"""

from __future__ import annotations

import pytest

from agent.errors import FatalError
from agent.localnet.codec import encode_call
from agent.localnet.curie.pool_math import tick_on_grid
from agent.localnet.evm import Transaction
from agent.localnet.rpc import RpcError
from agent.units import WAD
from tests.support.adversary import Adversary, attack_yields_at_most
from tests.support.curie_market import GAS, NO_FLOOR, USDC_UNIT, open_market, whole
from tests.support.curie_strangers import Stranger
from tests.support.keeper_world import START_PRICE_USD

pytestmark = pytest.mark.chain

MARGIN_USD = 200_000
HISTORY = 500
"""Observations the local chain's pool keeps: 25 minutes at one in 3 seconds, where Curie's longest average takes 30."""
LONGER_HISTORY = 2_000
BLOCK_SECONDS = 3
AVERAGE_SECONDS = 1_800
PART = 10**9
"""Liquidity taken back in each block."""
NO_DEADLINE = 2**256 - 1
LENGTHENING_GAS = 15_000_000
OWNER = "depositor"
DEPOSIT_USD = 1_000_000.0
ACCOUNT = "(int256,int256,int256,int256,uint256,uint256)"


@pytest.fixture(scope="module")
def market_of_the_module(tmp_path_factory):
    with open_market(tmp_path_factory.mktemp("curie")) as market:
        market.deposit(MARGIN_USD)
        market.execute(whole(-20))
        stranger = Stranger(market.localnet)
        stranger.deposit_usdc(stranger.address, 20_000 * USDC_UNIT)
        yield market


@pytest.fixture
def market(market_of_the_module):
    with market_of_the_module.undone() as market:
        yield market


def overrun(target):
    """Take back a little liquidity around the price, a block each: all that changes it there writes an observation."""
    attacker, house, base = target.accounts["attacker"], target.curie.clearing_house, target.curie.base_token
    ends = tick_on_grid(2_400.0), tick_on_grid(4_200.0)
    add = "addLiquidity((address,uint256,uint256,int24,int24,uint256,uint256,bool,uint256))"
    order = (base, WAD, 10_000 * WAD, *ends, 0, 0, False, NO_DEADLINE)
    target.chain.mine([Transaction("liquidity", attacker, house, encode_call(add, order), GAS)])
    part = (base, *ends, PART, 0, 0, NO_DEADLINE)
    remove = encode_call("removeLiquidity((address,int24,int24,uint128,uint256,uint256,uint256))", part)
    for _ in range(HISTORY + 1):
        work = Transaction("liquidity", attacker, house, remove, GAS)
        target.chain.mine([work], timestamp=target.chain.head().timestamp + BLOCK_SECONDS)


# HEDGE-509
def test_pool_history_overrun__account__unknown_but_size_is_told(market):
    overrun(market)
    with pytest.raises(FatalError, match="OLD"):
        market.view("account()", returns=ACCOUNT)
    assert market.view("size()", returns="(int256)") == (whole(-20),)
    assert market.simulate("freeCollateral()", returns="(uint256)") == (0,)
    with pytest.raises(RpcError):
        market.send("execute(int256,uint256)", whole(-1), NO_FLOOR)
    market.pass_time(AVERAGE_SECONDS)
    assert market.view("account()", returns=ACCOUNT)[0] == whole(-20), "time mends it"


@pytest.fixture
def adversary(keeper_chain):
    """A vault with a hedge, and the attacker one of its members."""
    with keeper_chain.fresh() as fresh:
        one = Adversary(fresh)
        one.join()
        fresh.step(START_PRICE_USD)
        assert one.hedge() > 50
        one.fund(20_000)
        yield one


def blind(adversary):
    overrun(adversary)
    adversary.publish(START_PRICE_USD)


# HEDGE-509
def test_pool_history_overrun__vault__exits_are_paid_from_idle(adversary):
    """The venue counts 0 meanwhile: who leaves then leaves his part of it to the others, and no more."""
    owner, (equity, _) = adversary.accounts[OWNER], adversary.equity_usd()
    quarter, worth = adversary.shares(owner) // 4, adversary.worth_usd(owner)
    blind(adversary)
    paid = adversary.redeem(quarter, owner)
    assert paid > 0.0
    attack_yields_at_most(worth / 4 - paid, equity / 4)


# HEDGE-509
def test_pool_history_overrun__least_assets_named__exit_is_refused(adversary):
    owner = adversary.accounts[OWNER]
    quarter, worth = adversary.shares(owner) // 4, adversary.worth_usd(owner)
    blind(adversary)
    paid = adversary.redeem(quarter, owner, least_usd=0.99 * worth / 4)
    attack_yields_at_most(worth / 4 - paid if paid else 0.0, 0.0)


# HEDGE-509
def test_pool_history_overrun__deposit_meanwhile__is_refused(adversary):
    """He would buy the venue's equity for nothing."""
    blind(adversary)
    gain = adversary.round_trip(DEPOSIT_USD)
    adversary.pass_time(AVERAGE_SECONDS)
    adversary.publish(START_PRICE_USD)
    attack_yields_at_most(gain(), 0.0)


# HEDGE-509
def test_pool_history_overrun__half_an_hour_later__vault_is_as_it_was(adversary):
    """The figure is the part of NAV that is still missing, less half an hour's funding, USD."""
    before, funding = adversary.nav_usd(), adversary.loss_bounds().funding
    blind(adversary)
    assert adversary.nav_usd() == adversary.idle_usd(), "the venue counts 0"
    adversary.pass_time(AVERAGE_SECONDS)
    adversary.publish(START_PRICE_USD)
    assert adversary.deposit(1_000.0)
    hours = (HISTORY * BLOCK_SECONDS + AVERAGE_SECONDS) / 3_600 + 0.1
    attack_yields_at_most(before + 1_000.0 - adversary.nav_usd(), funding * hours / 24)


# HEDGE-509
def test_pool_history_overrun__history_lengthened_by_anyone__account_told_throughout(market):
    for slots in range(HISTORY, LONGER_HISTORY + 1, 500):
        lengthen = encode_call("increaseObservationCardinalityNext(uint16)", slots)
        work = Transaction("lengthen", market.accounts["spare"], market.curie.pool, lengthen, LENGTHENING_GAS)
        market.chain.mine([work])
    overrun(market)
    assert market.view("account()", returns=ACCOUNT)[0] == whole(-20)
