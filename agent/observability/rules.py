"""What of a vault's figures is an alert: the same rules in the keeper's process and in the watcher's."""

from __future__ import annotations

from collections.abc import Iterator

from agent.errors import RejectedError
from agent.formatting import delta_text
from agent.observability.alerts import AlertName
from agent.observability.figures import VaultFigures
from agent.settings.observability import ObservabilitySettings
from agent.units import BPS, Seconds, from_wad

VAULT_ALERTS = (
    AlertName.OUTSIDE_BAND,
    AlertName.DELTA_UNKNOWN,
    AlertName.ORACLE_UNHEALTHY,
    AlertName.VENUE_SILENT,
    AlertName.LEVERAGE_HIGH,
    AlertName.LIQUIDATION_NEAR,
    AlertName.GAS_MONEY_LOW,
    AlertName.KEEPER_DISMISSED,
    AlertName.VAULT_STOPPED,
)
BLIND_ALERTS = (AlertName.ORACLE_UNHEALTHY, AlertName.DELTA_UNKNOWN)
"""Those that a keeper tells which cannot read the vault at all."""
_ORACLE_ERRORS = ("Price", "SecondaryPrice", "Sequencer", "Collateral")
"""How the errors begin with which `PriceOracle` refuses a price."""
_BOOK_ERROR = "SourceFailed"
"""`DeltaBook`'s, of a source that does not answer."""


class OutsideTimer:
    """How long W has been over the band without a break, by the chain's clock."""

    def __init__(self) -> None:
        self._since: Seconds | None = None

    def seconds(self, figures: VaultFigures) -> int:
        """Return the time outside up to these figures; where W is not known, the time runs on."""
        now = figures.block.timestamp
        if figures.is_outside is False:
            self._since = None
        elif figures.is_outside and self._since is None:
            self._since = now
        return 0 if self._since is None else max(now - self._since, 0)


def vault_alerts(
    figures: VaultFigures, outside_seconds: int, settings: ObservabilitySettings
) -> Iterator[tuple[AlertName, str]]:
    """Yield what is an alert, with what is to be said."""
    worst, band = figures.worst, figures.band
    if worst is None or band is None:
        why = "a source of the book does not answer"
        if figures.oracle_faults or band is None:
            why = f"there is no price ({'; '.join(figures.oracle_faults) or 'no source answers'})"
        yield AlertName.DELTA_UNKNOWN, f"the chain cannot tell the book's delta, nothing can be hedged: {why}"
    elif worst > band and outside_seconds >= settings.max_outside_seconds:
        yield (
            AlertName.OUTSIDE_BAND,
            f"worst-case delta {delta_text(from_wad(worst))} over the band {delta_text(from_wad(band))} for "
            f"{outside_seconds} s, allowed {settings.max_outside_seconds} (block {figures.block.number})",
        )
    if figures.oracle_faults:
        age = figures.oracle_age_seconds
        told = "" if age is None else f"; the last price is {age} s old"
        yield AlertName.ORACLE_UNHEALTHY, f"the vault believes no price: {'; '.join(figures.oracle_faults)}{told}"
    yield from _venue_alerts(figures, settings)
    left = figures.rebalances_left
    if left is not None and left < settings.min_rebalances_left:
        key = figures.poorest or "the keeper's key"
        words = f"ether of {key} pays for {left} rebalances, wanted {settings.min_rebalances_left}: send it more"
        yield AlertName.GAS_MONEY_LOW, words
    if figures.dismissed:
        words = f"without KEEPER_ROLE: {', '.join(figures.dismissed)}"
        yield AlertName.KEEPER_DISMISSED, f"{words}; 'evenkeel key grant ADDRESS' shows how it gets it again"
    if figures.stopped_by:
        yield AlertName.VAULT_STOPPED, f"the vault is {', '.join(figures.stopped_by)}: ask guardian and governor why"


def blind_alerts(rejection: RejectedError | None) -> Iterator[tuple[AlertName, str]]:
    """Yield what keeps a vault from being read, where it is its price or its book."""
    name = "" if rejection is None else rejection.name
    if name.startswith(_ORACLE_ERRORS):
        yield AlertName.ORACLE_UNHEALTHY, f"the vault believes no price, nothing can be hedged: {rejection}"
    elif name == _BOOK_ERROR:
        yield AlertName.DELTA_UNKNOWN, f"the chain cannot tell the book's delta, nothing can be hedged: {rejection}"


def _venue_alerts(figures: VaultFigures, settings: ObservabilitySettings) -> Iterator[tuple[AlertName, str]]:
    if silent := [venue.name for venue in figures.venues if venue.is_silent]:
        yield AlertName.VENUE_SILENT, f"{', '.join(silent)} does not answer the vault, which counts it 0"
    share = settings.max_leverage_share_bps / BPS
    high = [
        f"{venue.name} at {venue.leverage_ratio:.2f} of {venue.max_leverage_ratio:.2f}"
        for venue in figures.venues
        if not venue.is_silent and venue.leverage_ratio >= share * venue.max_leverage_ratio
    ]
    if high:
        yield AlertName.LEVERAGE_HIGH, f"leverage: {'; '.join(high)}"
    wanted = settings.min_liquidation_distance_bps / BPS
    near = [
        f"{venue.name} liquidates {venue.liquidation_distance:.1%} against the position"
        for venue in figures.venues
        if venue.liquidation_distance is not None and venue.liquidation_distance < wanted
    ]
    if near:
        yield AlertName.LIQUIDATION_NEAR, f"{'; '.join(near)}, wanted {wanted:.1%}"
