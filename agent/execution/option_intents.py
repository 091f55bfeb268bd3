"""A trade of options as an intent: named by its content, bound to the block it was decided on, without legs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.chain.abi import Call
from agent.domain import BlockRef, Intent
from agent.errors import DataError
from agent.option_venue import OptionOrder
from agent.units import Address, IntentId, Seconds
from agent.venues.option_calls import trade_call

_TYPES = ("uint256", "address", "bytes32", "address", "(uint256,bool,int256,uint256)[]")


@dataclass(frozen=True, slots=True)
class OptionTrade:
    """Orders at one venue of options, as one intent of a vault's keeper."""

    intent: Intent
    venue: Address
    orders: tuple[OptionOrder, ...]

    @classmethod
    def of(
        cls,
        vault: tuple[int, Address],
        venue: Address,
        orders: Sequence[OptionOrder],
        block: BlockRef,
        deadline_seconds: int,
    ) -> OptionTrade:
        """Return the trade decided on ``block``; ``vault`` is its chain id and address.

        The same orders on the same block are the same intent.
        """
        encoded = [(one.strike_id, one.is_call, one.size_delta, one.limit_cost) for one in orders]
        block_hash = bytes.fromhex(block.hash.removeprefix("0x"))
        identity = IntentId("0x" + keccak(encode(_TYPES, (*vault, block_hash, venue, encoded))).hex())
        deadline = Seconds(block.timestamp + deadline_seconds)
        return cls(Intent(identity, vault[1], (), deadline, block), venue, tuple(orders))

    def call(self) -> Call:
        """Return the call that trades."""
        return self._bound_to(self.intent.decided_at_block)

    def call_on(self, head: BlockRef) -> Call:
        """Return the call as it is simulated on top of ``head``: of that very block, it is bound to the parent.

        Raises
        ------
        DataError
            The parent is needed and was not read; see `agent.execution.intents.call_on`.

        """
        if self.intent.decided_at_block.hash != head.hash:
            return self.call()
        if head.parent_hash is None:
            raise DataError(f"the parent of block {head.number} is not known: read the block from a node")
        return self._bound_to(replace(head, number=head.number - 1, hash=head.parent_hash))

    def _bound_to(self, block: BlockRef) -> Call:
        return trade_call(self.venue, self.intent.intent_id, block, self.intent.deadline, self.orders)
