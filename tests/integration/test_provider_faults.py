"""The keeper on a real chain behind servers that fail as real providers do: it hedges once, and says what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agent.chain.breaker import BreakerState
from agent.chain.client import ChainClient
from agent.chain.endpoint import FINAL_REFUSALS
from agent.chain.limits import SUCCESSES_TO_GROW
from agent.errors import AgentError, DataError, FatalError, TransientError
from agent.execution.config import KEEPER_KEY_VARIABLE
from agent.keeper.keeper import Keeper
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.records import IntentState
from agent.localnet.codec import encode_call
from agent.localnet.evm import Transaction
from agent.units import WAD
from tests.support.fault_proxy import (
    FaultProxy,
    accept_and_drop,
    answer,
    batch_limit,
    error,
    hang,
    html,
    http_status,
    lie,
    nethermind_reverts,
    null,
    proxies,
    pruned,
    range_limit,
    reorder,
    stale_head,
    too_many_requests,
    truncate,
)
from tests.support.keeper_world import KeeperWorld

pytestmark = pytest.mark.chain

BRIEF = {"receipt_timeout_seconds": 0.3, "max_replacements": 0}
MOST_CYCLES = 8


@pytest.fixture
def world(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield fresh


@contextmanager
def keeper_behind(
    world: KeeperWorld, servers: list[FaultProxy], quorum: int = 1, ledger: str = "ledger", **execution: Any
) -> Iterator[Keeper]:
    settings = world.settings(ledger, **execution).with_rpc_urls(*(server.url for server in servers))
    chain = settings.chain.model_copy(update={"rpc_quorum": quorum})
    with Keeper.build(settings.model_copy(update={"chain": chain}), world.book(), {}) as keeper:
        yield keeper


def until_hedged(keeper: Keeper, cycles: int = MOST_CYCLES) -> tuple[list[CycleResult], list[AgentError]]:
    """Cycle as the loop does, without its waits, until a cycle holds; what is fatal is raised."""
    results: list[CycleResult] = []
    troubles: list[AgentError] = []
    for _ in range(cycles):
        try:
            results.append(keeper.cycle())
        except TransientError as trouble:
            troubles.append(trouble)
            continue
        if results[-1].outcome is Outcome.HELD:
            break
    return results, troubles


def assert_hedged_once(world: KeeperWorld, keeper: Keeper) -> None:
    assert len(world.events("Rebalanced")) == 1
    assert world.size() > 50 * WAD
    assert sum(fill.size_delta for fill in keeper.ledger.fills()) == world.size()
    assert keeper.ledger.open_intents() == []


# --- sends reach everybody --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quorum", [1, 2])
def test_cycle__first_server_accepts_and_drops__hedge_goes_out_in_the_same_cycle(world, quorum):
    """Was nine cycles without a hedge: nothing reached the healthy servers."""
    with proxies(world.localnet.rpc_url, 3) as servers:
        servers[0].on("eth_sendRawTransaction", accept_and_drop())
        with keeper_behind(world, servers, quorum) as keeper:
            assert keeper.cycle().outcome is Outcome.EXECUTED
            assert [server.count("eth_sendRawTransaction") for server in servers] == [1, 1, 1]
            assert_hedged_once(world, keeper)


def test_resume__resend_and_bump__reach_every_server_too(world):
    with proxies(world.localnet.rpc_url, 2) as servers:
        for server in servers:
            server.on("eth_sendRawTransaction", accept_and_drop(), times=1)
        with keeper_behind(world, servers, **BRIEF) as keeper:
            assert keeper.cycle().outcome is Outcome.PENDING
            assert keeper.cycle().resumed is IntentState.EXECUTED
            assert [server.count("eth_sendRawTransaction") for server in servers] == [2, 2]
            assert_hedged_once(world, keeper)


# --- refusals of a moment ---------------------------------------------------------------------------------------------

REFUSALS = [
    (-32005, "Too Many Requests"),
    (429, "429 Too Many Requests"),
    (-32016, "over rate limit"),
    (-32000, "txpool is full"),
    (-32000, "transaction pool is full"),
    (-32000, "Known transaction"),
    (-32000, "INTERNAL_ERROR: existing tx with same hash"),
    (-32010, "OldNonce, Current nonce: 4, nonce of rejected tx: 3"),
    (-32010, "AlreadyKnown"),
    (-32000, "max fee per gas less than block base fee: address 0x0, maxFeePerGas: 1 baseFee: 2"),
    (-32000, "tx fee (1.30 ether) exceeds the configured cap (1.00 ether)"),
    (-32000, "already known"),
    (-32000, "replacement transaction underpriced"),
    (-32603, "Internal error"),
    (-32600, "Invalid Request"),
    (-32000, "something nobody has said before"),
    (3, "execution reverted"),
    (-32601, "method temporarily not found on this backend"),
    (-32602, "invalid params"),
]


@pytest.mark.parametrize(("code", "message"), REFUSALS)
def test_cycle__transaction_refused_for_a_moment__process_lives_and_hedges_once(world, code, message):
    """Was fatal for 16 of 16 realistic refusals."""
    with FaultProxy(world.localnet.rpc_url) as server:
        server.on("eth_sendRawTransaction", error(code, message), times=2)
        with keeper_behind(world, [server], **BRIEF) as keeper:
            results, _ = until_hedged(keeper)
            assert results[-1].outcome is Outcome.HELD
            assert_hedged_once(world, keeper)


def test_cycle__servers_say_there_is_no_gas_money__only_all_together_stop_the_keeper(world):
    refusal = error(-32000, "insufficient funds for gas * price + value: balance 0, tx cost 1")
    with proxies(world.localnet.rpc_url, 2) as servers:
        for server in servers:
            server.on("eth_sendRawTransaction", refusal, times=1)
        with keeper_behind(world, servers, **BRIEF) as keeper:
            with pytest.raises(FatalError, match="insufficient funds"):
                keeper.cycle()
            servers[0].on("eth_sendRawTransaction", refusal)
            assert keeper.cycle().resumed is IntentState.EXECUTED
            assert_hedged_once(world, keeper)


@pytest.mark.parametrize(
    "fault",
    [
        too_many_requests(),
        too_many_requests("0"),
        http_status(503),
        html(),
        html(403),
        truncate(),
        null(),
        answer("nonsense"),
        answer({"number": "0x1"}),
        answer([]),
        error(-32600, "Invalid Request"),
        error(-32603, "Internal error"),
        error(-32005, "limit exceeded"),
        batch_limit(0),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_cycle__every_tenth_request_fails__is_a_fault_of_the_moment_and_hedges_once(world, fault):
    with FaultProxy(world.localnet.rpc_url) as server, keeper_behind(world, [server], **BRIEF) as keeper:
        server.on("*", fault, every=10, times=6)
        results, _ = until_hedged(keeper)
        assert results[-1].outcome is Outcome.HELD
        assert_hedged_once(world, keeper)


def test_cycle__every_server_without_a_method__is_final_once_all_have_said_so_thrice(world):
    with proxies(world.localnet.rpc_url, 2) as servers, keeper_behind(world, servers, **BRIEF) as keeper:
        refusals = [
            server.on("eth_call", error(-32601, "the method eth_call does not exist/is not available"))
            for server in servers
        ]
        for _ in range(FINAL_REFUSALS - 1):
            with pytest.raises(TransientError, match="eth_call"):
                keeper.cycle()
        with pytest.raises(FatalError, match="eth_call"):
            keeper.cycle()
        assert all(refusal.struck > 0 for refusal in refusals)


# --- hanging, limits, order -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quorum", [1, 2])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_cycle__one_server_of_three_hangs__no_request_waits_for_its_time_out(world, quorum, position):
    """Was ten to eleven time-outs a cycle."""
    with proxies(world.localnet.rpc_url, 3) as servers:
        with keeper_behind(world, servers, quorum) as keeper:
            servers[position].on("*", hang())
            assert keeper.cycle().outcome is Outcome.EXECUTED
            assert keeper.planner.client.health()[position].faults == 0  # all that hangs still does
            assert_hedged_once(world, keeper)
        servers[position].heal()


def test_cycle__batches_limited_and_out_of_order__are_split_sorted_and_remembered(world):
    with FaultProxy(world.localnet.rpc_url) as server:
        server.on("*", batch_limit(3), every=1)
        with keeper_behind(world, [server]) as keeper:
            assert keeper.cycle().outcome is Outcome.EXECUTED
        refused = sum(size > 3 for size in server.batch_sizes)
        found, trials = max(server.batch_sizes).bit_length(), len(server.batch_sizes) // SUCCESSES_TO_GROW
        assert 0 < refused <= found + trials  # halved until it fits, then tried again now and then
    with world.fresh(), FaultProxy(world.localnet.rpc_url) as server:
        server.on("*", reorder())
        with keeper_behind(world, [server], ledger="other") as keeper:
            assert keeper.cycle().outcome is Outcome.HELD


# --- what is read -----------------------------------------------------------------------------------------------------


def test_cycle__server_takes_no_list__is_asked_one_by_one(world):
    """Was transient for ever. The words and the code, which others give to rate limits, are those of reth's server."""
    words = {"code": -32005, "message": "Batched requests are not supported by this server"}
    with FaultProxy(world.localnet.rpc_url) as server:
        server.on("*", batch_limit(1, **words))
        with keeper_behind(world, [server]) as keeper:
            assert keeper.cycle().outcome is Outcome.EXECUTED
            assert_hedged_once(world, keeper)


def test_cycle__parent_block_is_null_just_after_the_hedge__hedge_counts(world):
    """Was a TypeError."""
    with FaultProxy(world.localnet.rpc_url) as server:
        server.on("eth_getBlockByHash", null())
        with keeper_behind(world, [server]) as keeper:
            result = keeper.cycle()
            assert result.outcome is Outcome.EXECUTED
            assert "what it led to cannot be read now" in result.reason
            assert result.receipt is not None
            assert_hedged_once(world, keeper)


@pytest.mark.parametrize("quorum", [1, 2])
def test_build__revert_as_nethermind_words_it__is_decoded_and_agrees_with_others(world, quorum):
    """Was a traceback at quorum 1, and a disagreement at quorum 2."""
    stranger = {KEEPER_KEY_VARIABLE: "0x" + "11" * 32}
    with proxies(world.localnet.rpc_url, 2) as servers:
        servers[0].on("eth_call", nethermind_reverts())
        settings = world.settings().with_rpc_urls(*(server.url for server in servers[:quorum]))
        chain = settings.chain.model_copy(update={"rpc_quorum": quorum})
        with pytest.raises(
            DataError, match=r"is no keeper of the vault \(NotKeeper\(caller=0x19E7E376E7C213B7E7e7e46c"
        ):
            Keeper.build(settings.model_copy(update={"chain": chain}), world.book(), stranger)


def test_cycle__reverted_intent_whose_state_is_pruned__is_closed_for_good(world):
    """Was transient in every cycle, for ever."""
    world.rpc("evm_setAutomine", False)
    with world.keeper(**BRIEF) as keeper:
        intent_id = keeper.cycle().intent_id
    guardian = world.localnet.manifest.accounts["guardian"]
    pause = Transaction("pause", guardian, world.vault, encode_call("pause()"), 100_000, tip_wei=10**12)
    world.localnet.chain.mine([pause])
    world.rpc("evm_setAutomine", True)
    world.rpc("anvil_mine", hex(200), hex(1))
    with FaultProxy(world.localnet.rpc_url) as server:
        server.on("eth_call", pruned(128))
        with keeper_behind(world, [server]) as keeper:
            result = keeper.cycle()
            assert result.resumed is IntentState.REVERTED
            assert keeper.ledger.states_of(intent_id)[-1] is IntentState.REVERTED
            assert keeper.ledger.open_intents() == []


def test_cycle__one_server_of_three_lies_about_the_receipt__is_outvoted(world):
    def failed(receipt: Any) -> Any:
        return receipt and {**receipt, "status": "0x0", "logs": []}

    with proxies(world.localnet.rpc_url, 3) as servers:
        servers[0].on("eth_getTransactionReceipt", lie(failed))
        with keeper_behind(world, servers, 2) as keeper:
            result = keeper.cycle()
            assert result.outcome is Outcome.EXECUTED
            assert result.receipt.is_success
            assert_hedged_once(world, keeper)


def test_cycle__log_search_behind_the_chain__books_the_fill_from_the_receipt(world):
    with FaultProxy(world.localnet.rpc_url) as server, keeper_behind(world, [server]) as keeper:
        keeper._see_head()  # with the deposits unread too, NAV would be apart, and nothing may grow
        server.on("eth_getLogs", answer([]))
        assert keeper.cycle().outcome is Outcome.EXECUTED
        assert sum(fill.size_delta for fill in keeper.ledger.fills()) == world.size()


@pytest.mark.parametrize("method", ["eth_getBlockByNumber", "eth_getLogs", "eth_getTransactionCount"])
def test_cycle__one_server_of_three_reverts_what_runs_nothing__is_outvoted(world, method):
    """Ended the keeper, or was taken for the chain's own refusal of the hedge."""
    with proxies(world.localnet.rpc_url, 3) as servers, keeper_behind(world, servers, 2) as keeper:
        servers[0].on(method, error(3, "execution reverted", "0x"))
        assert keeper.cycle().outcome is Outcome.EXECUTED
        assert_hedged_once(world, keeper)


@pytest.mark.parametrize("position", [0, 1])
def test_require_chain__any_server_on_another_chain__is_refused_at_quorum_1_too(world, position):
    with proxies(world.localnet.rpc_url, 2) as servers:
        servers[position].on("eth_chainId", answer("0x1"))
        with pytest.raises(DataError, match="answers for chain 1; correct"), keeper_behind(world, servers):
            pass


def test_cycle__head_flaps_behind_a_load_balancer__nothing_is_undone(world):
    """Was an EXECUTED intent that reopened, and verdicts that grew without end."""
    with FaultProxy(world.localnet.rpc_url) as server, keeper_behind(world, [server], **BRIEF) as keeper:
        executed = keeper.cycle()
        assert executed.outcome is Outcome.EXECUTED
        server.on("eth_getBlockByNumber", stale_head(2), every=2)
        troubles: list[str] = []
        for _ in range(20):
            try:
                assert keeper.cycle().outcome is Outcome.HELD
            except TransientError as trouble:
                troubles.append(str(trouble))
        assert troubles
        assert all("went back" in trouble or "yet" in trouble for trouble in troubles)
        states = keeper.ledger.states_of(executed.intent_id)
        assert states.count(IntentState.EXECUTED) == 1
        assert states[-1] is IntentState.EXECUTED
        assert keeper.ledger._void == set()
        assert_hedged_once(world, keeper)


# --- logs -------------------------------------------------------------------------------------------------------------

RANGE_WORDS = [
    (
        -32600,
        "Under the Free tier plan, you can make eth_getLogs requests with up to a {blocks} block range. {suggestion}",
    ),
    (-32602, "query exceeds max block range {blocks}"),
    (-32005, "query returned more than 10000 results"),
    (-32000, "block range is too wide"),
    (-32614, "eth_getLogs is limited to a {blocks} range"),
    (35, "ranges over {blocks} blocks are not supported on freetier"),
    (-32602, "range 1000000 exceeds limit of {blocks}"),
    (-32002, "request timed out"),
]


@pytest.mark.parametrize(("code", "message"), RANGE_WORDS)
def test_scan__provider_limits_the_range__ledger_is_rebuilt_and_the_limit_remembered(world, code, message):
    """Was fatal under -32600, and asked for ever under -32602."""
    with world.keeper() as keeper:
        keeper.cycle()
    world.rpc("anvil_mine", hex(2_000), hex(1))
    with FaultProxy(world.localnet.rpc_url) as server:
        server.on("eth_getLogs", range_limit(300, code, message))
        with keeper_behind(world, [server], ledger="rebuilt") as keeper:
            keeper.cycle()
            assert_hedged_once(world, keeper)
            assert 75 <= keeper.planner.client.health()[0].log_range_blocks <= 300


def test_scan__refused_at_every_40th_request__comes_to_the_end(world):
    """Was started anew for ever."""
    with world.keeper() as keeper:
        keeper.cycle()
    world.rpc("anvil_mine", hex(2_000), hex(1))
    with FaultProxy(world.localnet.rpc_url) as server, keeper_behind(world, [server], ledger="rebuilt") as keeper:
        server.on("eth_getLogs", range_limit(10))
        limit = server.on("eth_chainId", too_many_requests(), times=0)
        limit.method, limit.times, limit.every = "eth_getLogs", None, 40
        server._rules.reverse()
        most = 12  # 230 pages of 9 blocks, some refused on the way down to 9
        _, troubles = until_hedged(keeper, most)
        assert len(troubles) >= 3
        assert all("HTTP 429" in str(trouble) for trouble in troubles)
        assert_hedged_once(world, keeper)


# --- rollups ----------------------------------------------------------------------------------------------------------


def returning(*words: int) -> str:
    """Code that answers every call with these words: PUSH32 word PUSH2 place MSTORE ... PUSH2 size PUSH0 RETURN."""
    stores = "".join(f"7f{word:064x}61{index * 32:04x}52" for index, word in enumerate(words))
    return f"0x{stores}61{len(words) * 32:04x}5ff3"


def test_planner__op_stack__counts_what_the_chain_charges_for_data(world):
    l1_fee_wei = 3 * 10**14
    settings = world.settings()
    plain = settings.costs.to_cost_inputs(3_200 * WAD, settings.execution.priority_fee_gwei)
    world.rpc("anvil_setCode", "0x420000000000000000000000000000000000000F", returning(l1_fee_wei))
    rolled = settings.model_copy(update={"chain": settings.chain.model_copy(update={"rollup": "op-stack"})})
    with Keeper.build(rolled, world.book(), {}) as keeper:
        head = keeper.planner.head()
        assert keeper.planner.data_fee(1_000_000, head) == 2 * l1_fee_wei  # the operator's fee is as much here
        result = keeper.cycle()
        assert result.outcome is Outcome.EXECUTED
        gas_usd = (head.base_fee_wei + plain.priority_fee_wei) * plain.gas_units / 1e18 * plain.eth_price_usd
        assert result.decision.costs.gas_usd == pytest.approx(gas_usd + 2 * l1_fee_wei / 1e18 * 3_200, rel=0.01)
        # The node's receipts name no l1Fee: the operator's part alone is booked.
        price = int(world.rpc("eth_getTransactionReceipt", result.receipt.transaction_hash)["effectiveGasPrice"], 16)
        paid = result.receipt.gas_used * (result.receipt.gas_price_wei - price)
        assert l1_fee_wei <= paid < l1_fee_wei + result.receipt.gas_used


def test_executor__arbitrum__gas_limit_holds_the_gas_of_the_data(world):
    world.rpc("anvil_setCode", "0x00000000000000000000000000000000000000C8", returning(400_000, 1, 1))
    settings = world.settings()
    with world.keeper(ledger="plain") as keeper, world.fresh():
        plain = keeper.ledger.transactions_of(keeper.cycle().intent_id)[0].gas_limit
    rolled = settings.model_copy(update={"chain": settings.chain.model_copy(update={"rollup": "arbitrum"})})
    with Keeper.build(rolled, world.book(), {}) as keeper:
        result = keeper.cycle()
        assert result.outcome is Outcome.EXECUTED
        limit = keeper.ledger.transactions_of(result.intent_id)[0].gas_limit
        assert limit - plain == 400_000 * settings.execution.gas_limit_ratio


# --- health -----------------------------------------------------------------------------------------------------------


def test_health__server_that_fails_and_heals__is_left_alone_and_taken_back(world):
    with proxies(world.localnet.rpc_url, 2) as servers:
        settings = world.settings().with_rpc_urls(*(server.url for server in servers))
        client = ChainClient(settings.chain.model_copy(update={"rpc_quorum": 2}))
        client.require_chain()
        servers[0].on("*", too_many_requests("0"))
        with pytest.raises(
            TransientError, match=r"1 of 2 servers answer: .* limits how often it is asked \(HTTP 429\)"
        ):
            client.head(world.now())
        assert client.health()[0].faults == 1
        assert client.health()[1].faults == 0
        servers[0].heal()
        assert client.head(world.now()).number > 0
        assert [one.state for one in client.health()] == [BreakerState.CLOSED] * 2
        client.close()
