"""One network's configuration, composed of what each package wants to know."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from agent.chain.config import ChainSettings
from agent.config import Section
from agent.decision.decide import DecisionParameters
from agent.execution.config import ExecutionSettings
from agent.ledger.config import LedgerSettings
from agent.routing import RoutingParameters
from agent.settings.contracts import (
    BoundsSettings,
    FeeSettings,
    GovernanceSettings,
    OracleSettings,
    QueueSettings,
    RescueSettings,
    VaultSettings,
)
from agent.settings.decision import CostSettings, DecisionSettings, MarginSettings, PolicySettings, SlicingSettings
from agent.settings.keeper import KeeperSettings
from agent.settings.observability import ObservabilitySettings
from agent.settings.options import OptionSettings
from agent.units import Rounding, to_asset_units


class ContractSettings(Section):
    """What the contracts of one network are given, and where its chain is."""

    network: str
    chain: ChainSettings
    vault: VaultSettings
    governance: GovernanceSettings
    oracle: OracleSettings
    bounds: BoundsSettings
    queue: QueueSettings
    rescue: RescueSettings
    fees: FeeSettings | None = None


class Settings(ContractSettings):
    """One network's configuration."""

    policy: PolicySettings
    decision: DecisionSettings
    margin: MarginSettings
    costs: CostSettings
    execution: ExecutionSettings
    keeper: KeeperSettings
    ledger: LedgerSettings
    slicing: SlicingSettings | None = None
    options: OptionSettings | None = None
    observability: ObservabilitySettings = ObservabilitySettings()

    def to_decision_parameters(self, asset_decimals: int) -> DecisionParameters:
        """Return the settings of the pure decision."""
        cash_usd = Decimal(0) if self.options is None else self.options.cash_usd
        option_cash = to_asset_units(cash_usd, asset_decimals, Rounding.DOWN)
        return DecisionParameters(
            delta_tolerance_underlying=self.decision.delta_tolerance_underlying,
            band_headroom_bps=self.decision.band_headroom_bps,
            min_trade_underlying=self.decision.min_trade_underlying,
            routing=RoutingParameters(
                limit_tolerance_bps=self.decision.limit_tolerance_bps,
                margin=replace(self.margin.to_margin_parameters(asset_decimals), option_cash=option_cash),
            ),
            slicing=None if self.slicing is None else self.slicing.to_slicing_parameters(),
        )

    def with_rpc_urls(self, *urls: str) -> Settings:
        """Return a copy that talks to other servers."""
        return self.model_copy(update={"chain": self.chain.model_copy(update={"rpc_urls": urls})})

    def with_ledger_url(self, url: str) -> Settings:
        """Return a copy that keeps its records elsewhere."""
        return self.model_copy(update={"ledger": self.ledger.model_copy(update={"url": url})})
