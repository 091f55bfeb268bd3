"""Reads the vault's and its venues' events into the ledger, and notices when the chain has replaced blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.chain.abi import Event, Log, load_abi
from agent.chain.block_id import BlockId
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.chain.log_pages import AnchorReplacedError, LogQuery
from agent.domain import BlockRef
from agent.errors import TransientError
from agent.ledger.indexed_funding import FundingSequence
from agent.ledger.option_events import OptionEvents
from agent.ledger.order_events import OrderEvents
from agent.ledger.own_acts import OwnActs
from agent.ledger.records import (
    AccountEventRecord,
    CashFlowKind,
    CashFlowRecord,
    FillRecord,
    FundingRecord,
    LogId,
    RebalanceRecord,
    Scan,
)
from agent.ledger.store import VaultLedger
from agent.units import Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei
from agent.venues.account_events import account_event_sources
from agent.venues.funding import FundingSource, funding_sources
from agent.venues.protocol import IndexedFunding
from agent.venues.registry import venue_protocol

_MARKS_COMPARED_AT_ONCE = (32, 2_048, 131_072)
"""Scan marks compared with the chain, newest first, when looking for the last block both share."""


_UNMARKED_BLOCKS = 256
"""A mark is left at the latest after so many blocks, so that a restart reads no more of them again."""


@dataclass(slots=True)
class _Found:
    """Records of the logs read so far."""

    rebalances: list[RebalanceRecord] = field(default_factory=list)
    fills: list[FillRecord] = field(default_factory=list)
    cash_flows: list[CashFlowRecord] = field(default_factory=list)
    funding: list[FundingRecord] = field(default_factory=list)


class EventScanner:
    """Keeps one vault's ledger in step with the chain."""

    def __init__(self, client: ChainClient, ledger: VaultLedger, deployment: Deployment, block: BlockRef) -> None:
        self._client = client
        self._ledger = ledger
        self._first_block = deployment.block
        self._vault = deployment.contract("HedgeVault")
        self._asset = deployment.asset
        self._funding: list[FundingSource] = funding_sources(client, deployment, block)
        self._account_events = account_event_sources(client, deployment, block)
        self._sequence = FundingSequence(client, ledger)
        protocols = {Address(e.address): venue_protocol(e.kind, f"venue {e.name}") for e in deployment.venues}
        self._orders = OrderEvents(
            ledger,
            (venue for venue, protocol in protocols.items() if protocol.fills_later),
            frozenset(venue for venue, protocol in protocols.items() if protocol.fills_by_notional),
        )
        self._options = OptionEvents(client, deployment, block)
        self.on_account_events: Callable[[Sequence[AccountEventRecord]], None] = lambda _: None
        """Told of events before they are recorded, so that none goes untold."""
        abi = load_abi("HedgeVault")
        readers: dict[str, Callable[[LogId, dict[str, Any], _Found], None]] = {
            "Rebalanced": _read_rebalanced,
            "LegExecuted": _read_leg,
            "Deposit": _read_deposit,
            "Withdraw": _read_withdrawal,
            "MarginBroughtHome": _read_margin_home,
        }
        self._readers: dict[str, tuple[Event, Callable[[LogId, dict[str, Any], _Found], None]]] = {
            abi.event(name).topic: (abi.event(name), reader) for name, reader in readers.items()
        }
        sources = [(source.emitter, source.event.event.topic) for source in self._funding]
        sources += [(source.emitter, source.event.event.topic) for source in self._account_events]
        sources += self._options.sources
        self._addresses = sorted({self._vault, *self._orders.venues, *(emitter for emitter, _ in sources)})
        self._seen: BlockId | None = None
        """Up to where all is in the ledger, beyond its newest mark too; of one edition of its rows."""
        self._edition = ledger.edition
        self._topics = sorted({*self._readers, *self._orders.topics, *(topic for _, topic in sources)})
        self._query = LogQuery(tuple(self._addresses), tuple(self._topics))

    def scan(self, to: BlockRef) -> None:
        """Record every event up to ``to``, after voiding what rests on blocks the chain has replaced.

        Blocks without events leave no mark of their own: reading them again costs little.

        Raises
        ------
        TransientError
            The chain changed while it was read, the servers do not answer, or they lag behind the ledger. What was
            recorded before stands.

        """
        if self._edition != self._ledger.edition:
            self._seen, self._edition = None, self._ledger.edition
        anchor, target = self._seen or self._ledger.last_scan(), BlockId.of(to)
        if anchor is not None and anchor.number >= target.number and anchor != target:
            anchor = self._drop_replaced(target)
        if anchor == target:
            self._seen = target
            return
        try:
            self._read_on(anchor, target)
        except AnchorReplacedError:
            self._read_on(self._drop_replaced(target), target)

    def reach(self, block: BlockRef) -> None:
        """Record every event up to ``block``, where that has not been done; raises as `scan` does."""
        at = self._seen or self._ledger.last_scan()
        if at is None or at.number < block.number:
            self.scan(block)

    def book(self, block_id: BlockId, logs: Sequence[Log]) -> None:
        """Record the events of one transaction's receipt, which the servers' own log search did not show.

        Those that are recorded already stay as they are.
        """
        own = [log for log in logs if log.emitter in self._addresses and log.topics and log.topics[0] in self._topics]
        self._record(block_id.number, block_id, own)

    def _read_on(self, anchor: BlockId | None, target: BlockId) -> None:
        """Record page after page from behind ``anchor``: what is read stays read when a later page fails."""
        first = self._after(anchor)
        if anchor == target:
            self._seen = target
            return
        for page in self._client.log_reader.pages(self._query, first, target, anchor):
            if page.logs or page.to.number - first >= _UNMARKED_BLOCKS or self._ledger.last_scan() is None:
                self._record(first, page.to, page.logs)
            self._seen, first = page.to, page.to.number + 1

    def _after(self, anchor: BlockId | None) -> int:
        return self._first_block if anchor is None else anchor.number + 1

    def _record(self, first: int, target: BlockId, logs: Sequence[Log]) -> None:
        found = _Found()
        for log in logs:
            self._read(log, found, target)
        order_steps, order_fills = self._orders.read(logs, found.fills)
        found.fills += order_fills
        option_events, payoffs = self._options.read(logs)
        found.cash_flows += payoffs
        account_events = self._by_others(logs, found)
        self.on_account_events(account_events)
        self._ledger.add_scan(
            Scan(
                from_block=first,
                to=target,
                rebalances=tuple(found.rebalances),
                fills=tuple(found.fills),
                cash_flows=tuple(found.cash_flows),
                funding=tuple(found.funding),
                order_steps=tuple(order_steps),
                account_events=account_events,
                option_events=tuple(option_events),
            )
        )

    def _drop_replaced(self, target: BlockId) -> BlockId | None:
        """Void everything recorded on blocks that are gone; return the newest scan mark that is still on the chain.

        Only another block at its height shows that one is gone. Where the servers do not reach as high as the ledger,
        or have its blocks and name an older head, they lag: accounts of two moments are not to be compared.
        """
        shared = self._walk_back(target)
        above = sorted(
            self._ledger.blocks_above(-1 if shared is None else shared.number), key=lambda block_id: block_id.number
        )
        hashes = self._hashes(above)
        gone = [block_id for block_id in above if hashes[block_id.number] not in (None, block_id.hash)]
        missing = [block_id for block_id in above if hashes[block_id.number] is None]
        ahead = [one for one in above if one.number > target.number and hashes[one.number] == one.hash]
        if (missing or ahead) and not gone:
            raise TransientError(
                f"the ledger knows block {above[-1].number}, and the servers are not there yet: they lag behind what "
                "they, or others, have shown already"
            )
        self._ledger.void([*gone, *missing])
        self._seen = None
        return shared

    def _walk_back(self, target: BlockId) -> BlockId | None:
        for count in _MARKS_COMPARED_AT_ONCE:
            marks = [block_id for block_id in self._ledger.scans(count) if block_id.number <= target.number]
            shared = self._canonical(marks)
            if shared:
                return max(shared, key=lambda block_id: block_id.number)
        return None

    def _canonical(self, block_ids: Sequence[BlockId]) -> list[BlockId]:
        """Return those of ``block_ids`` that are on the chain now."""
        hashes = self._hashes(block_ids)
        return [block_id for block_id in block_ids if hashes[block_id.number] == block_id.hash]

    def _hashes(self, block_ids: Sequence[BlockId]) -> dict[int, BlockHash | None]:
        """Return the hash that the chain has now at each height, None beyond the servers' head."""
        numbers = sorted({block_id.number for block_id in block_ids})
        return dict(zip(numbers, self._client.canonical_hashes(numbers), strict=True)) if numbers else {}

    def _read(self, log: Log, found: _Found, target: BlockId) -> None:
        at = LogId(BlockId(log.block_number, log.block_hash), log.transaction_hash, log.log_index)
        if log.emitter == self._vault and log.topics[0] in self._readers:
            event, reader = self._readers[log.topics[0]]
            reader(at, event.decode(log), found)
        for source in self._funding:
            funding = source.event
            if log.emitter != source.emitter or log.topics[0] != funding.event.topic:
                continue
            fields = funding.event.decode(log)
            if fields[funding.account] != source.venue:
                continue
            if isinstance(funding, IndexedFunding):
                block = BlockRef(target.number, target.hash, Seconds(0), Wei(0))
                found.funding.append(self._sequence.payment(source, funding, log, found.funding, at, block))
            else:
                found.funding.append(FundingRecord(at, source.venue, Wad(fields[funding.paid])))

    def _by_others(self, logs: Sequence[Log], found: _Found) -> tuple[AccountEventRecord, ...]:
        """Return what others did to the accounts: all that the vault does not report itself in the same transaction."""
        own = OwnActs(found.fills, found.cash_flows)
        events: list[AccountEventRecord] = []
        for log in logs:
            for source in self._account_events:
                event = source.event
                if log.emitter != source.emitter or log.topics[0] != event.event.topic:
                    continue
                fields = event.event.decode(log)
                change = event.change_of(fields, self._asset)
                if fields[event.account] != source.venue or own.take(log.transaction_hash, source.venue, change):
                    continue
                at = LogId(BlockId(log.block_number, log.block_hash), log.transaction_hash, log.log_index)
                size_delta, cash = Wad(change.size_delta), Wad(change.cash)
                events.append(AccountEventRecord(at, source.venue, event.kind, size_delta, cash))
        return tuple(events)


def _read_rebalanced(at: LogId, fields: dict[str, Any], found: _Found) -> None:
    found.rebalances.append(
        RebalanceRecord(
            at=at,
            intent_id=IntentId("0x" + fields["intentId"].hex()),
            price=Wad(fields["price"]),
            worst_net_delta_before=Wad(fields["worstNetDeltaBefore"]),
            worst_net_delta_after=Wad(fields["worstNetDeltaAfter"]),
            nav_before=Wad(fields["navBefore"]),
            nav_after=Wad(fields["navAfter"]),
        )
    )


def _read_leg(at: LogId, fields: dict[str, Any], found: _Found) -> None:
    """Book a leg's two sides: what it traded and what margin it moved."""
    venue = Address(fields["venue"])
    if fields["marginDelta"] != 0:
        assets = AssetUnits(fields["marginDelta"])
        found.cash_flows.append(CashFlowRecord(at, CashFlowKind.MARGIN, venue, assets))
    if fields["requestedSizeDelta"] != 0:
        found.fills.append(
            FillRecord(
                at=at,
                intent_id=IntentId("0x" + fields["intentId"].hex()),
                venue=venue,
                requested_size_delta=Wad(fields["requestedSizeDelta"]),
                size_delta=Wad(fields["filledSizeDelta"]),
                execution_price=Wad(fields["executionPrice"]),
                fee=Wad(fields["fee"]),
            )
        )


def _read_deposit(at: LogId, fields: dict[str, Any], found: _Found) -> None:
    found.cash_flows.append(CashFlowRecord(at, CashFlowKind.DEPOSIT, None, AssetUnits(fields["assets"])))


def _read_withdrawal(at: LogId, fields: dict[str, Any], found: _Found) -> None:
    found.cash_flows.append(CashFlowRecord(at, CashFlowKind.WITHDRAWAL, None, AssetUnits(-fields["assets"])))


def _read_margin_home(at: LogId, fields: dict[str, Any], found: _Found) -> None:
    venue, assets = Address(fields["venue"]), AssetUnits(-fields["assets"])
    found.cash_flows.append(CashFlowRecord(at, CashFlowKind.MARGIN, venue, assets))
