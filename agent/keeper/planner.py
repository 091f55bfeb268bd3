"""Looks at the chain and decides: all a keeper does before it needs a key."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType, TracebackType

from agent.chain.ahead import Ahead
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment, load_deployment
from agent.chain.rollup import Rollup, RollupKind
from agent.chain.snapshot import SnapshotReader
from agent.chain.state import ChainState
from agent.costs.trade_costs import CostInputs
from agent.decision.agreement import book_disagreement
from agent.decision.decide import decide, decide_by_chain
from agent.decision.flatten import FlattenStep, plan_flatten
from agent.decision.gas_worth import gas_worth_usd
from agent.decision.held_options import held_positions, with_held
from agent.decision.margin_first import MarginFirst, margin_first
from agent.domain import AnyPosition, BlockRef, Book, Decision, Intent, OrderGas, Snapshot
from agent.errors import AgentError, DataError, RejectedError
from agent.execution.fees import BASE_FEE_HEADROOM
from agent.execution.intents import Proposal, build_intent, call_on
from agent.guard import band_now, worst_net_delta
from agent.policy.base import Policy
from agent.policy.fixed_threshold import FixedThreshold
from agent.risk.settlement import Settlement
from agent.settings import Settings
from agent.units import Address, Rounding, Seconds, Wei, eth_to_wei, from_wad, gwei_to_wei
from agent.venues.execution_ether import ether_accounts
from agent.venues.order_gas import OrderGasReader
from agent.venues.registry import OWN_VIEWS, option_protocol, venue_protocol

NO_AVERAGES: Mapping[Seconds, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sight:
    """What a cycle saw. ``is_whole`` is False where book or healthy price are missing: then only margin can move.

    ``restraint`` says what the keeper itself holds back, and why; empty where nothing is.
    ``data_fee_wei`` is what a rollup charges for the data of one rebalance, None where that was not to be read.
    ``held`` are the options that the vault holds as a hedge, which belong to its book as the chain sees it.
    """

    snapshot: Snapshot
    state: ChainState
    is_whole: bool = field(default=True, kw_only=True)
    restraint: str = field(default="", kw_only=True)
    data_fee_wei: Wei | None = field(default=None, kw_only=True)
    held: tuple[AnyPosition, ...] = field(default=(), kw_only=True)

    @property
    def block(self) -> BlockRef:
        """Block everything was read at."""
        return self.snapshot.block


@dataclass(frozen=True, slots=True)
class CycleView(Sight):
    """What a cycle saw and what it would do; ``decision_seconds`` is the time of the pure decision alone.

    ``costs`` is what was reckoned with beyond the quotes, a rollup's charge for data included.
    """

    decision: Decision
    decision_seconds: float
    costs: CostInputs


class Planner:
    """One vault, one book, one policy. Holds no key and sends nothing."""

    def __init__(
        self,
        settings: Settings,
        book: Book,
        client: ChainClient,
        deployment: Deployment,
        keeper: Address | None = None,
    ) -> None:
        self.settings = settings
        self.book = book
        self.client = client
        self.deployment = deployment
        self.keeper = deployment.role("keeper") if keeper is None else keeper
        self.reader = SnapshotReader(client, deployment, keeper, own_views=OWN_VIEWS)
        self.rollup = Rollup(client, RollupKind(settings.chain.rollup))
        self.policy = settings.policy.build()
        self.decision_settings = settings.to_decision_parameters(deployment.asset.decimals)
        self.ether_venues = frozenset(ether_accounts(deployment))
        settles = settings.keeper.price_service_url is not None
        self._order_gas = OrderGasReader(client, deployment, settings.costs.order_gas_units if settles else None)

    @classmethod
    def open(cls, settings: Settings, book: Book, keeper: Address | None = None) -> Planner:
        """Connect to the configured chain and find the vault.

        ``keeper`` is whose budget the guard's verdict is foreseen with; by default the one the manifest names.

        Raises
        ------
        DataError
            The servers are on another chain, the manifest is missing or of another chain, or a quorum is asked for what
            honest servers tell differently.
        TransientError
            Too few servers answer.

        """
        client = ChainClient(settings.chain)
        try:
            client.require_chain()
            deployment = load_deployment(settings.chain.manifest_file, settings.chain.chain_id)
            _require_lenient(settings, deployment)
            return cls(settings, book, client, deployment, keeper)
        except BaseException:
            client.close()
            raise

    def head(self, unix_seconds: Callable[[], float] = time.time) -> BlockRef:
        """Return the block to decide on."""
        return self.client.head(unix_seconds())

    def look(self, block: BlockRef) -> CycleView:
        """Read the vault at ``block`` and decide; raises as `see` and `decide` do."""
        return self.decide(self.see(block))

    def see(self, block: BlockRef) -> Sight:
        """Read all that a decision needs.

        Raises
        ------
        RejectedError
            A view of the vault reverts, for instance because the oracle's price is stale.
        DataError
            What was read cannot be trusted.
        TransientError
            The servers do not answer, or the block is gone.

        """
        ask = partial(self.data_fee, self.settings.costs.rebalance_gas_units, block)
        configured = gwei_to_wei(self.settings.costs.data_fee_gwei, Rounding.UP)
        order_gas = partial(self._order_gas.read, self.keeper, block, self._first_bid(block))
        known = self._order_gas.last
        with (
            Ahead.unless(self.rollup.is_silent, configured, ask) as asked,
            Ahead.unless(self._order_gas.is_known, known, order_gas) as executions,
        ):
            snapshot, state = self.reader.snapshot(block)
        try:
            data_fee = asked.result()
        except AgentError:
            data_fee = None  # asked for again where costs are reckoned: margin, which comes first, needs none
        snapshot = with_order_gas(snapshot, executions.result())
        return Sight(snapshot, state, data_fee_wei=data_fee, held=self._held(state))

    def _held(self, state: ChainState) -> tuple[AnyPosition, ...]:
        """Return the options held as positions of the book."""
        entry = self.deployment.option_venue
        if entry is None:
            return ()
        held = [option for venue in state.venues for option in venue.options or ()]
        if not held:
            return ()
        protocol = option_protocol(entry.kind, f"option venue {entry.name}")
        volatilities = protocol.read_volatilities(self.client, Address(entry.address), held, state.block)
        return held_positions(held, volatilities, state.block.timestamp, state.measurement.price)

    def see_accounts(self, block: BlockRef) -> Sight:
        """Read the venue accounts and the collateral alone, which neither book nor price can hold back."""
        return Sight(*self.reader.hedge(block), is_whole=False)

    def margin_first(self, sight: Sight) -> MarginFirst | None:
        """Return what accounts above their high watermark need before anything else, if there are any."""
        return margin_first(sight.snapshot, self.decision_settings.routing, may_trade=sight.is_whole)

    def settling_expiries(self, sight: Sight) -> tuple[Seconds, ...]:
        """Return the expiries of the book's options whose settlement average is being taken."""
        at_unix, window = sight.block.timestamp, sight.state.settlement_window_seconds
        expiries = {leg.expiry_unix for leg in self.book.options}
        return tuple(sorted(expiry for expiry in expiries if 0 < expiry - at_unix < window))

    def flatten(self, sight: Sight) -> FlattenStep:
        """Return the next step toward no position at all; raises as `plan_flatten` does."""
        return plan_flatten(sight.snapshot, self.decision_settings.routing, sight.restraint)

    def disagreement(self, book: Book, sight: Sight) -> str | None:
        """Say how far a book lies outside what the chain sees of it; None where it lies inside."""
        settlement = Settlement(sight.state.settlement_window_seconds)
        tolerance = self.decision_settings.delta_tolerance_underlying
        return book_disagreement(sight.snapshot, with_held(book, sight.held), tolerance, settlement)

    def decide_by_chain(self, sight: Sight, mismatch: str) -> CycleView:
        """Decide without the book, which the chain contradicts; raises as `decide` does."""
        costs = self._costs(sight)
        started = time.perf_counter()
        decision = decide_by_chain(sight.snapshot, costs, self.decision_settings, mismatch)
        seconds = time.perf_counter() - started
        return CycleView(sight.snapshot, sight.state, decision, seconds, costs, held=sight.held)

    def decide(self, sight: Sight, averages_usd: Mapping[Seconds, float] = NO_AVERAGES) -> CycleView:
        """Decide on what was seen, and on what settlement averages have been so far, by expiry.

        Raises
        ------
        BookMismatchError
            The chain does not see the book as it is.
        PolicyRefusedError
            The policy was not made for these costs.
        DataError
            What was read contradicts itself.

        """
        return self._decide(self.policy, sight, averages_usd)

    def decide_by_band(self, sight: Sight, averages_usd: Mapping[Seconds, float], refusal: str) -> CycleView:
        """Decide where the policy refuses to: nothing is traded inside the chain's band, and neutral is sought outside.

        Raises as `decide` does, but for the policy.
        """
        view = self._decide(FixedThreshold(from_wad(band_now(sight.snapshot))), sight, averages_usd)
        reason = f"{refusal}; until then the chain's band alone decides: {view.decision.reason}"
        return replace(view, decision=replace(view.decision, reason=reason))

    def _decide(self, policy: Policy, sight: Sight, averages_usd: Mapping[Seconds, float]) -> CycleView:
        costs, settlement = self._costs(sight), Settlement(sight.state.settlement_window_seconds, averages_usd)
        started = time.perf_counter()
        book = with_held(self.book, sight.held)
        decision = decide(sight.snapshot, book, policy, costs, self.decision_settings, settlement)
        seconds = time.perf_counter() - started
        return CycleView(sight.snapshot, sight.state, decision, seconds, costs, held=sight.held)

    def data_fee(self, gas_units: int, block: BlockRef) -> Wei:
        """Return what a rollup charges for the data of one rebalance: as the chain tells, else as configured."""
        live = self.rollup.usual_fee(self.deployment.contract("HedgeVault"), gas_units, block)
        return gwei_to_wei(self.settings.costs.data_fee_gwei, Rounding.UP) if live is None else live

    def gas_worth(self, view: CycleView) -> Wei | None:
        """Return what a unit of gas is worth to a view's rebalance at most, executions of its orders inside.

        None without limit: outside the chain's band it is the band that calls for the trade, at the settings' caps.
        """
        decision, snapshot = view.decision, view.snapshot
        if worst_net_delta(snapshot.measurement) > band_now(snapshot):
            return None
        worth_usd = gas_worth_usd(self.policy, decision.exposure, decision.costs)
        if worth_usd is None:
            return None
        costs = view.costs
        executions = sum(
            snapshot.venues[fill.venue_index].execution_gas(fill.size_delta) for fill in decision.expected_fills
        )
        wei = eth_to_wei(worth_usd / costs.eth_price_usd, Rounding.DOWN) - costs.data_fee_wei
        return Wei(max(wei, 0) // (costs.gas_units + executions))

    def _costs(self, sight: Sight) -> CostInputs:
        settings, snapshot = self.settings, sight.snapshot
        costs = settings.costs.to_cost_inputs(snapshot.measurement.price, settings.execution.priority_fee_gwei)
        seen = sight.data_fee_wei
        return replace(costs, data_fee_wei=self.data_fee(costs.gas_units, sight.block) if seen is None else seen)

    def intent(self, view: CycleView) -> Intent:
        """Return the intent of a view's decision."""
        return self.intent_of(view, view.decision)

    def intent_of(self, sight: Sight, proposal: Proposal) -> Intent:
        """Return the intent of what was decided on a sight."""
        return build_intent(sight.snapshot, proposal, self.settings.execution.deadline_seconds)

    def simulate(self, intent: Intent, sender: Address, block: BlockRef) -> RejectedError | None:
        """Return how the chain would refuse an intent on top of ``block``, None when it would accept.

        Where orders are executed with ether by the price of gas, gas has the price of a first bid.
        """
        price = self._first_bid(block) if self.asks_for_ether(intent) else None
        most = self.settings.execution.max_gas_units
        return self.client.simulate(sender, call_on(intent, block), most, block, price)

    def _first_bid(self, block: BlockRef) -> Wei:
        """Return the price of gas that is offered first."""
        tip = gwei_to_wei(self.settings.execution.priority_fee_gwei, Rounding.UP)
        return Wei(BASE_FEE_HEADROOM * block.base_fee_wei + tip)

    def asks_for_ether(self, intent: Intent) -> bool:
        """Return whether an intent makes an order that is executed with ether by the price of gas."""
        return any(leg.size_delta and leg.venue in self.ether_venues for leg in intent.legs)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def __enter__(self) -> Planner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _require_lenient(settings: Settings, deployment: Deployment) -> None:
    """Refuse to compare servers on accounts that they tell differently: most cycles would fail."""
    quorum = settings.chain.state_quorum
    names = [one.name for one in deployment.venues if venue_protocol(one.kind, f"venue {one.name}").reads_differ]
    if names and quorum > 1:
        raise DataError(
            f"[chain] rpc_state_quorum is {quorum}, and honest servers tell the account at {', '.join(names)} "
            "differently at one block; write rpc_state_quorum = 1"
        )


def with_order_gas(snapshot: Snapshot, order_gas: Mapping[Address, OrderGas]) -> Snapshot:
    """Return a snapshot with what executing orders takes, where that is known."""
    if not order_gas:
        return snapshot
    venues = tuple(replace(venue, order_gas=order_gas.get(venue.address)) for venue in snapshot.venues)
    return replace(snapshot, venues=venues)
