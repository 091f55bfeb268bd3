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
from tests.support.curie_market import GAS, NO_FLOOR, USDC_UNIT, open_market, whole
from tests.support.curie_strangers import Stranger

pytestmark = pytest.mark.chain

PORT = 18_688
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
ACCOUNT = "(int256,int256,int256,int256,uint256,uint256)"


@pytest.fixture(scope="module")
def market_of_the_module(tmp_path_factory):
    with open_market(PORT, tmp_path_factory.mktemp("curie")) as market:
        market.deposit(MARGIN_USD)
        market.execute(whole(-20))
        stranger = Stranger(market.localnet)
        stranger.deposit_usdc(stranger.address, 20_000 * USDC_UNIT)
        yield market


@pytest.fixture
def market(market_of_the_module):
    with market_of_the_module.undone() as market:
        yield market


def overrun(market):
    """Take back a little liquidity around the price, a block each: all that changes it there writes an observation."""
    attacker, house, base = market.accounts["attacker"], market.curie.clearing_house, market.curie.base_token
    ends = tick_on_grid(2_400.0), tick_on_grid(4_200.0)
    add = "addLiquidity((address,uint256,uint256,int24,int24,uint256,uint256,bool,uint256))"
    market.send_to(house, add, (base, WAD, 10_000 * WAD, *ends, 0, 0, False, NO_DEADLINE), sender=attacker)
    part = (base, *ends, PART, 0, 0, NO_DEADLINE)
    remove = encode_call("removeLiquidity((address,int24,int24,uint128,uint256,uint256,uint256))", part)
    for _ in range(HISTORY + 1):
        work = Transaction("liquidity", attacker, house, remove, GAS)
        market.chain.mine([work], timestamp=market.chain.head().timestamp + BLOCK_SECONDS)


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


# HEDGE-509
def test_pool_history_overrun__history_lengthened_by_anyone__account_told_throughout(market):
    for slots in range(HISTORY, LONGER_HISTORY + 1, 500):
        lengthen = encode_call("increaseObservationCardinalityNext(uint16)", slots)
        work = Transaction("lengthen", market.accounts["spare"], market.curie.pool, lengthen, LENGTHENING_GAS)
        market.chain.mine([work])
    overrun(market)
    assert market.view("account()", returns=ACCOUNT)[0] == whole(-20)
