"""What a deployment reads: an answer of another shape is its server's fault, and another server is asked."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from agent.chain.client import ChainClient
from agent.deploy.costs import estimate
from agent.deploy.deployer_key import DEPLOYER_KEY_VARIABLE, deployer_key
from agent.deploy.market_chain import MarketChain
from agent.deploy.simulation import Outcome, simulate
from agent.deploy.state import ChainState
from agent.deploy.steps import Transaction
from agent.deploy.token_fee import transfer_fee
from agent.deploy.views import DECIMALS
from agent.errors import DataError, TransientError
from agent.units import Address
from tests.unit.chain.test_client import FakeServer, client_of, silent

ANYBODY = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
BLUEPRINT = SimpleNamespace(inputs=SimpleNamespace(deployer=ANYBODY))
NONSENSE = [None, "", "12", "0x", 7, [], {}, "0x" + "f" * 65]
DONE = {"status": "0x1", "gasUsed": "0x5208", "returnData": "0x"}


def market(client: ChainClient) -> MarketChain:
    return MarketChain(client, ANYBODY, None)


READS: dict[str, Callable[[ChainState], Any]] = {
    "eth_getCode": lambda state: state.code(ANYBODY),
    "eth_getBalance": lambda state: state.balance(ANYBODY),
    "eth_getBlockByNumber": lambda state: state.head(),
    "eth_call": lambda state: state.ask(DECIMALS, ANYBODY),
    "eth_gasPrice": lambda state: estimate(BLUEPRINT, state, []),
    "eth_getTransactionCount": lambda state: market(state.client).nonce(ANYBODY),
}


@pytest.mark.parametrize("method", READS)
@pytest.mark.parametrize("nonsense", NONSENSE, ids=repr)
def test_read__nonsense__is_a_fault_in_one_line(monkeypatch, method, nonsense):
    """Was a traceback, nearly each of them."""
    state = ChainState(client_of(monkeypatch, FakeServer("one", **{method: lambda *_: nonsense})))
    if (method, nonsense) == ("eth_getCode", "0x"):
        assert READS[method](state) == b""
        return
    with pytest.raises((TransientError, DataError)):
        READS[method](state)


def test_code__one_server_talks_nonsense__another_is_asked(monkeypatch):
    bad = FakeServer("bad", eth_getCode=lambda *_: None)
    good = FakeServer("good", eth_getCode=lambda *_: "0x6001")
    assert ChainState(client_of(monkeypatch, bad, good)).code(ANYBODY) == b"\x60\x01"


def simulated(*calls: Any) -> list[dict[str, Any]]:
    return [{"calls": [call]} for call in calls]


@pytest.mark.parametrize(
    "answer",
    [None, 7, {}, [], simulated({}), simulated(None), simulated(DONE | {"status": None}), simulated(DONE, DONE)],
    ids=repr,
)
def test_simulate__no_outcome_of_each_call__is_as_of_a_node_that_cannot(monkeypatch, answer):
    client = client_of(monkeypatch, FakeServer("one", eth_simulateV1=lambda *_: answer))
    assert simulate(ChainState(client), ANYBODY, [Transaction(ANYBODY, "0x")]) is None


def test_simulate__outcome_of_each_call__is_told(monkeypatch):
    reverted = {"status": "0x0", "gasUsed": "0x1", "error": {"data": "0x12"}}
    client = client_of(monkeypatch, FakeServer("one", eth_simulateV1=lambda *_: simulated(DONE, reverted)))
    told = simulate(ChainState(client), ANYBODY, [Transaction(ANYBODY, "0x")] * 2)
    assert told == [Outcome(True, 21_000, "0x"), Outcome(False, 1, "0x12")]


def test_transfer_fee__balance_that_is_none__cannot_be_tried(monkeypatch):
    """Was a traceback where the asset is no token."""
    client = client_of(monkeypatch, FakeServer("one", eth_simulateV1=lambda *_: simulated(DONE, DONE, DONE)))
    assert transfer_fee(ChainState(client), ANYBODY, 10**6) is None


@pytest.mark.parametrize("answer", [silent, lambda: None, list, dict, lambda: [None]], ids=range(5))
def test_deployer_key__server_that_tells_no_accounts__asks_for_the_key(monkeypatch, answer):
    """Public servers refuse eth_accounts, and the key was never mentioned."""
    state = ChainState(client_of(monkeypatch, FakeServer("one", eth_accounts=answer)))
    with pytest.raises(DataError, match=f"put its private key into {DEPLOYER_KEY_VARIABLE}"):
        deployer_key({}, ANYBODY, state)


@pytest.mark.parametrize("answer", ["0x", "0x12"])
def test_market_call__no_such_contract__is_bad_input(monkeypatch, answer):
    client = client_of(monkeypatch, FakeServer("one", eth_call=lambda *_: answer))
    with pytest.raises(DataError, match="does not answer decimals"):
        market(client).call(ANYBODY, "decimals()", returns="(uint8)")
