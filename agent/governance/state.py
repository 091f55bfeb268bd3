"""What the governed parameters are now: read from the chain, or from the configuration where there is no node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass

from agent.chain.abi import load_abi
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.domain import BlockRef
from agent.errors import DataError
from agent.governance.parameters import BOUNDS, DELAY, DEPOSIT_CAP, PRICE_LIMITS, SHARE_LOCK, VENUE_CAP
from agent.settings import Settings
from agent.units import Address, Seconds

_UNLIMITED_VENUE = 2**64 - 1


@dataclass(frozen=True, slots=True)
class GovernedState:
    """Chain integers by parameter name; a venue's cap as ``venue_cap_usd:<venue>``.

    ``is_read`` is false where they stand in the configuration alone. ``now`` is the block's time, Unix seconds.
    """

    numbers: Mapping[str, int]
    governor: Address
    delay: Seconds
    now: Seconds | None
    is_read: bool

    def number(self, name: str) -> int:
        """Return one of them; `DataError` where it cannot be known."""
        if name not in self.numbers:
            known = ", ".join(one.partition(":")[2] for one in self.numbers if one.startswith(f"{VENUE_CAP.name}:"))
            where = f"; venues: {known}" if known else f"; name its venue, as {VENUE_CAP.name}:<venue>"
            raise DataError(f"{name} is not known here{where}")
        return self.numbers[name]


def venue_key(name: str) -> str:
    """Return under which name a venue's cap is kept."""
    return f"{VENUE_CAP.name}:{name}"


def read_governed(client: ChainClient, deployment: Deployment, governor: Address, block: BlockRef) -> GovernedState:
    """Read every governed parameter at one block.

    Raises
    ------
    RejectedError
        ``NotGovernor``: the account does not govern the vault.

    """
    vault, registry = load_abi("HedgeVault"), load_abi("VenueRegistry").function("venueState")
    at = deployment.contract
    calls = [
        load_abi("RebalanceGuard").function("bounds").at(at("RebalanceGuard")),
        load_abi("PriceOracle").function("priceLimits").at(at("PriceOracle")),
        vault.function("depositCap").at(at("HedgeVault")),
        vault.function("shareLock").at(at("HedgeVault")),
        load_abi("VaultAccess").function("delayOf").at(at("VaultAccess"), governor),
        *(registry.at(at("VenueRegistry"), venue.address) for venue in deployment.all_venues),
    ]
    (bounds,), (limits,), (cap,), (lock,), (delay,), *venues = client.read(calls, block)
    numbers = _named(bounds, limits)
    numbers |= {DEPOSIT_CAP.name: cap, SHARE_LOCK.name: lock, DELAY.name: delay}
    names = (venue_key(venue.name) for venue in deployment.all_venues)
    numbers |= {name: state[0][1] for name, state in zip(names, venues, strict=True)}
    return GovernedState(numbers, governor, Seconds(delay), block.timestamp, is_read=True)


def configured(settings: Settings, deployment: Deployment, governor: Address) -> GovernedState:
    """Return what the configuration says: true only as far as nobody has governed since the deployment."""
    numbers = _named(astuple(settings.bounds.to_bounds()), settings.oracle.to_price_limits())
    delay = deployment.governor_delay_seconds
    numbers |= {DEPOSIT_CAP.name: DEPOSIT_CAP.most, SHARE_LOCK.name: 0, DELAY.name: delay}
    numbers |= {venue_key(venue.name): _UNLIMITED_VENUE for venue in deployment.all_venues}
    return GovernedState(numbers, governor, Seconds(delay), None, is_read=False)


def _named(bounds: tuple[int, ...], limits: tuple[int, ...]) -> dict[str, int]:
    named = {parameter.name: int(number) for parameter, number in zip(BOUNDS, bounds, strict=True)}
    return named | {parameter.name: int(number) for parameter, number in zip(PRICE_LIMITS, limits, strict=True)}
