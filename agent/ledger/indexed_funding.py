"""Funding that no event tells: from the entries of a sequence that two events of an account name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.chain.abi import Log
from agent.chain.client import ChainClient
from agent.domain import BlockRef
from agent.errors import TransientError
from agent.ledger.records import FundingRecord, LogId
from agent.ledger.store import VaultLedger
from agent.rounding import div_toward_zero
from agent.units import WAD, Address, Wad
from agent.venues.funding import FundingSource
from agent.venues.protocol import IndexedFunding


@dataclass(frozen=True, slots=True)
class _Settled:
    """What an event of an account says: its size from then on, and the entry that it was settled at."""

    size: int
    index: int


class FundingSequence:
    """Reads what accounts paid. Nothing that it remembers is needed: the ledger says which event was the last."""

    def __init__(self, client: ChainClient, ledger: VaultLedger) -> None:
        self._client = client
        self._ledger = ledger
        self._settled: dict[LogId, _Settled] = {}

    def payment(
        self,
        source: FundingSource,
        funding: IndexedFunding,
        log: Log,
        found: list[FundingRecord],
        at: LogId,
        block: BlockRef,
    ) -> FundingRecord:
        """Return what an account paid since its event before; a first one says 0, and so does one that was flat.

        ``found`` are the payments that were read and are not in the ledger yet; ``block``: where entries are read.

        Raises
        ------
        TransientError
            No server has the receipt of the event before.

        """
        now = self._settled[at] = _settled_by(funding, funding.event.decode(log))
        before = self._before(source, funding, found, at)
        if before is None or before.size == 0 or before.index == now.index:
            return FundingRecord(at, source.venue, Wad(0))
        calls = [funding.entry.at(source.emitter, one.index) for one in (before, now)]
        (first,), (last,) = self._client.read(calls, block)
        return FundingRecord(at, source.venue, Wad(-div_toward_zero(before.size * (last - first), WAD)))

    def _before(
        self, source: FundingSource, funding: IndexedFunding, found: list[FundingRecord], at: LogId
    ) -> _Settled | None:
        place = (at.block.number, at.log_index)
        earlier = [
            record.at
            for record in (*self._ledger.funding(), *found)
            if record.venue == source.venue and (record.at.block.number, record.at.log_index) < place
        ]
        if not earlier:
            return None
        last = max(earlier, key=lambda one: (one.block.number, one.log_index))
        if last not in self._settled:
            self._settled[last] = self._read(funding, source.emitter, last)
        return self._settled[last]

    def _read(self, funding: IndexedFunding, emitter: Address, at: LogId) -> _Settled:
        [receipt] = self._client.receipts([at.transaction_hash])
        for entry in () if receipt is None else receipt["logs"]:
            log = Log.from_rpc(entry)
            if (log.emitter, log.log_index, log.block_hash) == (emitter, at.log_index, at.block.hash):
                return _settled_by(funding, funding.event.decode(log))
        raise TransientError(f"no server has the receipt of {at.transaction_hash}, which funding is counted from")


def _settled_by(funding: IndexedFunding, fields: Mapping[str, Any]) -> _Settled:
    return _Settled(fields[funding.size], fields[funding.index])
