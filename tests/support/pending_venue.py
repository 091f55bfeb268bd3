"""A venue that executes later: its orders go on block by block, and a reorganisation takes them back."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.chain.block_id import BlockId
from agent.ledger.records import LogId, OrderState, OrderStep, Scan
from agent.ledger.store import VaultLedger
from agent.units import Address, BlockHash, IntentId, Wad

VENUE = Address("0x00000000000000000000000000000000000000B2")
INTENT_ID = IntentId("0x" + "11" * 32)
FIRST_BLOCK = 1


@dataclass
class PendingVenue:
    """Blocks with what the venue said of its orders in each; ``branch`` tells one history from the next."""

    branch: int = 0
    blocks: list[list[OrderStep]] = field(default_factory=list)

    @property
    def head(self) -> BlockId:
        return self._block_id(len(self.blocks))

    def mine(self, *steps: tuple[str, OrderState, int, int]) -> None:
        """Add a block: for each step the order's id, its state, and its sizes, requested and filled so far."""
        number = len(self.blocks) + 1
        self.blocks.append(
            [
                OrderStep(
                    LogId(self._block_id(number), f"0x{number:064x}", index),
                    INTENT_ID,
                    VENUE,
                    order_id,
                    state,
                    Wad(requested),
                    Wad(filled),
                )
                for index, (order_id, state, requested, filled) in enumerate(steps)
            ]
        )

    def cut(self, count: int) -> list[BlockId]:
        """Take the last blocks back and return them."""
        gone = [self._block_id(number) for number in range(len(self.blocks) - count + 1, len(self.blocks) + 1)]
        del self.blocks[len(self.blocks) - count :]
        self.branch += 1
        return gone

    def scan(self, first: int = FIRST_BLOCK) -> Scan:
        """All that was said from one block on."""
        steps = [step for block in self.blocks[first - 1 :] for step in block]
        return Scan(first, self.head, order_steps=tuple(steps))

    def _block_id(self, number: int) -> BlockId:
        branches = self.blocks[number - 1] if number <= len(self.blocks) else None
        if branches:
            return branches[0].at.block
        return BlockId(number, BlockHash(f"0x{self.branch:032x}{number:032x}"))


@dataclass(frozen=True)
class PendingOrders:
    """Orders of a venue that says so in a real block: the one that is the head when it speaks.

    The venues that there are here fill at once; this stands for the events of one that does not.
    """

    ledger: VaultLedger
    venue: Address
    intent_id: IntentId

    def say(self, head: BlockId, *steps: tuple[str, OrderState, int, int]) -> None:
        """Say of an order, by its id, its state and its sizes, requested and filled so far."""
        order_steps = tuple(
            OrderStep(
                LogId(head, f"0x{head.number:064x}", 1_000 + index),
                self.intent_id,
                self.venue,
                order_id,
                state,
                Wad(requested),
                Wad(filled),
            )
            for index, (order_id, state, requested, filled) in enumerate(steps)
        )
        self.ledger.add_scan(Scan(head.number, head, order_steps=order_steps))
