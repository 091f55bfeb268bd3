"""What is to be done, named by its content: the same decision at the same block is the same intent."""

from __future__ import annotations

import json
from dataclasses import asdict

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.chain.abi import Call, load_abi
from agent.domain import Book, Decision, Intent, OptionType, Snapshot
from agent.units import IntentId, Seconds

_LEG = "(address,int256,int256,uint256)"
_TYPES = ("uint256", "address", "bytes32", f"{_LEG}[]", "uint256")


def build_intent(snapshot: Snapshot, decision: Decision, deadline_seconds: int) -> Intent:
    """Return the intent of a decision; its deadline counts from the block it was decided on."""
    deadline = Seconds(snapshot.block.timestamp + deadline_seconds)
    legs = [(leg.venue, leg.margin_delta, leg.size_delta, leg.limit_price) for leg in decision.legs]
    block_hash = bytes.fromhex(snapshot.block.hash.removeprefix("0x"))
    content = encode(_TYPES, (snapshot.chain_id, snapshot.vault, block_hash, legs, deadline))
    return Intent(
        intent_id=IntentId("0x" + keccak(content).hex()),
        vault=snapshot.vault,
        legs=decision.legs,
        deadline=deadline,
        decided_at_block=snapshot.block,
    )


def rebalance_call(intent: Intent) -> Call:
    """Return the vault's ``rebalance`` of an intent."""
    legs = [(leg.venue, leg.margin_delta, leg.size_delta, leg.limit_price) for leg in intent.legs]
    function = load_abi("HedgeVault").function("rebalance")
    return function.at(intent.vault, bytes.fromhex(intent.intent_id.removeprefix("0x")), legs, intent.deadline)


def book_digest(book: Book) -> str:
    """Return a hash of a book's content, 0x-prefixed: two books of one content have one digest.

    A ledger keeps digests across upgrades, so the layout that is hashed must not change: the underlying, and the
    options and holdings in two lists. The keeper hedges no other kind.
    """
    options, holdings = [asdict(leg) for leg in book.options], [asdict(leg) for leg in book.holdings]
    fields = {"underlying": book.underlying, "options": options, "holdings": holdings}
    content = json.dumps(fields, sort_keys=True, default=_plain)
    return "0x" + keccak(text=content).hex()


def _plain(entry: object) -> str:
    if isinstance(entry, OptionType):
        return entry.value
    raise TypeError(f"{entry!r} has no place in a book's digest")
