"""What a proposal does to a day of hedging: the vault as it stands, under today's bounds and under those proposed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent.backtest.price_series import PriceSeries
from agent.backtest.vault_day import KeeperModel, VaultDay, replay_vault
from agent.chain.abi import load_abi
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.chain.snapshot import SnapshotReader
from agent.domain import BlockRef, Book, Bounds, OptionLeg, OptionType, Snapshot
from agent.errors import AgentError
from agent.governance.changes import Change
from agent.governance.day_source import DaySource
from agent.governance.desk import GovernanceDesk
from agent.governance.parameters import BOUNDS, Group
from agent.settings import Settings
from agent.units import WAD, Seconds, Wad, from_wad
from agent.venues.registry import OWN_VIEWS

_KEEPER_GROUPS = (Group.BOUNDS, Group.VENUE_CAP)
"""Parameters that the guard's mirror judges trades by."""
_UNCHANGED = "nothing here is what a keeper's trades are judged by"


@dataclass(frozen=True, slots=True)
class DayComparison:
    """The day under both bounds; ``missing`` says why there is none."""

    before: VaultDay | None = None
    after: VaultDay | None = None
    prices: PriceSeries | None = None
    missing: str | None = None


def compare_day(desk: GovernanceDesk, changes: Sequence[Change], source: DaySource) -> DayComparison:
    """Replay a day under today's parameters and under the changed ones.

    The positions are those on the chain, at the middle of their IV intervals; the keeper is the configuration's.

    Raises
    ------
    DataError
        The price file does not hold the day. What stands on the chain never raises: ``missing`` says it.

    """
    judged = [change for change in changes if change.parameter.group in _KEEPER_GROUPS]
    if not judged:
        return DayComparison(missing=_UNCHANGED)
    node, deployment, settings = desk.online(), desk.deployment, desk.settings
    numbers = {**desk.state.numbers, **{change.key: change.new for change in judged}}
    fields: list[Any] = [numbers[parameter.name] for parameter in BOUNDS]
    bounds = Bounds(*fields)
    caps = {change.venue: Wad(change.new * WAD) for change in judged if change.venue is not None}
    try:
        start, options = _stand(node.client, deployment, node.head, bounds.max_size_delta)
    except AgentError as error:
        return DayComparison(missing=str(error))
    prices = source.prices(from_wad(start.measurement.price), start.block.timestamp)
    keeper = _keeper(settings, deployment.asset.decimals)
    try:
        before = replay_vault(start, options, keeper, prices)
        after = replay_vault(_under(start, bounds, caps), options, keeper, prices)
    except AgentError as error:
        return DayComparison(missing=str(error))
    return DayComparison(before, after, prices)


def _stand(client: ChainClient, deployment: Deployment, head: BlockRef, largest: Wad) -> tuple[Snapshot, Book]:
    """Read where the vault stands, and its options."""
    snapshot, _ = SnapshotReader(client, deployment, None, largest, OWN_VIEWS).snapshot(head)
    return snapshot, Book("underlying", _options(client, deployment, head))


def _options(client: ChainClient, deployment: Deployment, head: BlockRef) -> tuple[OptionLeg, ...]:
    if "OptionBook" not in deployment.contracts:
        return ()
    abi, at = load_abi("OptionBook"), deployment.contract("OptionBook")
    ((ids,),) = client.read([abi.function("legIds").at(at)], head)
    rows = client.read([abi.function("leg").at(at, one) for one in ids], head)
    return tuple(_option(number, row) for number, (row,) in zip(ids, rows, strict=True))


def _option(number: int, row: Sequence[int]) -> OptionLeg:
    strike, expiry, is_call, quantity, iv_low, iv_high = row
    low, high = from_wad(iv_low), from_wad(iv_high)
    return OptionLeg(
        option_type=OptionType.CALL if is_call else OptionType.PUT,
        strike_usd=from_wad(strike),
        expiry_unix=Seconds(expiry),
        quantity=from_wad(quantity),
        iv_annual=(low + high) / 2.0,
        iv_low_annual=low,
        iv_high_annual=high,
        label=f"leg {number}",
    )


def _under(start: Snapshot, bounds: Bounds, caps: dict[str, Wad]) -> Snapshot:
    measured = tuple(
        replace(own, cap=caps.get(venue.name, own.cap))
        for venue, own in zip(start.venues, start.measurement.venues, strict=True)
    )
    return replace(start, bounds=bounds, measurement=replace(start.measurement, venues=measured))


def _keeper(settings: Settings, asset_decimals: int) -> KeeperModel:
    priority_fee_gwei = settings.execution.priority_fee_gwei
    return KeeperModel(
        settings.policy.build(),
        settings.to_decision_parameters(asset_decimals),
        lambda price: settings.costs.to_cost_inputs(price, priority_fee_gwei),
    )
