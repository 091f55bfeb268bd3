"""One chain behind several servers: fail-over, quorum, and what becomes of a transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agent.chain import client as client_module
from agent.chain.abi import Function
from agent.chain.block_id import BlockId
from agent.chain.client import ChainClient
from agent.chain.config import ChainSettings
from agent.chain.failures import RevertedError, RpcRefusedError, ServerError
from agent.chain.node_errors import NodeError
from agent.chain.send_outcomes import SendOutcome
from agent.chain.transport import Answer, RefusedTransactionError, Request
from agent.domain import BlockRef
from agent.errors import DataError, FatalError, RejectedError, TransientError
from agent.units import Address, BlockHash, Seconds, Wei

NOW = 1_700_000_000
CONTRACT = Address("0x00000000000000000000000000000000000000A1")
ANSWER = Function.from_abi({"name": "answer", "inputs": [], "outputs": [{"name": "", "type": "uint256"}]})
CALL = ANSWER.at(CONTRACT)


def block_hash(number: int, fork: int = 0) -> BlockHash:
    return BlockHash(f"0x{number:063x}{fork:x}")


def block_entry(number: int, fork: int = 0) -> dict[str, Any]:
    return {
        "number": hex(number),
        "hash": block_hash(number, fork),
        "timestamp": hex(NOW + number),
        "baseFeePerGas": "0x7",
        "parentHash": block_hash(number - 1, fork),
    }


BLOCK = BlockRef(5, block_hash(5), Seconds(NOW + 5), Wei(7))


class FakeServer:
    """A server that answers from a script, method by method."""

    def __init__(self, name: str, **script: Callable[..., Any]) -> None:
        self.name = name
        self.script: dict[str, Callable[..., Any]] = {
            "eth_chainId": lambda: "0x7a69",
            "eth_getBlockByNumber": lambda tag, _: block_entry(5 if tag == "latest" else int(tag, 16)),
            "eth_call": lambda *_: "0x" + f"{42:064x}",
            **script,
        }
        self.asked: list[str] = []

    def request(self, request: Request, timeout_seconds: float) -> Any:
        if request.method != "eth_chainId":
            self.asked.append(request.method)
        return self.script[request.method](*request.params)

    def batch(self, requests: list[Request], timeout_seconds: float) -> list[Answer]:
        answers = []
        for request in requests:
            try:
                answers.append(Answer(self.request(request, timeout_seconds), None))
            except RevertedError as reverted:
                answers.append(Answer(None, reverted))
        return answers

    def close(self) -> None:
        self.asked.append("close")


def silent(*_: object) -> Any:
    raise ServerError("does not answer")


def reverting(*_: object) -> Any:
    raise RevertedError("0x", "execution reverted")


def client_of(monkeypatch, *servers: FakeServer, quorum: int = 1, **more: int) -> ChainClient:
    by_url = {f"http://{index}.example": server for index, server in enumerate(servers)}
    monkeypatch.setattr(client_module, "Server", lambda url: by_url[url])
    settings = ChainSettings(
        chain_id=31_337,
        rpc_urls=tuple(by_url),
        rpc_quorum=quorum,
        rpc_timeout_seconds=1,
        max_head_age_seconds=more.get("max_head_age_seconds", 60),
        rpc_state_quorum=more.get("state_quorum"),
    )
    return ChainClient(settings)


def test_require_chain__another_chain__is_bad_input_in_one_line(monkeypatch):
    client = client_of(monkeypatch, FakeServer("one", eth_chainId=lambda: "0x1"))
    with pytest.raises(
        DataError, match=r"chain_id is 31337, but one answers for chain 1; correct chain_id or rpc_urls"
    ):
        client.require_chain()


@pytest.mark.parametrize("stranger", [0, 1, 2])
def test_require_chain__one_of_three_on_another_chain__is_refused_whichever_it_is(monkeypatch, stranger):
    """It answers behind the others: replies come in the order of arrival, of which the first must not stand for all."""

    def behind_the_others():
        time.sleep(0.05)
        return "0x1"

    servers = [FakeServer(f"server {index}") for index in range(3)]
    servers[stranger].script["eth_chainId"] = behind_the_others
    client = client_of(monkeypatch, *servers, quorum=2)
    with pytest.raises(DataError, match=f"server {stranger} answers for chain 1"):
        client.require_chain()


def test_require_chain__fewer_answer_than_the_quorum__is_transient_and_says_why(monkeypatch):
    servers = [FakeServer("one"), FakeServer("two", eth_chainId=silent)]
    with pytest.raises(TransientError, match=r"1 of 2 servers answer: .*does not answer"):
        client_of(monkeypatch, *servers, quorum=2).require_chain()
    client_of(monkeypatch, *servers, quorum=1).require_chain()


def test_request__first_server_silent__asks_the_next_and_remembers(monkeypatch):
    first, second = FakeServer("one", eth_call=silent), FakeServer("two")
    client = client_of(monkeypatch, first, second)
    assert client.read([CALL], BLOCK) == [(42,)]
    assert client.read([CALL], BLOCK) == [(42,)]
    assert second.asked == ["eth_call", "eth_call"]


def test_request__no_server_answers__is_transient_and_names_all(monkeypatch):
    client = client_of(monkeypatch, FakeServer("one", eth_call=silent), FakeServer("two", eth_call=silent))
    with pytest.raises(TransientError, match="does not answer; does not answer"):
        client.read([CALL], BLOCK)


def test_read__call__is_pinned_to_the_block_hash(monkeypatch):
    seen: list[Any] = []
    server = FakeServer("one", eth_call=lambda call, tag: seen.append((call, tag)) or "0x" + f"{1:064x}")
    client_of(monkeypatch, server).read([CALL], BLOCK)
    assert seen == [
        ({"to": CONTRACT, "data": CALL.data}, {"blockHash": BLOCK.hash, "requireCanonical": True}),
    ]


def test_read__revert__is_decoded_and_read_or_none_forgives_it(monkeypatch):
    client = client_of(monkeypatch, FakeServer("one", eth_call=reverting))
    with pytest.raises(RejectedError, match="UnknownRevert"):
        client.read([CALL], BLOCK)
    assert client.read_or_none([CALL], BLOCK) == [None]


@pytest.mark.parametrize("answer", ["0x", "0x00"])
def test_read__answer_of_another_type__is_named_and_read_or_none_forgives_it(monkeypatch, answer):
    client = client_of(monkeypatch, FakeServer("one", eth_call=lambda *_: answer))
    with pytest.raises(DataError, match=f"with {answer}, which is not what that function returns"):
        client.read([CALL], BLOCK)
    assert client.read_or_none([CALL], BLOCK) == [None]


def test_head__clock_and_head_far_apart__is_transient(monkeypatch):
    client = client_of(monkeypatch, FakeServer("one"), max_head_age_seconds=60)
    assert client.head(NOW + 65).number == BLOCK.number
    for clock in (NOW + 66, NOW - 56):
        with pytest.raises(TransientError, match="more than max_head_age_seconds 60"):
            client.head(clock)


def test_head__quorum__takes_the_newest_block_that_enough_servers_have(monkeypatch):
    heads = [5, 5, 5]
    servers = [
        FakeServer(
            str(index),
            eth_getBlockByNumber=lambda tag, _, at=index: block_entry(heads[at] if tag == "latest" else int(tag, 16)),
        )
        for index in range(3)
    ]
    client = client_of(monkeypatch, *servers, quorum=2)
    assert client.head(NOW).number == 5
    heads[:] = [9, 7, 3]  # whoever answers first: what two have reached is never below what was acted on
    assert client.head(NOW).number == 7


def test_head__quorum_is_behind_the_clock__a_server_that_rests_is_asked_too(monkeypatch):
    """Where one lags beside one that rests after a fault, two of three have the head all the same."""
    numbers = {"lagging": 5, "healthy": 8, "rests": 8}
    entries = {5: block_entry(5), 8: {**block_entry(8), "timestamp": hex(NOW + 400)}}
    servers = [
        FakeServer(
            name,
            eth_getBlockByNumber=lambda tag, _, number=number: entries[number if tag == "latest" else int(tag, 16)],
        )
        for name, number in numbers.items()
    ]
    client = client_of(monkeypatch, *servers, quorum=2, max_head_age_seconds=90)
    rests = client._pool.endpoints[2]
    rests.breaker.failed(rests._clock(), "late", opens=True)
    assert client.head(NOW + 400).number == 8
    servers[2].script["eth_getBlockByNumber"] = silent
    rests.breaker.failed(rests._clock(), "late", opens=True)
    with pytest.raises(TransientError, match="block 5 is 395 s from this machine's clock"):
        client.head(NOW + 400)


def test_head__servers_on_two_forks__is_transient(monkeypatch):
    servers = [
        FakeServer(str(fork), eth_getBlockByNumber=lambda tag, _, fork=fork: block_entry(5, fork)) for fork in (0, 1)
    ]
    with pytest.raises(TransientError, match="servers disagree on block 5"):
        client_of(monkeypatch, *servers, quorum=2).head(NOW)


def test_head__too_few_servers__is_transient(monkeypatch):
    servers = [FakeServer("one"), FakeServer("two", eth_getBlockByNumber=silent)]
    with pytest.raises(TransientError, match="1 of 2 servers answer"):
        client_of(monkeypatch, *servers, quorum=2).head(NOW)


def test_read__one_server_lies__is_outvoted_or_stops_the_cycle(monkeypatch):
    def lying(*_: object) -> str:
        return "0x" + f"{13:064x}"

    honest = [FakeServer("one"), FakeServer("two")]
    outvoted = client_of(monkeypatch, *honest, FakeServer("three", eth_call=lying), quorum=2)
    assert outvoted.read([CALL], BLOCK) == [(42,)]
    torn = client_of(monkeypatch, FakeServer("one"), FakeServer("two", eth_call=lying), quorum=2)
    with pytest.raises(TransientError, match="servers disagree on the state at block 5"):
        torn.read([CALL], BLOCK)


def test_parent__hash_known_or_not__is_asked_by_hash_and_no_more_than_needed(monkeypatch):
    blocks = {block_hash(number): block_entry(number) for number in (4, 5)}
    server = FakeServer("one", eth_getBlockByHash=lambda at, _: blocks[at])
    client = client_of(monkeypatch, server)
    known = replace(BLOCK, parent_hash=block_hash(4))
    assert (client.parent(known).number, server.asked) == (4, ["eth_getBlockByHash"])
    server.asked.clear()
    assert (client.parent(BLOCK).hash, server.asked) == (block_hash(4), ["eth_getBlockByHash"] * 2)


def test_parent__server_answers_another_block__is_not_believed(monkeypatch):
    client = client_of(monkeypatch, FakeServer("one", eth_getBlockByHash=lambda *_: block_entry(3)))
    with pytest.raises(TransientError, match=f"one answers block {block_hash(4)} with {block_hash(3)}"):
        client.parent(replace(BLOCK, parent_hash=block_hash(4)))


def test_block__not_there_yet__is_transient(monkeypatch):
    client = client_of(monkeypatch, FakeServer("one", eth_getBlockByNumber=lambda *_: None))
    with pytest.raises(TransientError, match="does not have the block yet"):
        client.block(99)


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("already known", SendOutcome.KNOWN),
        ("AlreadyKnown", SendOutcome.KNOWN),
        ("transaction already imported", SendOutcome.KNOWN),
        ("nonce too low: next nonce 4", SendOutcome.NONCE_USED),
        ("replacement transaction underpriced", SendOutcome.UNDERPRICED),
    ],
)
def test_send_raw__refusal_that_says_where_the_transaction_stands__is_no_failure(monkeypatch, message, outcome):
    def refuse(raw: str) -> str:
        raise RefusedTransactionError("one", NodeError(-32000, message, None))

    assert client_of(monkeypatch, FakeServer("one", eth_sendRawTransaction=refuse)).send_raw("0x02") is outcome


def test_send_raw__refusal_that_needs_a_person__is_fatal(monkeypatch):
    def refuse(raw: str) -> str:
        raise RefusedTransactionError("one", NodeError(-32000, "insufficient funds for gas * price + value", None))

    with pytest.raises(FatalError, match="insufficient funds"):
        client_of(monkeypatch, FakeServer("one", eth_sendRawTransaction=refuse)).send_raw("0x02")


def test_send_raw__accepted__says_so(monkeypatch):
    server = FakeServer("one", eth_sendRawTransaction=lambda raw: "0xhash")
    assert client_of(monkeypatch, server).send_raw("0x02") is SendOutcome.ACCEPTED


def log_entry(number: int, index: int) -> dict[str, Any]:
    return {
        "address": CONTRACT,
        "topics": ["0x" + "aa" * 32],
        "data": "0x",
        "blockNumber": hex(number),
        "blockHash": block_hash(number),
        "transactionHash": f"0x{number:064x}",
        "logIndex": hex(index),
    }


def test_logs__long_range__is_read_in_parts_and_returned_in_order(monkeypatch):
    ranges: list[tuple[int, int]] = []

    def get_logs(query: dict[str, Any]) -> list[dict[str, Any]]:
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        ranges.append((first, last))
        return [log_entry(last, 3), log_entry(last, 1)]

    client = client_of(monkeypatch, FakeServer("one", eth_getLogs=get_logs))
    last = BlockId(12_000, block_hash(12_000))
    logs = client.logs([CONTRACT], ["0x" + "AA" * 32], 1, last, None)
    assert ranges == [(1, 5_000), (5_001, 10_000), (10_001, 12_000)]
    assert [(log.block_number, log.log_index) for log in logs] == [
        (5_000, 1),
        (5_000, 3),
        (10_000, 1),
        (10_000, 3),
        (12_000, 1),
        (12_000, 3),
    ]


def test_logs__chain_replaced_meanwhile__is_noticed(monkeypatch):
    client = client_of(monkeypatch, FakeServer("one", eth_getLogs=lambda query: []))
    last, anchor = BlockId(9, block_hash(9)), BlockId(4, block_hash(4))
    assert client.logs([CONTRACT], ["0xaa"], 5, last, anchor) == []
    assert client.logs([CONTRACT], ["0xaa"], 5, last, BlockId(4, block_hash(4, fork=1))) is None
    with pytest.raises(TransientError, match="block 9 was replaced"):
        client.logs([CONTRACT], ["0xaa"], 5, BlockId(9, block_hash(9, fork=1)), anchor)


def test_close__client__closes_every_server(monkeypatch):
    servers = [FakeServer("one"), FakeServer("two")]
    client_of(monkeypatch, *servers).close()
    assert [server.asked for server in servers] == [["close"], ["close"]]


# --- what a quorum says of transactions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "quorum", "expected"),
    [(["0x5"], 1, 5), (["0x5", "0x6"], 2, 5), (["0x5", "0xffff"], 2, 5), (["0x7", "0x7", "0x5"], 2, 7)],
)
def test_waiting_nonce__servers_differ__counts_as_far_as_a_quorum_knows(monkeypatch, told, quorum, expected):
    servers = [
        FakeServer(str(index), eth_getTransactionCount=lambda *_, nonce=nonce: nonce)
        for index, nonce in enumerate(told)
    ]
    waiting = client_of(monkeypatch, *servers, quorum=quorum).waiting_nonce(CONTRACT)
    assert waiting in {expected, min(int(nonce, 16) for nonce in told)}
    assert waiting < 0xFFFF


def test_account__nonce_and_balance__are_of_the_block_and_agreed(monkeypatch):
    def server(name: str, balance: str) -> FakeServer:
        return FakeServer(
            name,
            eth_getTransactionCount=lambda address, at: "0x4" if at == AT_BLOCK else "0x6",
            eth_getBalance=lambda address, at: balance if at == AT_BLOCK else "0x0",
        )

    honest = [server("one", "0x64"), server("two", "0x64"), server("three", "0x0")]
    assert client_of(monkeypatch, *honest, quorum=2).account(CONTRACT, BLOCK) == (4, 6, 100)
    torn = [server("one", "0x64"), server("two", "0x0")]
    with pytest.raises(TransientError, match="servers disagree on the state at block 5"):
        client_of(monkeypatch, *torn, quorum=2).account(CONTRACT, BLOCK)


@pytest.mark.parametrize("quorum", [1, 2])
def test_account__transaction_waits__second_nonce_counts_it(monkeypatch, quorum):
    counts = {"pending": "0x6"}  # what is mined is 4 at whatever else is asked for
    servers = [
        FakeServer(
            name,
            eth_getTransactionCount=lambda _, at: counts.get(at, "0x4") if isinstance(at, str) else "0x4",
            eth_getBalance=lambda *_: "0x64",
        )
        for name in ("one", "two")
    ]
    assert client_of(monkeypatch, *servers, quorum=quorum).account(CONTRACT, BLOCK) == (4, 6, 100)


AT_BLOCK = {"blockHash": BLOCK.hash, "requireCanonical": True}


@pytest.mark.parametrize("answer", [None, "", "0x", 7, {}])
def test_nonce_at__answer_that_is_no_number__is_a_fault_of_the_moment(monkeypatch, answer):
    client = client_of(monkeypatch, FakeServer("one", eth_getTransactionCount=lambda *_: answer))
    with pytest.raises(TransientError):
        client.nonce_at(CONTRACT, BLOCK)


SENT = "0x" + "aa" * 32


def receipt_entry(status: str = "0x1", **more: Any) -> dict[str, Any]:
    return {
        "transactionHash": SENT,
        "blockHash": block_hash(5),
        "blockNumber": "0x5",
        "status": status,
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x7",
        "logs": [],
        **more,
    }


def test_receipts__clients_add_fields_of_their_own__they_agree_on_what_counts(monkeypatch):
    servers = [
        FakeServer("geth", eth_getTransactionReceipt=lambda _: receipt_entry(type="0x2")),
        FakeServer("nitro", eth_getTransactionReceipt=lambda _: receipt_entry(gasUsedForL1="0x1", timeboosted=False)),
    ]
    [receipt] = client_of(monkeypatch, *servers, quorum=2).receipts([SENT])
    assert receipt["status"] == "0x1"


def test_receipts__one_server_has_it_and_one_has_not__is_not_believed_either_way(monkeypatch):
    servers = [
        FakeServer("ahead", eth_getTransactionReceipt=lambda _: receipt_entry()),
        FakeServer("behind", eth_getTransactionReceipt=lambda _: None),
    ]
    with pytest.raises(TransientError, match="servers disagree on a receipt: "):
        client_of(monkeypatch, *servers, quorum=2).receipts([SENT])


def test_receipts__of_another_transaction__is_the_servers_fault(monkeypatch):
    other = FakeServer("one", eth_getTransactionReceipt=lambda _: receipt_entry(transactionHash="0x" + "bb" * 32))
    with pytest.raises(TransientError, match=f"one answers receipt {SENT} with another transaction's"):
        client_of(monkeypatch, other).receipts([SENT])
    right = FakeServer("two", eth_getTransactionReceipt=lambda _: receipt_entry())
    [receipt] = client_of(monkeypatch, other, right).receipts([SENT.upper().replace("X", "x")])
    assert receipt["transactionHash"] == SENT


def test_simulate__quorum__is_of_the_verdict(monkeypatch):
    def server(name: str, outcome: Callable[..., Any]) -> FakeServer:
        return FakeServer(name, eth_call=outcome)

    def paused(*_: object) -> Any:
        raise RevertedError(None, "execution reverted: paused")

    accepting = [server("one", lambda *_: "0x"), server("two", lambda *_: "0x"), server("liar", paused)]
    assert client_of(monkeypatch, *accepting, quorum=2).simulate(CONTRACT, CALL, 100, BLOCK) is None
    refusing = [server("one", paused), server("two", paused), server("liar", lambda *_: "0x")]
    rejection = client_of(monkeypatch, *refusing, quorum=2).simulate(CONTRACT, CALL, 100, BLOCK)
    assert str(rejection) == "Error(message=paused)"


def test_estimate_gas__quorum__is_the_middle_one_or_the_revert_of_most(monkeypatch):
    def server(gas: int) -> FakeServer:
        return FakeServer(str(gas), eth_estimateGas=lambda _: hex(gas))

    assert client_of(monkeypatch, server(100_000), server(120_000), quorum=2).estimate_gas(CONTRACT, CALL) == 120_000
    reverts = [FakeServer(name, eth_estimateGas=reverting) for name in ("one", "two")]
    with pytest.raises(RejectedError, match="UnknownRevert"):
        client_of(monkeypatch, *reverts, quorum=2).estimate_gas(CONTRACT, CALL)


def test_read__state_quorum_of_one__servers_may_differ_on_the_state_alone(monkeypatch):
    """HyperEVM: honest servers answer differently from views that read another chain."""
    servers = [FakeServer(str(value), eth_call=lambda *_, value=value: f"0x{value:064x}") for value in (1, 2)]
    client = client_of(monkeypatch, *servers, quorum=2)
    with pytest.raises(TransientError, match="servers disagree on the state"):
        client.read([CALL], BLOCK)
    lenient = client_of(monkeypatch, *servers, quorum=2, state_quorum=1)
    assert lenient.read([CALL], BLOCK) in ([(1,)], [(2,)])
    assert lenient.head(NOW).number == 5


def test_head__goes_back__is_refused_and_others_are_waited_for(monkeypatch):
    shown = {"one": 9, "two": 9, "three": 9}

    def server(name: str) -> FakeServer:
        def block_of(tag: str, _: bool) -> Any:
            number = shown[name] if tag == "latest" else int(tag, 16)
            return block_entry(number) if number <= shown[name] else None

        return FakeServer(name, eth_getBlockByNumber=block_of)

    client = client_of(monkeypatch, *map(server, shown), quorum=2)
    assert client.head(NOW).number == 9
    shown["one"] = 7
    for _ in range(20):
        assert client.head(NOW).number == 9
    shown["two"] = 7
    with pytest.raises(TransientError, match="the head went back from block 9 to 7"):
        client.head(NOW)


@pytest.mark.parametrize(
    ("history", "tip"),
    [
        ({"reward": [["0x1"], ["0x9"], ["0x5"]]}, 5),
        ({"reward": []}, None),
        ({"reward": None}, None),
        ({}, None),
        ({"reward": [["odd"]]}, None),
        ({"reward": [[]]}, None),
        ({"reward": "odd"}, None),
        (None, None),
    ],
)
def test_market_tip__fee_history__is_the_median_or_nothing(monkeypatch, history, tip):
    client = client_of(monkeypatch, FakeServer("one", eth_feeHistory=lambda *_: history))
    assert client.market_tip(50.0) == tip


# --- what each request says -------------------------------------------------------------------------------------------

SENDER = Address("0x00000000000000000000000000000000000000C3")


def told(answer: Any, seen: list[Any]) -> Callable[..., Any]:
    def tell(*parameters: Any) -> Any:
        seen.append(parameters)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return tell


def test_simulate__call__is_the_senders_with_its_gas_on_top_of_the_block(monkeypatch):
    seen: list[Any] = []
    client = client_of(monkeypatch, FakeServer("one", eth_call=told("0x", seen)))
    assert client.simulate(SENDER, CALL, 21_000, BLOCK) is None
    tag = {"blockHash": BLOCK.hash, "requireCanonical": True}
    assert seen == [({"from": SENDER, "to": CALL.to, "data": CALL.data, "gas": hex(21_000)}, tag)]


def test_simulate__price_of_gas__is_seen_by_the_call(monkeypatch):
    seen: list[Any] = []
    client = client_of(monkeypatch, FakeServer("one", eth_call=told("0x", seen)))
    client.simulate(SENDER, CALL, 21_000, BLOCK, Wei(7))
    priced = {"from": SENDER, "to": CALL.to, "data": CALL.data, "gas": hex(21_000), "gasPrice": "0x7"}
    tag = {"blockHash": BLOCK.hash, "requireCanonical": True}
    assert seen == [(priced, tag, {SENDER: {"balance": hex(147_000)}})]


def test_simulate__server_that_lends_nothing__is_asked_with_the_senders_own_money(monkeypatch):
    seen: list[Any] = []

    def refuse_to_lend(*parameters: Any) -> str:
        seen.append(parameters)
        if len(parameters) > 2:
            raise RpcRefusedError("eth_call", "too many arguments, want at most 2")
        return "0x"

    client = client_of(monkeypatch, FakeServer("one", eth_call=refuse_to_lend))
    assert client.simulate(SENDER, CALL, 21_000, BLOCK, Wei(7)) is None
    assert [len(parameters) for parameters in seen] == [3, 2]
    assert seen[1] == seen[0][:2]


def test_simulate__reverts__is_the_rejection_and_a_fault_is_none(monkeypatch):
    client = client_of(monkeypatch, FakeServer("one", eth_call=reverting))
    assert isinstance(client.simulate(SENDER, CALL, 21_000, BLOCK), RejectedError)
    with pytest.raises(TransientError, match="does not answer"):
        client_of(monkeypatch, FakeServer("one", eth_call=silent)).simulate(SENDER, CALL, 21_000, BLOCK)


def test_simulate__answer_that_is_no_data__is_a_fault_of_the_moment(monkeypatch):
    with pytest.raises(TransientError, match="which is none"):
        client_of(monkeypatch, FakeServer("one", eth_call=lambda *_: 7)).simulate(SENDER, CALL, 21_000, BLOCK)


def test_estimate_gas__one_server__is_of_the_call_or_its_revert(monkeypatch):
    seen: list[Any] = []
    client = client_of(monkeypatch, FakeServer("one", eth_estimateGas=told("0x5208", seen)))
    assert client.estimate_gas(SENDER, CALL) == 21_000
    assert seen == [({"from": SENDER, "to": CALL.to, "data": CALL.data},)]
    with pytest.raises(RejectedError):
        client_of(monkeypatch, FakeServer("one", eth_estimateGas=reverting)).estimate_gas(SENDER, CALL)
    with pytest.raises(TransientError):
        client_of(monkeypatch, FakeServer("one", eth_estimateGas=silent)).estimate_gas(SENDER, CALL)


@pytest.mark.parametrize("quorum", [1, 2])
def test_balance_and_nonce__account__are_those_of_the_block(monkeypatch, quorum):
    seen: list[Any] = []
    servers = [
        FakeServer(str(index), eth_getBalance=told("0x64", seen), eth_getTransactionCount=told("0x7", seen))
        for index in range(quorum)
    ]
    client = client_of(monkeypatch, *servers, quorum=quorum)
    assert (client.balance_at(SENDER, BLOCK), client.nonce_at(SENDER, BLOCK)) == (100, 7)
    tag = {"blockHash": BLOCK.hash, "requireCanonical": True}
    assert seen == [(SENDER, tag)] * 2 * quorum


def test_blocks__server_answers_another_height__is_not_believed(monkeypatch):
    client = client_of(monkeypatch, FakeServer("one", eth_getBlockByNumber=lambda tag, _: block_entry(8)))
    with pytest.raises(TransientError, match="one answers other blocks than it was asked for"):
        client.block(7)


def test_canonical_hashes__some_beyond_the_head__are_none_in_their_place(monkeypatch):
    def by_number(tag: str, _: bool) -> Any:
        return block_entry(int(tag, 16)) if int(tag, 16) <= 6 else None

    client = client_of(monkeypatch, FakeServer("one", eth_getBlockByNumber=by_number))
    assert client.canonical_hashes([5, 9, 6]) == [block_hash(5), None, block_hash(6)]


def test_within__time_is_over__no_read_is_begun(monkeypatch):
    server = FakeServer("one")
    client = client_of(monkeypatch, server)
    with client.within(-1.0), pytest.raises(TransientError, match="the time for this cycle is over"):
        client.block(5)
    assert client.block(5) == replace(BLOCK, parent_hash=block_hash(4))


def test_outcomes__results_and_reverts__are_told_and_any_other_failure_is_raised(monkeypatch):
    batch = [Request("eth_call", ()), Request("eth_estimateGas", ())]
    client = client_of(monkeypatch, FakeServer("one", eth_call=lambda: "0x1", eth_estimateGas=reverting))
    first, second = client.outcomes(batch)
    assert first.unwrap() == "0x1"
    assert isinstance(second.failure, RevertedError)
    with pytest.raises(TransientError):
        client_of(monkeypatch, FakeServer("one", eth_call=silent, eth_estimateGas=reverting)).outcomes(batch)


@pytest.mark.parametrize(("clock", "is_taken"), [(65, True), (66, False), (-55, True), (-56, False)])
def test_head__clock_at_the_most_that_is_allowed__is_believed(monkeypatch, clock, is_taken):
    """Block 5 is of 5 s after; 60 s either way are allowed."""
    client = client_of(monkeypatch, FakeServer("one"))
    if is_taken:
        assert client.head(NOW + clock).number == 5
    else:
        with pytest.raises(TransientError, match="block 5 is 61 s from this machine's clock, more than"):
            client.head(NOW + clock)


def test_health__servers_behind_the_newest_head__say_by_how_many_blocks(monkeypatch):
    heads = {"a": 9, "b": 9, "c": 6}
    servers = [
        FakeServer(name, eth_getBlockByNumber=lambda tag, _, name=name: block_entry(
            heads[name] if tag == "latest" else int(tag, 16)
        ))
        for name in heads
    ]  # fmt: skip
    client = client_of(monkeypatch, *servers, quorum=3)
    for _ in range(2):
        assert client.head(NOW).number == 6
        heads |= {"a": 6, "b": 6}
    heads |= {"a": 9, "b": 9, "c": 9}
    client.head(NOW)
    heads |= {"c": 7}
    client._pool.gather(client._latest, 3, lambda replies: replies if len(replies) == 3 else None)
    assert [health.lag_blocks for health in client.health()] == [0, 0, 2]


def test_read__quorum_contradicts_a_server__counts_against_it_alone(monkeypatch):
    servers = [FakeServer(str(word), eth_call=lambda *_, word=word: "0x" + f"{word:064x}") for word in (41, 42, 42)]
    client = client_of(monkeypatch, *servers, quorum=2)
    for _ in range(20):
        assert client.read([CALL], BLOCK) == [(42,)]
        if client.health()[0].disagreements:
            break
    assert [health.disagreements for health in client.health()][1:] == [0, 0]
