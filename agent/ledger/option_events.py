"""What a vault's venue of options and its protocol tell of the options held: trades, payouts, and what came home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from agent.chain.abi import Log, load_abi
from agent.chain.block_id import BlockId
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.domain import BlockRef
from agent.ledger.records import CashFlowKind, CashFlowRecord, LogId, OptionEventKind, OptionEventRecord
from agent.units import Address, AssetUnits, IntentId, Wad
from agent.venues.protocol import OptionSettlementEvent
from agent.venues.registry import option_protocol
from agent.venues.views import follow_views


class _Settlements(NamedTuple):
    """Where payouts are told."""

    emitter: Address
    told: OptionSettlementEvent


class OptionEvents:
    """Reads the events of the one venue of options; there may be none.

    Raises
    ------
    DataError
        Its kind is not known.
    TransientError
        It does not answer, so that nobody can tell where payouts are told.

    """

    def __init__(self, client: ChainClient, deployment: Deployment, block: BlockRef) -> None:
        abi, entry = load_abi("IOptionVenue"), deployment.option_venue
        self._traded, self._home = abi.event("OptionTraded"), abi.event("OptionSettled")
        self._venue: Address | None = None
        self._settlements: _Settlements | None = None
        if entry is not None:
            self._venue = Address(entry.address)
            told = option_protocol(entry.kind, f"option venue {entry.name}").settled
            [emitter] = follow_views(client, block, [(self._venue, told.emitter)])
            self._settlements = _Settlements(emitter, told)

    @property
    def sources(self) -> tuple[tuple[Address, str], ...]:
        """Emitters and topics to look for."""
        if self._venue is None or self._settlements is None:
            return ()
        own = ((self._venue, event.topic) for event in (self._traded, self._home))
        return (*own, (self._settlements.emitter, self._settlements.told.event.topic))

    def read(self, logs: Sequence[Log]) -> tuple[list[OptionEventRecord], list[CashFlowRecord]]:
        """Return what happened to options, and what of it moved collateral into the vault, in chain order."""
        events: list[OptionEventRecord] = []
        flows: list[CashFlowRecord] = []
        for log in logs:
            if not log.topics:
                continue
            at = LogId(BlockId(log.block_number, log.block_hash), log.transaction_hash, log.log_index)
            if log.emitter == self._venue and log.topics[0] == self._traded.topic:
                events.append(_trade(at, log.emitter, self._traded.decode(log)))
            elif log.emitter == self._venue and log.topics[0] == self._home.topic:
                fields = self._home.decode(log)
                events.append(_event(at, log.emitter, OptionEventKind.BROUGHT_HOME, fields["positionId"]))
                if fields["payoff"]:
                    assets = AssetUnits(-fields["payoff"])
                    flows.append(CashFlowRecord(at, CashFlowKind.MARGIN, log.emitter, assets))
            elif (paid := self._payout(at, log)) is not None:
                events.append(paid)
        return events, flows

    def _payout(self, at: LogId, log: Log) -> OptionEventRecord | None:
        """Return a payout to the venue's account; None of what is another's."""
        if self._settlements is None or self._venue is None:
            return None
        emitter, told = self._settlements
        if log.emitter != emitter or log.topics[0] != told.event.topic:
            return None
        fields = told.event.decode(log)
        if fields[told.holder] != self._venue:
            return None
        size, paid = Wad(-fields[told.size]), Wad(fields[told.paid])
        return _event(at, self._venue, OptionEventKind.SETTLED, fields[told.position], size, paid)


def _event(
    at: LogId,
    venue: Address,
    kind: OptionEventKind,
    position_id: int,
    size_delta: Wad = Wad(0),  # noqa: B008 - a plain integer
    cash: Wad = Wad(0),  # noqa: B008 - a plain integer
) -> OptionEventRecord:
    return OptionEventRecord(at, venue, kind, position_id, size_delta, cash)


def _trade(at: LogId, venue: Address, fields: Mapping[str, Any]) -> OptionEventRecord:
    is_purchase = fields["sizeDelta"] > 0
    return OptionEventRecord(
        at=at,
        venue=venue,
        kind=OptionEventKind.TRADED,
        position_id=fields["positionId"],
        size_delta=Wad(fields["sizeDelta"]),
        cash=Wad(-fields["cost"] if is_purchase else fields["cost"]),
        fee=Wad(fields["fee"]),
        intent_id=IntentId("0x" + fields["intentId"].hex()),
        strike_id=fields["strikeId"],
        is_call=bool(fields["isCall"]),
    )
