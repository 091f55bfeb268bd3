"""A server that answers nonsense anywhere in an answer fails a cycle at most: none but the agent's own errors come."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import closing, nullcontext, suppress
from typing import Any

import pytest
from eth_abi.abi import encode

from agent.chain.abi import load_abi
from agent.chain.client import ChainClient
from agent.errors import AgentError, DataError, TransientError
from agent.keeper.keeper import Keeper
from agent.status.networks import read_status
from tests.support.fault_proxy import Fault, FaultProxy, lie
from tests.support.keeper_world import KeeperWorld

pytestmark = pytest.mark.chain

METHODS = (
    "eth_getBlockByNumber",
    "eth_getBlockByHash",
    "eth_call",
    "eth_getLogs",
    "eth_getTransactionReceipt",
    "eth_getTransactionCount",
    "eth_getBalance",
    "eth_estimateGas",
    "eth_feeHistory",
    "eth_sendRawTransaction",
)
NONSENSE: tuple[Any, ...] = (
    *(None, 7, -1, True, 1.5, "", "0x", "odd", "0x0", [], {}, [None], {"a": 1}, "\ud800"),
    *("0x" + "f" * 64, "0x" + "f" * 63, "0x" + "00" * 31, "0x" + "ff" * 4_000),
)
DRAWS = (0, 1, 11, 18)
"""Seeds; the last two draw a number of 256 bits where an answer is one number."""
ALL_IS_ASKED = {"tip_percentile": 50.0, "urgent_tip_percentile": 50.0, "usual_gas_units": 300_000}


def places(answer: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of an answer, the whole of it first."""
    yield path
    parts = answer.items() if isinstance(answer, dict) else enumerate(answer) if isinstance(answer, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


def spoiled(answer: Any, draw: random.Random) -> Any:
    """An answer with nonsense in one place."""
    path, nonsense = draw.choice([*places(answer)]), draw.choice(NONSENSE)
    if not path:
        return nonsense
    copied = json.loads(json.dumps(answer))
    part = copied
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = nonsense
    return copied


@pytest.mark.parametrize("method", METHODS)
def test_cycle__nonsense_anywhere_in_an_answer__is_no_traceback(keeper_chain: KeeperWorld, method: str) -> None:
    """A nonce of 256 bits was: the ledger cannot keep it."""
    struck = 0
    for seed in DRAWS:
        draw = random.Random(seed)
        with keeper_chain.fresh() as world, FaultProxy(world.localnet.rpc_url) as server:
            settings = world.settings(f"{method}-{seed}", **ALL_IS_ASKED).with_rpc_urls(server.url)
            with suppress(AgentError), Keeper.build(settings, world.book(), {}) as keeper:
                fault = server.on(
                    method, lie(lambda answer, draw=draw: spoiled(answer, draw)), times=draw.choice([1, 3])
                )
                for _ in range(2):
                    with suppress(AgentError):
                        keeper.cycle()
                struck += fault.struck
    assert struck > 0


class InsteadOf(Fault):
    """Answers one view of a contract with words of the test's own."""

    def __init__(self, contract: str, function: str, words: Any) -> None:
        view = load_abi(contract).function(function)
        self._asked, self._words = "0x" + view.selector.hex(), "0x" + encode(view.outputs, (words,)).hex()

    def on_result(self, proxy: FaultProxy, call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        is_asked = str(call["params"][0]["data"]).startswith(self._asked)
        return {"result": self._words} if is_asked else answer


@pytest.mark.parametrize(
    ("contract", "function", "words", "kind"),
    [("VenueRegistry", "venues", [], TransientError), ("HedgeVault", "depositBlock", 200, DataError)],
)
def test_status__answers_that_do_not_belong_together__are_no_traceback(
    keeper_chain: KeeperWorld, contract: str, function: str, words: Any, kind: type[AgentError]
) -> None:
    """The watcher reads the same, and would have ended before it could page."""
    with keeper_chain.fresh() as world, FaultProxy(world.localnet.rpc_url) as server:
        settings = world.settings().with_rpc_urls(server.url)
        read_status(settings, world.now())
        server.on("eth_call", InsteadOf(contract, function, words))
        with pytest.raises(kind):
            read_status(settings, world.now())


@pytest.mark.parametrize("times", [1, 2])
def test_read__contract_answers_nothing__is_believed_only_when_it_is_said_again(
    keeper_chain: KeeperWorld, times: int
) -> None:
    """One ``0x`` of the only server ended the start with the status on which nobody starts it again."""
    with (
        keeper_chain.fresh() as world,
        FaultProxy(world.localnet.rpc_url) as server,
        closing(ChainClient(world.settings().with_rpc_urls(server.url).chain)) as client,
    ):
        head = client.head(world.now())
        asked = load_abi("HedgeVault").function("asset").at(world.deployment.contract("HedgeVault"))
        expected = client.read([asked], head)
        fault = server.on("eth_call", lie(lambda _: "0x"), times=times)
        with nullcontext() if times == 1 else pytest.raises(DataError, match="answers asset with 0x, which is not"):
            assert client.read([asked], head) == expected
        assert fault.struck == times
