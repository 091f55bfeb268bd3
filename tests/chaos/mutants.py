"""Keepers that are broken on purpose: what the campaign asserts must find each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from agent.chain.block_id import BlockId
from agent.chain.client import ChainClient
from agent.chain.pool import EndpointPool
from agent.execution.settlement import Settlement, Settler
from agent.keeper.keeper import Keeper
from agent.ledger.lease import Lease
from agent.ledger.records import IntentState, Transition
from agent.ledger.store import VaultLedger


@contextmanager
def replaced(*changes: tuple[type, str, Callable[..., Any]]) -> Iterator[None]:
    """Put other functions into classes for a while."""
    kept = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    try:
        for owner, name, function in changes:
            setattr(owner, name, function)
        yield
    finally:
        for owner, name, function in kept:
            setattr(owner, name, function)


def no_intent_check() -> Any:
    """What is open is neither gone on with nor in the way of the next intent."""
    return replaced((Keeper, "_resume_open", lambda _: None), (VaultLedger, "open_intents", lambda _: []))


def no_fence() -> Any:
    """Who has lost the lease writes and sends on."""
    return replaced((Lease, "fence", lambda *_: None), (Lease, "require_held", lambda _: None))


def one_server() -> Any:
    """Transactions are handed to the first server alone."""
    send = ChainClient.send_raw

    def send_to_first(client: ChainClient, raw: str) -> Any:
        pool: EndpointPool = client._pool
        every = pool.endpoints
        pool.endpoints = every[:1]
        try:
            return send(client, raw)
        finally:
            pool.endpoints = every

    return replaced((ChainClient, "send_raw", send_to_first))


def executed_first() -> Any:
    """An intent is recorded as executed before its fills are booked."""
    executed = Settler._executed

    def too_early(settler: Settler, record: Any, block: Any, receipt: Any, logs: Any, detail: str) -> Settlement:
        done = Transition(record.intent.intent_id, IntentState.EXECUTED, BlockId.of(block), block_unix=block.timestamp)
        settler._ledger.add_transition(done)
        return executed(settler, record, block, receipt, logs, detail)

    return replaced((Settler, "_executed", too_early))


MUTANTS: dict[str, Callable[[], Any]] = {
    mutant.__name__: mutant for mutant in (no_intent_check, no_fence, one_server, executed_first)
}
