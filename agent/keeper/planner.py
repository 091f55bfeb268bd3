"""Looks at the chain and decides: all a keeper does before it needs a key."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType

from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment, load_deployment
from agent.chain.rollup import Rollup, RollupKind
from agent.chain.snapshot import SnapshotReader
from agent.chain.state import ChainState
from agent.costs.trade_costs import CostInputs
from agent.decision.decide import decide
from agent.decision.gas_worth import gas_worth_usd
from agent.domain import BlockRef, Book, Decision, Intent, Snapshot
from agent.errors import RejectedError
from agent.execution.intents import build_intent, call_on
from agent.guard import band_now, worst_net_delta
from agent.settings import Settings
from agent.units import Address, Rounding, Wei, eth_to_wei, gwei_to_wei


@dataclass(frozen=True, slots=True)
class CycleView:
    """What a cycle saw and what it would do; ``decision_seconds`` is the time of the pure decision alone.

    ``costs`` is what was reckoned with beyond the quotes, a rollup's charge for data included.
    """

    snapshot: Snapshot
    state: ChainState
    decision: Decision
    decision_seconds: float
    costs: CostInputs

    @property
    def block(self) -> BlockRef:
        """Block everything was read at."""
        return self.snapshot.block


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
        self.reader = SnapshotReader(client, deployment, keeper)
        self.rollup = Rollup(client, RollupKind(settings.chain.rollup))
        self._policy = settings.policy.build()
        self._decision_settings = settings.to_decision_parameters(deployment.asset.decimals)

    @classmethod
    def open(cls, settings: Settings, book: Book, keeper: Address | None = None) -> Planner:
        """Connect to the configured chain and find the vault.

        ``keeper`` is whose budget the guard's verdict is foreseen with; by default the one the manifest names.

        Raises
        ------
        DataError
            The servers are on another chain, or the manifest is missing or of another chain.
        TransientError
            Too few servers answer.

        """
        client = ChainClient(settings.chain)
        try:
            client.require_chain()
            deployment = load_deployment(settings.chain.manifest_file, settings.chain.chain_id)
            return cls(settings, book, client, deployment, keeper)
        except BaseException:
            client.close()
            raise

    def head(self, unix_seconds: Callable[[], float] = time.time) -> BlockRef:
        """Return the block to decide on."""
        return self.client.head(unix_seconds())

    def look(self, block: BlockRef) -> CycleView:
        """Read the vault at ``block`` and decide.

        Raises
        ------
        RejectedError
            A view of the vault reverts, for instance because the oracle's price is stale.
        DataError
            What was read cannot be trusted, or contradicts the book.
        TransientError
            The servers do not answer, or the block is gone.

        """
        snapshot, state = self.reader.snapshot(block)
        costs = self._cost_inputs(snapshot)
        started = time.perf_counter()
        decision = decide(snapshot, self.book, self._policy, costs, self._decision_settings)
        return CycleView(snapshot, state, decision, time.perf_counter() - started, costs)

    def data_fee(self, gas_units: int, block: BlockRef) -> Wei:
        """Return what a rollup charges for the data of one rebalance: as the chain tells, else as configured."""
        live = self.rollup.usual_fee(self.deployment.contract("HedgeVault"), gas_units, block)
        return gwei_to_wei(self.settings.costs.data_fee_gwei, Rounding.UP) if live is None else live

    def gas_worth(self, view: CycleView) -> Wei | None:
        """Return what a unit of gas is worth to a view's rebalance at most.

        None without limit: outside the chain's band it is the band that calls for the trade, at the settings' caps.
        """
        decision, snapshot = view.decision, view.snapshot
        if worst_net_delta(snapshot.measurement) > band_now(snapshot):
            return None
        worth_usd = gas_worth_usd(self._policy, decision.exposure, decision.costs)
        if worth_usd is None:
            return None
        costs = view.costs
        wei = eth_to_wei(worth_usd / costs.eth_price_usd, Rounding.DOWN) - costs.data_fee_wei
        return Wei(max(wei, 0) // costs.gas_units)

    def _cost_inputs(self, snapshot: Snapshot) -> CostInputs:
        settings = self.settings
        costs = settings.costs.to_cost_inputs(snapshot.measurement.price, settings.execution.priority_fee_gwei)
        return replace(costs, data_fee_wei=self.data_fee(costs.gas_units, snapshot.block))

    def intent(self, view: CycleView) -> Intent:
        """Return the intent of a view's decision."""
        return build_intent(view.snapshot, view.decision, self.settings.execution.deadline_seconds)

    def simulate(self, intent: Intent, sender: Address, block: BlockRef) -> RejectedError | None:
        """Return how the chain would refuse an intent on top of ``block``, None when it would accept."""
        return self.client.simulate(sender, call_on(intent, block), self.settings.execution.max_gas_units, block)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def __enter__(self) -> Planner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
