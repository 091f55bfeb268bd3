"""What several servers agree on: reverts by what they mean, heads never backwards, answers of the right shape."""

from __future__ import annotations

import pytest

from agent.chain import shapes
from agent.chain.agreement import agreed_batch, contradicting, middle_estimate, most_agreed
from agent.chain.failures import RevertedError, ServerError, StateMissingError
from agent.chain.head_memory import BELIEVED_AFTER_SECONDS, REMEMBERED_BLOCKS, HeadMemory
from agent.chain.transport import Answer
from agent.domain import BlockRef
from agent.errors import TransientError
from agent.units import BlockHash, Seconds, Wei

STALE = "0x08c379a0" + f"{32:064x}" + f"{5:064x}" + b"stale".hex().ljust(64, "0")


def result(value: object) -> Answer:
    return Answer(value, None)


def revert(data: str | None = None, message: str = "execution reverted") -> Answer:
    return Answer(None, RevertedError(data, message))


def test_agreed_batch__mixed_clients_word_one_revert_in_four_ways__they_agree():
    geth, message_only, nethermind, silent = (
        revert(STALE, "execution reverted: stale"),
        revert(None, "execution reverted: stale"),
        revert(STALE.upper().replace("X", "x", 1), "VM execution error."),
        revert(None, "VM execution error."),
    )
    for first in (geth, message_only, nethermind, silent):
        for second in (geth, message_only, nethermind, silent):
            assert agreed_batch([[first], [second]], 2) is not None


def test_agreed_batch__reverts_for_different_reasons__do_not_agree():
    assert agreed_batch([[revert(STALE)], [revert(None, "execution reverted: paused")]], 2) is None


def test_agreed_batch__revert_against_a_result__do_not_agree_however_bare():
    assert agreed_batch([[revert()], [result("0x01")]], 2) is None
    assert agreed_batch([[revert()], [result("0x01")], [result("0x01")]], 2) == [result("0x01")]


def test_agreed_batch__each_request_on_its_own__may_rest_on_different_servers():
    batches = [[result("0x1"), result("0x9")], [result("0x1"), result("0x2")], [result("0x8"), result("0x2")]]
    assert agreed_batch(batches, 2) == [result("0x1"), result("0x2")]
    assert contradicting(batches) == {0, 2}


def test_most_agreed__case_of_hexadecimal_digits__does_not_matter():
    answer, count, others = most_agreed([result("0xAB"), result("0xab"), result("0xcd")])
    assert (answer.result, count, others) == ("0xAB", 2, [2])


def test_most_agreed__bare_reverts_alone__agree_with_one_another():
    assert most_agreed([revert(), revert(None, "out of gas"), result("0x")])[1] == 2


@pytest.mark.parametrize("order", [1, -1])
def test_middle_estimate__as_many_estimates_as_reverts__is_neither(order):
    estimate, revert_ = Answer(21_000, None), Answer(None, RevertedError("0x01", "execution reverted"))
    torn = [estimate, revert_][::order]
    assert middle_estimate(torn, 2) is None
    assert middle_estimate([*torn, Answer(22_000, None)], 2) == Answer(22_000, None)
    assert middle_estimate([*torn, revert_], 2) is revert_


# --- heads ------------------------------------------------------------------------------------------------------------


def head(number: int, fork: int = 0) -> BlockRef:
    return BlockRef(number, BlockHash(f"0x{number:063x}{fork:x}"), Seconds(number), Wei(1))


def test_head_memory__head_goes_back__is_refused_until_the_chain_has_caught_up():
    heads = HeadMemory()
    heads.accept(head(100), 0.0)
    for number in (99, 98, 99):
        with pytest.raises(TransientError, match=f"went back from block 100 to {number}"):
            heads.accept(head(number), 1.0)
    heads.accept(head(101), 2.0)
    assert heads.newest == 101


def test_head_memory__other_branch__is_a_reorganisation_and_taken():
    heads = HeadMemory()
    for number in range(90, 101):
        heads.accept(head(number), 0.0)
    heads.accept(head(97, fork=1), 0.0)
    assert heads.newest == 97
    heads.accept(head(98), 0.0)


def test_head_memory__stays_behind_for_long__is_the_chains_own_doing():
    heads = HeadMemory()
    heads.accept(head(100), 0.0)
    with pytest.raises(TransientError):
        heads.accept(head(50), 10.0)
    with pytest.raises(TransientError):
        heads.accept(head(51), 10.0 + BELIEVED_AFTER_SECONDS - 0.1)
    heads.accept(head(51), 10.0 + BELIEVED_AFTER_SECONDS)
    assert heads.newest == 51


def test_head_memory__long_run__forgets_the_oldest():
    heads = HeadMemory()
    for number in range(3 * REMEMBERED_BLOCKS):
        heads.accept(head(number), 0.0)
    assert len(heads._hashes) == REMEMBERED_BLOCKS


# --- shapes -----------------------------------------------------------------------------------------------------------

HASH = "0x" + "ab" * 32
BLOCK = {"number": "0x5", "hash": HASH, "parentHash": HASH, "timestamp": "0x6", "baseFeePerGas": "0x7"}
LOG = {
    "address": "0x" + "11" * 20,
    "topics": [HASH],
    "data": "0x",
    "blockNumber": "0x5",
    "blockHash": HASH,
    "transactionHash": HASH,
    "logIndex": "0x0",
}
RECEIPT = {
    "transactionHash": HASH,
    "blockHash": HASH,
    "blockNumber": "0x5",
    "status": "0x1",
    "gasUsed": "0x5208",
    "effectiveGasPrice": "0x1",
    "logs": [LOG],
}


def test_shapes__what_nodes_send__is_read():
    assert shapes.block(BLOCK).base_fee_wei == 7
    assert [log.block_number for log in shapes.logs([{**LOG, "removed": False}])] == [5]
    assert shapes.block_or_none(None) is None
    assert shapes.receipt(None) is None
    assert shapes.receipt(RECEIPT) == RECEIPT
    assert [log.block_number for log in shapes.logs([LOG])] == [5]


def test_shapes__null_block__says_that_the_server_does_not_have_it():
    with pytest.raises(StateMissingError, match="does not have the block yet"):
        shapes.block(None)


@pytest.mark.parametrize("name", sorted(BLOCK))
@pytest.mark.parametrize("written", [None, 7, "0x", "seven", [1], {"a": 1}])
def test_shapes__field_of_a_block_that_is_none__is_the_servers_fault(name, written):
    with pytest.raises(ServerError):
        shapes.block({**BLOCK, name: written})


@pytest.mark.parametrize("name", sorted(RECEIPT))
def test_shapes__receipt_without_a_field__is_the_servers_fault(name):
    with pytest.raises(ServerError):
        shapes.receipt({key: field for key, field in RECEIPT.items() if key != name})


def test_shapes__receipt_of_no_gas__is_the_servers_fault():
    """Was a division by zero where a rollup's charge is spread over the gas."""
    with pytest.raises(ServerError, match="gasUsed of a receipt with 0x0"):
        shapes.receipt({**RECEIPT, "gasUsed": "0x0"})


@pytest.mark.parametrize("name", sorted(LOG))
@pytest.mark.parametrize("written", [None, 7, "odd"])
def test_shapes__log_with_a_field_that_is_none__is_the_servers_fault(name, written):
    with pytest.raises(ServerError):
        shapes.logs([{**LOG, name: written}])


def test_shapes__log_of_a_block_that_was_replaced__is_the_servers_fault():
    with pytest.raises(ServerError, match="a block that it has replaced"):
        shapes.logs([{**LOG, "removed": True}])


@pytest.mark.parametrize("entries", [None, "0x", {}, [None], ["0x"]])
def test_shapes__logs_that_are_none__are_the_servers_fault(entries):
    with pytest.raises(ServerError):
        shapes.logs(entries)


@pytest.mark.parametrize("written", [None, 5, "5", "0x", "0xg", "0x" + "1" * 65])
def test_shapes__quantity_that_is_none__is_the_servers_fault(written):
    with pytest.raises(ServerError, match=r"answers a nonce with .*, which is none"):
        shapes.quantity(written, "a nonce")


@pytest.mark.parametrize("written", [None, 5, "", "0xabc", "abcd", "<html>"])
def test_shapes__data_that_is_none__is_the_servers_fault(written):
    with pytest.raises(ServerError, match=r"answers eth_call with .*, which is none"):
        shapes.data(written, "eth_call")


@pytest.mark.parametrize(
    ("rewards", "median"),
    [
        ([["0x5"]], 5),
        ([["0x9"], ["0x1"]], 9),
        ([["0x9"], ["0x1"], ["0x5"]], 5),
        ([["0x1", "0x7"], ["0x3", "0x0"]], 3),
        ([], None),
        (None, None),
    ],
)
def test_shapes__rewards_of_blocks__their_median_is_of_the_first_of_each(rewards, median):
    assert shapes.median_reward({"reward": rewards}) == median


@pytest.mark.parametrize("rewards", [[["0x1"], []], [["0x1"], None], [["0x1"], ["odd"]], {"a": 1}, "odd", [1]])
def test_shapes__rewards_that_are_none__are_the_servers_fault(rewards):
    with pytest.raises(ServerError, match="which is none"):
        shapes.median_reward({"reward": rewards})


@pytest.mark.parametrize(("written", "number"), [("0x0", 0), ("0x005", 5), ("0x7" + "f" * 15, 2**63 - 1)])
def test_shapes__count__is_a_number_that_can_be_kept(written, number):
    assert shapes.count(written, "a nonce") == number


@pytest.mark.parametrize("written", ["0x8" + "0" * 15, "0x" + "f" * 64, "0x", None, 7])
def test_shapes__count_that_cannot_be__is_the_servers_fault(written):
    with pytest.raises(ServerError, match="a server answers a nonce with"):
        shapes.count(written, "a nonce")


@pytest.mark.parametrize("written", ["0x0", "0x5207", "0x8" + "0" * 15, None])
def test_shapes__estimate_below_a_transfer__is_the_servers_fault(written):
    """Of none was a division by zero where the cap of a transaction is spread over its gas."""
    with pytest.raises(ServerError, match="a server answers eth_estimateGas with"):
        shapes.gas(written)
    assert shapes.gas("0x5208") == 21_000
