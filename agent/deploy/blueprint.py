"""A whole deployment as it is meant to be: every contract with its address, and every step in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from agent.chain.deployment_inputs import DeploymentInputs, VenueInputs
from agent.deploy.drawing import Drawing
from agent.deploy.network import Network
from agent.deploy.steps import (
    ZERO_ADDRESS,
    AddToList,
    Create,
    Creation,
    FillTank,
    HandOver,
    NameOnce,
    SetFees,
    SetSettlementWindow,
    Step,
    split_legs,
)
from agent.units import Address
from agent.venues.protocol import OwnMarket
from agent.venues.registry import venue_protocol

MAX_ANSWER = 2**255 - 1
"""Upper bound of an aggregator that has none of its own."""
MAX_LEGS_PER_TRANSACTION = 50
"""Keeps a registration well inside a block's gas."""

NAMED_ONCE = (
    ("RebalanceGuard", "vault", "bindVault", "HedgeVault"),
    ("VenueRegistry", "vault", "bindVault", "HedgeVault"),
    ("HedgeVault", "redemptionQueue", "setRedemptionQueue", "RedemptionQueue"),
    ("HedgeVault", "shareFees", "setShareFees", "ShareFees"),
)
"""Contract, getter, setter, and the contract that it is given for good."""
SOURCES_OF_DELTA = ("OptionBook", "TokenHoldings")

ChainLeg = tuple[int, int, bool, int, int, int]
"""A leg as ``IOptionBook.OptionLeg``."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """``creations`` by key, in the order of their creation; ``venues`` are the keys of the adapters, by name."""

    network: Network
    inputs: DeploymentInputs
    creations: dict[str, Creation]
    venues: dict[str, str]
    steps: tuple[Step, ...]
    """All of them; the last is ``hand_over``."""
    hand_over: HandOver

    def address(self, key: str) -> Address:
        """Return where a contract stands or will stand."""
        return self.creations[key].address


def draw(network: Network, inputs: DeploymentInputs, legs: Sequence[ChainLeg] = ()) -> Blueprint:
    """Return the deployment that a network's file, its addresses and a book's options make.

    Nothing but these and the compiled contracts go into it, so that it is the same before, during and after.
    """
    drawing = Drawing(network.deploy.salt)
    _core(drawing, network, inputs)
    core = set(drawing.creations)
    venues = _adapters(drawing, inputs)
    of_venues = drawing.creations.keys() - core
    _services(drawing, network)
    if network.dao is not None:
        drawing.create_dao(network.dao, drawing.creations["VaultAccess"].address)
    made = drawing.creations
    steps: list[Step] = [Create(one, is_addition=key in of_venues) for key, one in made.items()]
    book, registry = made["DeltaBook"], made["VenueRegistry"]
    steps += [AddToList(book, "sources", "addSource", made[name]) for name in SOURCES_OF_DELTA]
    steps += [NameOnce(made[holder], get, put, made[name]) for holder, get, put, name in NAMED_ONCE if name in made]
    steps += [AddToList(registry, "venues", "addVenue", made[key]) for key in venues.values()]
    if window := network.deploy.settlement_window_seconds:
        steps.append(SetSettlementWindow(made["OptionBook"], window))
    steps += split_legs(made["OptionBook"], legs, MAX_LEGS_PER_TRANSACTION)
    if network.fees is not None and inputs.fee_recipient is not None:
        fees, recipient = network.fees, Address(inputs.fee_recipient)
        steps.append(SetFees(made["ShareFees"], fees.management_bps_per_year, fees.performance_bps, recipient))
    steps.append(FillTank(made["RescueDesk"], network.rescue.to_tank()))
    hand_over = _hand_over(network, inputs, made)
    return Blueprint(network, inputs, made, venues, (*steps, hand_over), hand_over)


def _core(drawing: Drawing, network: Network, inputs: DeploymentInputs) -> None:
    create, access = drawing.create, drawing.create_access(inputs.deployer)
    sources = (
        create("ChainlinkSource", inputs.price_feed, 0, MAX_ANSWER),
        _second_source(drawing, "ChainlinkSource secondary", inputs.secondary_feed),
        _second_source(drawing, "ChainlinkSource collateral", inputs.collateral_feed),
        inputs.sequencer_feed or ZERO_ADDRESS,
    )
    oracle = create("PriceOracle", access, sources, network.oracle.to_price_limits())
    create("OptionBook", access)
    create("TokenHoldings", inputs.underlying_token, inputs.underlying_holder)
    book = create("DeltaBook", access)
    guard = create("RebalanceGuard", access, astuple(network.bounds.to_bounds()))
    gate = create("MemberGate", access, inputs.members)
    registry = create("VenueRegistry", access)
    token = network.vault
    create("HedgeVault", inputs.asset, token.name, token.symbol, access, oracle, book, guard, gate, registry)


def _second_source(drawing: Drawing, key: str, feed: str | None) -> Address:
    return ZERO_ADDRESS if feed is None else drawing.create("ChainlinkSource", feed, 0, MAX_ANSWER, key=key)


def _adapters(drawing: Drawing, inputs: DeploymentInputs) -> dict[str, str]:
    """Draw one adapter a venue; its protocol says which contract it is and which addresses it takes."""
    venues = {}
    vault = drawing.creations["HedgeVault"].address
    for venue in inputs.venues:
        protocol = venue_protocol(venue.kind, f"venue {venue.name}")
        addresses = [venue.addresses[name] for name in protocol.adapter_addresses]
        own = [] if protocol.market is None else [_own_market(drawing, protocol.market, venue)]
        venues[venue.name] = key = f"{protocol.adapter} {venue.name}"
        drawing.create(protocol.adapter, vault, *own, *addresses, key=key)
    return venues


def _own_market(drawing: Drawing, market: OwnMarket, venue: VenueInputs) -> Address:
    """Draw what reads a protocol's market for the adapter; its name alone where it is the first of its kind."""
    terms = market.terms.model_validate(venue.terms or {})
    addresses = {name: Address(address) for name, address in venue.addresses.items()}
    arguments = terms.arguments(drawing.creations["VaultAccess"].address, addresses)
    key = market.contract if market.contract not in drawing.creations else f"{market.contract} {venue.name}"
    return drawing.create(market.contract, *arguments, key=key)


def _services(drawing: Drawing, network: Network) -> None:
    """Draw what members, relayers, rescuers and the recipient of fees use beside the vault."""
    access, vault, guard = (drawing.creations[name].address for name in ("VaultAccess", "HedgeVault", "RebalanceGuard"))
    drawing.create("RedemptionQueue", vault, network.queue.max_width_bps)
    drawing.create("IntentRelay", vault, ZERO_ADDRESS)  # Chainlink's prices are not brought along
    drawing.create("RescueDesk", access, vault, guard, network.rescue.to_terms())
    if network.fees is not None:
        drawing.create("ShareFees", access, vault)


def _hand_over(network: Network, inputs: DeploymentInputs, made: dict[str, Creation]) -> HandOver:
    keepers = (inputs.keeper, *inputs.further_keepers, made["RescueDesk"].address)
    return HandOver(
        access=made["VaultAccess"],
        governor=Address(inputs.governor),
        delay_seconds=network.governance.delay_seconds,
        guardian=Address(inputs.guardian),
        keepers=tuple(Address(keeper) for keeper in keepers),
        relays=(made["IntentRelay"].address,),
    )
