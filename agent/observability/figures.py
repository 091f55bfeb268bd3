"""What of a vault is watched, out of a keeper's cycle or of a status read without it; None where it is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.domain import BlockRef, VenueMeasurement
from agent.guard import UINT256_MAX, effective_band, venue_leverage, worst_net_delta
from agent.keeper.planner import CycleView
from agent.status.records import VaultStatus
from agent.status.risk import liquidation_distance, worst_net_delta_of
from agent.units import Address, Wad, from_wad
from agent.venues.maintenance import Maintenance


@dataclass(frozen=True, slots=True)
class VenueFigures:
    """One venue account; ``leverage_ratio`` is infinite where there is a position and no equity.

    ``liquidation_distance`` is the relative move of the price against it at which the venue liquidates, None where that
    is not known.
    """

    name: str
    is_silent: bool
    leverage_ratio: float
    max_leverage_ratio: float
    liquidation_distance: float | None = None


@dataclass(frozen=True, slots=True)
class VaultFigures:
    """One vault at one block."""

    block: BlockRef
    worst: Wad | None
    """W, underlying units."""
    band: Wad | None
    oracle_age_seconds: int | None
    oracle_faults: tuple[str, ...]
    venues: tuple[VenueFigures, ...]
    rebalances_left: int | None
    """What the gas money of the keeper pays for; of several keepers, of the poorest."""
    dismissed: tuple[str, ...]
    """Keepers of the manifest without the role."""
    stopped_by: tuple[str, ...]
    poorest: Address | None = None
    """Whose gas money ``rebalances_left`` is of."""

    @property
    def is_outside(self) -> bool | None:
        """Whether W exceeds the band; None where one of them is not known."""
        return None if self.worst is None or self.band is None else self.worst > self.band

    @property
    def worst_over_band_ratio(self) -> float | None:
        """W over the band, None as above or where the band is 0."""
        return None if self.worst is None or not self.band else self.worst / self.band


def figures_of_status(status: VaultStatus) -> VaultFigures:
    """Return the figures of a status."""
    measured, modes = status.measurement, status.modes
    stopped = {
        "paused": modes.paused_until is not None,
        "winding down": modes.is_winding_down,
        "reduce-only": modes.is_reduce_only,
        "breaker tripped": bool(status.is_breaker_tripped),
    }
    known = measured.price > 0
    poorest = min(status.keepers, key=lambda keeper: keeper.rebalances_left, default=None)
    return VaultFigures(
        block=status.block,
        worst=worst_net_delta_of(status),
        band=effective_band(status.bounds, measured.firm_nav, measured.price) if known else None,
        oracle_age_seconds=status.block.timestamp - status.oracle.updated_at if status.oracle.updated_at else None,
        oracle_faults=status.oracle.faults,
        venues=_venues(status.venue_names, measured.venues, status.bounds.max_venue_leverage, status.maintenance),
        rebalances_left=None if poorest is None else poorest.rebalances_left,
        dismissed=tuple(keeper.address for keeper in status.keepers if not keeper.has_role),
        stopped_by=tuple(words for words, is_so in stopped.items() if is_so),
        poorest=None if poorest is None else poorest.address,
    )


def figures_of_view(
    view: CycleView, keeper: Address, rebalances_left: int | None, maintenance: Mapping[Address, Maintenance]
) -> VaultFigures:
    """Return the figures of a keeper's cycle, before any trade; ``maintenance`` holds what venues liquidate at."""
    state = view.state
    measured, bounds = state.measurement, state.bounds
    stopped = {"paused": state.is_paused, "reduce-only": measured.is_reduce_only}
    return VaultFigures(
        block=view.block,
        worst=worst_net_delta(measured),
        band=effective_band(bounds, measured.firm_nav, measured.price),
        oracle_age_seconds=view.block.timestamp - state.oracle_updated_at,
        oracle_faults=(),
        venues=_venues(
            [venue.name for venue in state.venues],
            measured.venues,
            bounds.max_venue_leverage,
            [maintenance.get(venue.address) for venue in state.venues],
        ),
        rebalances_left=rebalances_left,
        dismissed=(),
        stopped_by=tuple(words for words, is_so in stopped.items() if is_so),
        poorest=keeper,
    )


def _venues(
    names: Sequence[str], venues: Sequence[VenueMeasurement], cap: Wad, maintenance: Sequence[Maintenance | None]
) -> tuple[VenueFigures, ...]:
    return tuple(
        VenueFigures(
            name,
            venue.is_silent,
            _leverage_ratio(venue),
            from_wad(cap),
            None if known is None or venue.is_silent else liquidation_distance(venue, known),
        )
        for name, venue, known in zip(names, venues, maintenance, strict=True)
    )


def _leverage_ratio(venue: VenueMeasurement) -> float:
    leverage = venue_leverage(venue)
    return float("inf") if leverage == UINT256_MAX else from_wad(Wad(leverage))
