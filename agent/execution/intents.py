"""What is to be done, named by its content: the same decision at the same block is the same intent."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Protocol

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.chain.abi import Call, load_abi
from agent.domain import BlockRef, Book, Intent, Leg, OptionType, Snapshot
from agent.errors import DataError
from agent.units import Address, AssetUnits, IntentId, Seconds, Wad

MAX_DECISION_AGE_BLOCKS = 200
"""A decision that has waited longer is decided anew: its transaction may not be mined in time any more."""
LAST_BLOCKS = 256
"""The EVM knows the hashes of so many blocks: an intent of an older one can never execute (yellow paper, 9.4.4)."""
_LEG = "(address,int256,int256,uint256)"
_BoundIntent = tuple[bytes, int, bytes, Seconds]
_BoundLeg = tuple[Address, AssetUnits, Wad, Wad]
_TYPES = ("uint256", "address", "bytes32", f"{_LEG}[]", "uint256")


class Proposal(Protocol):
    """What was decided: a decision, or a move of margin that came before one."""

    @property
    def legs(self) -> tuple[Leg, ...]:
        """What the vault is asked to do."""


def build_intent(snapshot: Snapshot, decision: Proposal, deadline_seconds: int) -> Intent:
    """Return the intent of a decision; its deadline counts from the block it was decided on."""
    deadline = Seconds(snapshot.block.timestamp + deadline_seconds)
    legs = [(leg.venue, leg.margin_delta, leg.size_delta, leg.limit_price) for leg in decision.legs]
    block_hash = _bytes(snapshot.block.hash)
    content = encode(_TYPES, (snapshot.chain_id, snapshot.vault, block_hash, legs, deadline))
    return Intent(
        intent_id=IntentId("0x" + keccak(content).hex()),
        vault=snapshot.vault,
        legs=decision.legs,
        deadline=deadline,
        decided_at_block=snapshot.block,
    )


@lru_cache(maxsize=16)
def rebalance_call(intent: Intent) -> Call:
    """Return the vault's ``rebalance`` of an intent, bound to the block it was decided on."""
    return load_abi("HedgeVault").function("rebalance").at(intent.vault, *bound_intent(intent))


def bound_intent(intent: Intent) -> tuple[_BoundIntent, list[_BoundLeg]]:
    """Return the chain's ``Intent``, bound to the block it was decided on, and its legs, as the ABI encodes them."""
    block = intent.decided_at_block
    bound = (_bytes(intent.intent_id), block.number, _bytes(block.hash), intent.deadline)
    return bound, [(leg.venue, leg.margin_delta, leg.size_delta, leg.limit_price) for leg in intent.legs]


def call_on(intent: Intent, block: BlockRef) -> Call:
    """Return the call as it is simulated on top of ``block``.

    Within a simulated block the EVM knows the hashes of the blocks before it, not its own. So an intent of that very
    block is bound to its parent, for the simulation alone; all else is the same.

    Raises
    ------
    DataError
        The parent is needed and was not read.

    """
    if intent.decided_at_block.hash != block.hash:
        return rebalance_call(intent)
    if block.parent_hash is None:
        raise DataError(f"the parent of block {block.number} is not known: read the block from a node")
    parent = replace(block, number=block.number - 1, hash=block.parent_hash)
    return rebalance_call(replace(intent, decided_at_block=parent))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


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
