"""A block by number and hash: what was seen there counts as long as the chain still has it."""

from __future__ import annotations

from dataclasses import dataclass

from agent.domain import BlockRef
from agent.units import BlockHash


@dataclass(frozen=True, slots=True)
class BlockId:
    """A block by number and hash."""

    number: int
    hash: BlockHash

    @classmethod
    def of(cls, block: BlockRef) -> BlockId:
        """Return the id of a block."""
        return cls(block.number, block.hash)
