"""The market of the local chain: where steps put its price, its clock and its funds."""

from __future__ import annotations

import itertools
import random
import time

import pytest

from agent.errors import DataError, FatalError, TransientError
from agent.localnet.anvil import free_port
from agent.localnet.codec import encode_call
from agent.localnet.curie.actors import deposit_margin
from agent.localnet.evm import Transaction
from agent.localnet.rpc import JsonRpc, RpcError
from agent.localnet.session import Localnet, LocalnetSettings, running_manifest
from agent.localnet.world import open_world
from tests.support.curie_market import curie_addresses

pytestmark = pytest.mark.chain

START = LocalnetSettings().start_unix
START_USD = LocalnetSettings().start_price_usd
USDC_UNIT = 10**6


@pytest.fixture(scope="module")
def chain_of_the_module(tmp_path_factory):
    settings = LocalnetSettings(port=free_port(), state_directory=tmp_path_factory.mktemp("session"))
    with Localnet.up(settings) as running:
        yield running


@pytest.fixture
def localnet(chain_of_the_module):
    rpc = chain_of_the_module.chain.rpc
    snapshot = rpc.request("evm_snapshot")
    yield chain_of_the_module
    rpc.request("evm_revert", snapshot)


def later(localnet, seconds=300):
    return localnet.chain.head().timestamp + seconds


def venue_number(localnet, contract, signature, *arguments):
    address = getattr(curie_addresses(localnet), contract)
    return int(localnet.chain.call(address, signature, *arguments, returns="(int256)")[0])


def mark_usd(localnet):
    return (
        venue_number(localnet, "account_balance", "getMarkPrice(address)", curie_addresses(localnet).base_token) / 1e18
    )


def account_value_usd(localnet, role):
    account = localnet.manifest.accounts[role]
    return venue_number(localnet, "clearing_house", "getAccountValue(address)", account) / 1e18


def free_collateral_usd(localnet, role):
    account = localnet.manifest.accounts[role]
    return venue_number(localnet, "vault", "getFreeCollateral(address)", account) / USDC_UNIT


# --- opening ------------------------------------------------------------------------------------------------------


def test_up__market__stands_ready_at_the_start_price_and_time(localnet):
    assert localnet.chain.head().timestamp == START
    assert localnet.market_price_usd() == pytest.approx(START_USD, rel=1e-12)
    assert localnet.published_price()[0] == START_USD
    assert mark_usd(localnet) == pytest.approx(START_USD, rel=1e-3)


def test_up__depth__fifty_sold_execute_twenty_bps_below_the_price(localnet):
    curie, trader = curie_addresses(localnet), localnet.manifest.accounts["arbitrageur"]
    signature = "openPosition((address,bool,bool,uint256,uint256,uint256,uint160,bytes32))"
    order = (curie.base_token, True, True, 50 * 10**18, 0, 2**256 - 1, 0, bytes(32))
    call = {"from": trader, "to": curie.clearing_house, "data": encode_call(signature, order)}
    answer = localnet.chain.rpc.request("eth_call", call, "latest")
    proceeds_after_fee_usd = int(answer[66:], 16) / 1e18
    executed_usd = proceeds_after_fee_usd / (1 - 0.001) / 50
    # The poker's own position of 0.001 was traded before the market was moved back to its price.
    assert 1e4 * (1 - executed_usd / START_USD) == pytest.approx(20.0, rel=1e-3)


def test_up__quote_token__sorts_above_the_base_token(localnet):
    assert int(curie_addresses(localnet).quote_token, 16) > int(curie_addresses(localnet).base_token, 16)


# --- determinism --------------------------------------------------------------------------------------------------


def run_of_steps(directory, seconds_between):
    """State roots after each of a few steps, with a trade of another account among them."""
    roots = []
    with Localnet.up(LocalnetSettings(port=free_port(), state_directory=directory)) as localnet:
        for number, price_usd in enumerate((3_210.0, 3_100.0, 2_200.0, 3_333.33), start=1):
            result = localnet.step(price_usd, START + seconds_between * number)
            roots.append((result.block.number, result.block.state_root))
            localnet.fund_usdc(localnet.manifest.accounts["attacker"], 5 * USDC_UNIT)
        return curie_addresses(localnet), roots


def test_up_and_step__twice_with_the_same_settings__same_addresses_and_state_roots(tmp_path):
    first = run_of_steps(tmp_path / "first", 300)
    second = run_of_steps(tmp_path / "second", 300)
    assert first == second


def test_up_and_step__other_times__other_state_roots(tmp_path):
    addresses, roots = run_of_steps(tmp_path / "first", 300)
    other_addresses, other_roots = run_of_steps(tmp_path / "second", 301)
    assert addresses == other_addresses
    assert roots[-1] != other_roots[-1]


def test_blocks_nobody_dates__any_wall_clock__one_second_after_their_parent(localnet):
    before = localnet.chain.head()
    for _ in range(3):
        localnet.chain.rpc.request("evm_mine")
    assert localnet.chain.head().timestamp == before.timestamp + 3


# --- steps --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [1, 12, 16, 300, 3_600, 86_400])
def test_step__any_interval__head_dated_exactly_and_pool_at_the_index(localnet, seconds):
    at_unix = later(localnet, seconds)
    result = localnet.step(3_150.0, at_unix)
    assert result.block == localnet.chain.head()
    assert result.block.timestamp == at_unix
    assert result.market_price_usd == pytest.approx(3_150.0, rel=1e-9)
    assert localnet.published_price()[0] == result.price_usd == 3_150.0


@pytest.mark.parametrize(("ratio", "mark_error"), [(0.926, 1e-3), (0.7, 2e-3), (1.3, 2e-3), (0.5, 1e-2), (2.0, 1e-2)])
def test_step__five_minutes_with_a_jump__pool_index_and_mark_at_the_new_price(localnet, ratio, mark_error):
    price_usd = START_USD * ratio
    result = localnet.step(price_usd, later(localnet))
    assert result.market_price_usd == pytest.approx(price_usd, rel=1e-9)
    assert mark_usd(localnet) == pytest.approx(price_usd, rel=mark_error)


def test_step__jump_without_time_for_it__pool_lags_and_catches_up(localnet):
    result = localnet.step(START_USD * 0.8, later(localnet, 10))
    assert result.market_price_usd == pytest.approx(START_USD, rel=1e-9), "the venue refuses 2,231 ticks at once"
    result = localnet.step(START_USD * 0.8, later(localnet))
    assert result.market_price_usd == pytest.approx(START_USD * 0.8, rel=1e-9)


def test_step__same_price_again__no_trade_and_funding_settled(localnet):
    localnet.step(START_USD, later(localnet))
    position = ("getTotalPositionSize(address,address)", localnet.manifest.accounts["arbitrageur"])
    base = curie_addresses(localnet).base_token
    held = venue_number(localnet, "account_balance", *position, base)
    result = localnet.step(START_USD, later(localnet))
    assert venue_number(localnet, "account_balance", *position, base) == held
    poker = localnet.manifest.accounts["funding_poker"]
    pending = "getPendingFundingPayment(address,address)"
    assert venue_number(localnet, "exchange", pending, poker, base) == 0
    assert result.blocks_mined == 2


def test_step__base_fee_named__head_has_it_and_the_next_step_the_usual_one(localnet):
    dear = 400 * 10**9
    assert localnet.step(START_USD, later(localnet), base_fee_wei=dear).block.base_fee_wei == dear
    usual = localnet.manifest.base_fee_wei
    assert localnet.step(START_USD, later(localnet)).block.base_fee_wei == usual


def test_step__transactions_of_others__still_mined_by_themselves_afterwards(localnet):
    localnet.step(3_150.0, later(localnet))
    sender, to = localnet.manifest.accounts["spare"], localnet.manifest.accounts["attacker"]
    number = localnet.chain.head().number
    sent = localnet.chain.rpc.request("eth_sendTransaction", {"from": sender, "to": to, "value": "0x1"})
    deadline = time.monotonic() + 10
    while (receipt := localnet.chain.rpc.request("eth_getTransactionReceipt", sent)) is None:
        assert time.monotonic() < deadline, "never mined"
    assert int(receipt["blockNumber"], 16) == number + 1


@pytest.mark.parametrize("seconds", [0, -300])
def test_step__not_after_the_last_block__data_error_and_no_block(localnet, seconds):
    number = localnet.chain.head().number
    with pytest.raises(DataError, match="not after the last block"):
        localnet.step(3_150.0, later(localnet, seconds))
    assert localnet.chain.head().number == number


@pytest.mark.parametrize("price_usd", [0.0, -1.0, float("nan"), float("inf")])
def test_step__no_price__data_error_and_no_block(localnet, price_usd):
    number = localnet.chain.head().number
    with pytest.raises(DataError, match="price_usd"):
        localnet.step(price_usd, later(localnet))
    assert localnet.chain.head().number == number


def test_steps__two_thousand_with_jumps_30_percent__actors_solvent_and_pool_at_index(localnet):
    generator = random.Random(5)
    directions = itertools.cycle((0.7, 1 / 0.7, 1.3, 1 / 1.3))
    price_usd, at_unix = START_USD, localnet.chain.head().timestamp
    for number in range(2_000):
        is_jump = number % 100 == 50
        price_usd *= next(directions) if is_jump else 1 + generator.uniform(-0.003, 0.003)
        at_unix += 300 if is_jump else 12
        result = localnet.step(price_usd, at_unix)
        assert result.market_price_usd == pytest.approx(price_usd, rel=1e-9), f"step {number}"
    for role in ("arbitrageur", "liquidity_maker", "funding_poker"):
        assert account_value_usd(localnet, role) > 0, role
        assert free_collateral_usd(localnet, role) > 0.9 * account_value_usd(localnet, role), role


def test_step__another_trades_past_the_target_in_the_same_block__pool_left_to_it(localnet):
    curie, attacker = curie_addresses(localnet), localnet.manifest.accounts["attacker"]
    localnet.chain.mine(deposit_margin(attacker, localnet.manifest.usdc, curie.vault, 1_000_000 * USDC_UNIT))
    order = (curie.base_token, True, True, 100 * 10**18, 0, 2**256 - 1, 0, bytes(32))
    signature = "openPosition((address,bool,bool,uint256,uint256,uint256,uint160,bytes32))"
    sale = Transaction("sale", attacker, curie.clearing_house, encode_call(signature, order), 3_000_000)
    first = {**sale.parameters(), "maxPriorityFeePerGas": hex(2_500 * 10**6)}
    localnet.chain.rpc.request("evm_setAutomine", False)
    localnet.chain.rpc.request("eth_sendTransaction", first)
    result = localnet.step(START_USD * 0.999, later(localnet))
    assert result.market_price_usd == pytest.approx(START_USD * (1 - 0.008), rel=1e-3)
    assert localnet.step(START_USD, later(localnet)).market_price_usd == pytest.approx(START_USD, rel=1e-9)


def test_step__target_a_hair_from_the_pool__nothing_to_trade_and_no_failure(localnet):
    root = localnet.markets["curie"].pool_sqrt_x96()
    (hair,) = localnet.markets["curie"].arbitrageur.trade_to(root + 1, root)
    (receipt,) = localnet.chain.mine([hair])
    assert not receipt.succeeded
    assert localnet.markets["curie"].pool_sqrt_x96() == root


def test_step__more_trades_than_the_pool_remembers__fatal_with_the_venues_reason(localnet):
    start = localnet.chain.head().timestamp

    def step_every_second():
        for number in range(1, 600):
            localnet.step(START_USD * (1 + number % 2 * 1e-4), start + number)

    with pytest.raises(FatalError, match="arbitrage reverted: OLD"):
        step_every_second()


# --- what is underneath -------------------------------------------------------------------------------------------


def test_fund_usdc__any_account__minted_in_a_block_of_its_own(localnet):
    to, number = localnet.manifest.accounts["attacker"], localnet.chain.head().number
    localnet.fund_usdc(to, 12 * USDC_UNIT + 3)
    assert localnet.chain.call(localnet.manifest.usdc, "balanceOf(address)", to, returns="(uint256)") == (
        12 * USDC_UNIT + 3,
    )
    assert localnet.chain.head().number == number + 1


def test_mine__a_transaction_reverts__fatal_names_it_and_mining_goes_on(localnet):
    spare = localnet.manifest.accounts["spare"]
    transfer = encode_call("transfer(address,uint256)", spare, 1)
    with pytest.raises(FatalError, match="payment of nothing reverted: 0xe450d38c"):  # ERC20InsufficientBalance
        localnet.chain.mine([Transaction("payment of nothing", spare, localnet.manifest.usdc, transfer, 200_000)])
    localnet.fund_usdc(spare, 1)


def test_call__reverts__fatal_with_the_reason(localnet):
    with pytest.raises(FatalError, match=r"initialize\(uint160\) of 0x.* reverted: AI"):
        localnet.chain.call(curie_addresses(localnet).pool, "initialize(uint160)", 1, returns="()")


def test_request__unknown_method__rpc_error_names_it(localnet):
    with pytest.raises(RpcError, match="evm_nothing"):
        localnet.chain.rpc.request("evm_nothing")


def test_request__nobody_listens__transient_error():
    with pytest.raises(TransientError, match="does not answer"):
        JsonRpc(f"http://127.0.0.1:{free_port()}").request("eth_blockNumber")


def test_batch__answers__in_the_order_of_the_calls(localnet):
    calls = [("eth_chainId", []), ("eth_blockNumber", []), ("eth_chainId", [])]
    assert localnet.chain.rpc.batch(calls) == ["0x7a69", hex(localnet.chain.head().number), "0x7a69"]
    assert localnet.chain.rpc.batch([]) == []


def test_open_world__another_node_has_the_port__fatal_and_nothing_deployed(localnet):
    number, port = localnet.chain.head().number, int(localnet.rpc_url.rpartition(":")[2])
    with pytest.raises(FatalError, match="another node answers"):
        open_world(LocalnetSettings(port=port), pid=1)
    assert localnet.chain.head().number == number


def test_up__chain_of_this_directory_runs__data_error_says_how_to_stop_it(localnet):
    with pytest.raises(DataError, match="evenkeel localnet down"):
        Localnet.up(LocalnetSettings(port=free_port(), state_directory=localnet.state_directory))
    assert running_manifest(localnet.state_directory) == localnet.manifest
