"""The sections of a configuration file, and the records of the core they turn into.

A number is read as written and becomes a chain integer with a named rounding: what is allowed rounds down, what is
demanded rounds up.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from agent.costs.impact import ImpactCoefficients
from agent.costs.trade_costs import CostInputs
from agent.decision.decide import DecisionSettings
from agent.domain import Bounds
from agent.errors import DataError
from agent.guard import max_daily_execution_loss
from agent.policy.base import Policy
from agent.policy.registry import build_policy
from agent.routing import RoutingSettings, SlicingSettings
from agent.routing.margin import MarginSettings
from agent.routing.slicing import MOST_SLICES
from agent.units import BPS, Rounding, Seconds, Wad, from_wad, gwei_to_wei, to_asset_units, to_wad


def _plain_number(written: object) -> object:
    if isinstance(written, bool) or not isinstance(written, int | float | Decimal):
        raise ValueError("write a plain number without quotes")  # noqa: TRY004 - pydantic collects ValueErrors
    return written


def _whole_number(written: object) -> object:
    if isinstance(written, bool) or not isinstance(written, int):
        raise ValueError("write a whole number without quotes")  # noqa: TRY004 - pydantic collects ValueErrors
    return written


def _http_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write a URL such as http://127.0.0.1:8545")
    return url


def _ledger_url(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql")):
        raise ValueError("write sqlite:///path/to/ledger.sqlite or a postgresql:// URL")
    return url


Exact = Annotated[Decimal, BeforeValidator(_plain_number)]
"""A number that goes to the chain: kept decimal until it is rounded on purpose."""
Real = Annotated[float, BeforeValidator(_plain_number)]
"""A number of the agent's own."""
Whole = Annotated[int, BeforeValidator(_whole_number)]
"""A count, seconds, or basis points."""
HttpUrl = Annotated[str, AfterValidator(_http_url)]


class Section(BaseModel):
    """Base of every section: nothing unknown, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ChainSettings(Section):
    """Which chain, and who answers for it."""

    chain_id: Whole = Field(gt=0)
    rpc_urls: tuple[HttpUrl, ...] = Field(min_length=1)
    """Asked in order; the next one answers when the one before does not."""
    rpc_quorum: Whole = Field(gt=0)
    """How many servers must agree on the head and on the state a decision is made on."""
    rpc_timeout_seconds: Real = Field(gt=0)
    max_head_age_seconds: Whole = Field(gt=0)
    """Heads this far from the wall clock are not traded on. A local chain that replays history needs a large one."""
    manifest_path: str = ""
    """Where the deployed addresses are; by default ``deployments/<chain_id>.json``."""

    @model_validator(mode="after")
    def _enough_servers(self) -> Self:
        if self.rpc_quorum > len(self.rpc_urls):
            raise ValueError(f"rpc_quorum {self.rpc_quorum} needs as many rpc_urls, not {len(self.rpc_urls)}")
        return self


class VaultSettings(Section):
    """Name of the vault's share token."""

    name: str = Field(min_length=1)
    symbol: str = Field(min_length=1)


class OracleSettings(Section):
    """When the vault believes a price."""

    max_age_seconds: Whole = Field(gt=0)
    min_price_usd: Exact = Field(gt=0)
    max_price_usd: Exact = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_price_usd >= self.max_price_usd:
            raise ValueError(f"min_price_usd {self.min_price_usd} must be below max_price_usd {self.max_price_usd}")
        return self

    @property
    def min_price(self) -> Wad:
        """Lowest price believed, WAD, rounded up (toward refusing)."""
        return to_wad(self.min_price_usd, Rounding.UP)

    @property
    def max_price(self) -> Wad:
        """Highest price believed, WAD, rounded down (toward refusing)."""
        return to_wad(self.max_price_usd, Rounding.DOWN)


class BoundsSettings(Section):
    """The guard's bounds as people write them; see ``contracts/types/Rebalance.sol`` for what each one limits."""

    band_underlying: Exact = Field(gt=0)
    min_improvement_underlying: Exact = Field(gt=0)
    urgent_delta_underlying: Exact = Field(gt=0)
    max_size_delta_underlying: Exact = Field(gt=0)
    max_notional_usd: Exact = Field(gt=0)
    turnover_capacity_usd: Exact = Field(gt=0)
    turnover_refill_usd_per_day: Exact = Field(ge=0)
    max_venue_leverage_ratio: Exact = Field(gt=0)
    max_leverage_ratio: Exact = Field(gt=0)
    max_slippage_bps: Whole = Field(gt=0, lt=BPS)
    max_fee_bps: Whole = Field(ge=0, lt=BPS)
    max_nav_loss_bps: Whole = Field(gt=0, lt=BPS)
    cooldown_seconds: Whole = Field(ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.urgent_delta_underlying < self.band_underlying:
            raise ValueError(
                f"urgent_delta_underlying {self.urgent_delta_underlying} must not be below band_underlying "
                f"{self.band_underlying}, or the cooldown never holds"
            )
        return self

    @property
    def max_daily_execution_loss_usd(self) -> float:
        """Return what a thief of the keeper's key can cost a day, as the chain reckons it (`agent.guard`)."""
        return from_wad(max_daily_execution_loss(self.to_bounds()))

    def to_bounds(self) -> Bounds:
        """Return the guard's integers: what is allowed rounded down, what is demanded rounded up."""
        return Bounds(
            band=to_wad(self.band_underlying, Rounding.DOWN),
            min_improvement=to_wad(self.min_improvement_underlying, Rounding.UP),
            urgent_delta=to_wad(self.urgent_delta_underlying, Rounding.UP),
            max_size_delta=to_wad(self.max_size_delta_underlying, Rounding.DOWN),
            max_notional=to_wad(self.max_notional_usd, Rounding.DOWN),
            turnover_capacity=to_wad(self.turnover_capacity_usd, Rounding.DOWN),
            turnover_refill_per_day=to_wad(self.turnover_refill_usd_per_day, Rounding.DOWN),
            max_venue_leverage=to_wad(self.max_venue_leverage_ratio, Rounding.DOWN),
            max_leverage=to_wad(self.max_leverage_ratio, Rounding.DOWN),
            max_slippage_bps=self.max_slippage_bps,
            max_fee_bps=self.max_fee_bps,
            max_nav_loss_bps=self.max_nav_loss_bps,
            cooldown_seconds=Seconds(self.cooldown_seconds),
        )


class PolicySettings(Section):
    """When to hedge: a policy of `agent.policy.registry` by name, and its own numbers."""

    name: str
    parameters: dict[str, Real]

    @model_validator(mode="after")
    def _buildable(self) -> Self:
        try:
            self.build()
        except DataError as error:
            raise ValueError(str(error)) from None
        return self

    def build(self) -> Policy:
        """Return the policy."""
        return build_policy(self.name, self.parameters)


class DecisionSection(Section):
    """How the agent stays inside the chain's bounds; see `agent.decision.decide.DecisionSettings`."""

    delta_tolerance_underlying: Real = Field(gt=0)
    band_headroom_bps: Whole = Field(gt=0, lt=BPS)
    min_trade_underlying: Real = Field(gt=0)
    limit_tolerance_bps: Whole = Field(ge=0, lt=BPS)


class ImpactSection(Section):
    """What the desk's own trades do to the price; see `agent.costs.impact`."""

    spread_usd: Real
    temporary_usd_per_unit: Real = Field(gt=0)
    permanent_usd_per_unit: Real = Field(ge=0)

    def to_coefficients(self) -> ImpactCoefficients:
        """Return the coefficients of the core."""
        return ImpactCoefficients(self.spread_usd, self.temporary_usd_per_unit, self.permanent_usd_per_unit)


class SlicingSection(Section):
    """How a trade that is dear at once is cut; see `agent.routing.SlicingSettings`. Without it none is."""

    interval_seconds: Real = Field(gt=0)
    max_slices: Whole = Field(ge=1, le=MOST_SLICES)
    vol_annual: Real = Field(gt=0)
    risk_aversion_per_usd: Real = Field(gt=0)
    impact: ImpactSection | None = None
    """The desk's own estimate; without it the quotes' word is taken."""

    def to_slicing_settings(self) -> SlicingSettings:
        """Return the settings of the core."""
        return SlicingSettings(
            interval_seconds=self.interval_seconds,
            max_slices=self.max_slices,
            vol_annual=self.vol_annual,
            risk_aversion_per_usd=self.risk_aversion_per_usd,
            impact=None if self.impact is None else self.impact.to_coefficients(),
        )


class MarginSection(Section):
    """How much collateral stands on the venues; see `agent.routing.margin.MarginSettings`."""

    low_leverage_ratio: Exact = Field(ge=0)
    target_leverage_ratio: Exact = Field(gt=0)
    high_leverage_ratio: Exact = Field(gt=0)
    idle_reserve_bps: Whole = Field(ge=0, lt=BPS)
    guard_headroom_bps: Whole = Field(ge=0, lt=BPS)
    min_margin_move_usd: Exact = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low_leverage_ratio < self.target_leverage_ratio < self.high_leverage_ratio:
            raise ValueError(
                f"low_leverage_ratio {self.low_leverage_ratio} < target_leverage_ratio {self.target_leverage_ratio} < "
                f"high_leverage_ratio {self.high_leverage_ratio} must hold"
            )
        return self

    def to_margin_settings(self, asset_decimals: int) -> MarginSettings:
        """Return the integers of the core: leverage rounded down, the least move rounded up."""
        return MarginSettings(
            low_leverage=to_wad(self.low_leverage_ratio, Rounding.DOWN),
            target_leverage=to_wad(self.target_leverage_ratio, Rounding.DOWN),
            high_leverage=to_wad(self.high_leverage_ratio, Rounding.DOWN),
            idle_reserve_bps=self.idle_reserve_bps,
            guard_headroom_bps=self.guard_headroom_bps,
            min_margin_delta=to_asset_units(self.min_margin_move_usd, asset_decimals, Rounding.UP),
        )


class CostSettings(Section):
    """What hedging costs beyond the venues' own quotes."""

    gas_token_price_usd: Real | Literal["oracle"]
    """Prices gas; ``"oracle"`` where the underlying is the gas token."""
    rebalance_gas_units: Whole = Field(gt=0)
    """What one rebalance is expected to burn."""
    data_fee_gwei: Exact = Field(ge=0)
    """What a rollup charges on top for one rebalance; 0 on a chain of its own."""
    funding_horizon_days: Real = Field(ge=0)
    """How long a trade is expected to stand."""
    leg_gas_units: Whole = Field(default=0, ge=0)
    """What each further venue in a rebalance burns: a venue that saves less is left out."""

    def to_cost_inputs(self, oracle_price: Wad, priority_fee_gwei: Decimal) -> CostInputs:
        """Return the inputs of one decision."""
        configured = self.gas_token_price_usd
        return CostInputs(
            eth_price_usd=from_wad(oracle_price) if isinstance(configured, str) else configured,
            priority_fee_wei=gwei_to_wei(priority_fee_gwei, Rounding.UP),
            gas_units=self.rebalance_gas_units,
            data_fee_wei=gwei_to_wei(self.data_fee_gwei, Rounding.UP),
            funding_horizon_days=self.funding_horizon_days,
            leg_gas_units=self.leg_gas_units,
        )


class ExecutionSettings(Section):
    """How a transaction is priced, waited for and replaced."""

    deadline_seconds: Whole = Field(gt=0)
    """After it the chain refuses the intent, by chain time."""
    receipt_timeout_seconds: Real = Field(gt=0)
    """Wall-clock time a cycle waits for a receipt before it leaves the intent to the next cycle."""
    receipt_poll_seconds: Real = Field(gt=0)
    replace_after_seconds: Real = Field(gt=0)
    """Wall-clock time without a receipt after which the fee is bumped."""
    max_replacements: Whole = Field(ge=0)
    fee_bump_ratio: Exact = Field(ge=Decimal("1.1"), le=3)
    """Nodes refuse a replacement that pays less than 1.1 times as much."""
    priority_fee_gwei: Exact = Field(ge=0)
    urgent_priority_fee_gwei: Exact = Field(ge=0)
    max_fee_gwei: Exact = Field(gt=0)
    urgent_max_fee_gwei: Exact = Field(gt=0)
    """A risk exit still goes out when gas is dear."""
    gas_limit_ratio: Exact = Field(ge=1, le=3)
    """Head-room over the estimate."""
    usual_gas_units: Whole = Field(ge=21_000)
    """A rebalance that gets by on this much is not estimated any closer: one call instead of some twenty."""
    max_gas_units: Whole = Field(ge=21_000)
    """No transaction is sent with a higher gas limit."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.urgent_max_fee_gwei < self.max_fee_gwei:
            raise ValueError(
                f"urgent_max_fee_gwei {self.urgent_max_fee_gwei} must not be below max_fee_gwei {self.max_fee_gwei}"
            )
        if self.usual_gas_units > self.max_gas_units:
            raise ValueError(
                f"usual_gas_units {self.usual_gas_units} must not exceed max_gas_units {self.max_gas_units}"
            )
        for tip, cap in (
            ("priority_fee_gwei", "max_fee_gwei"),
            ("urgent_priority_fee_gwei", "urgent_max_fee_gwei"),
        ):
            if getattr(self, tip) > getattr(self, cap):
                raise ValueError(f"{tip} {getattr(self, tip)} must not exceed {cap} {getattr(self, cap)}")
        if self.replace_after_seconds > self.receipt_timeout_seconds:
            raise ValueError(
                f"replace_after_seconds {self.replace_after_seconds} must not exceed receipt_timeout_seconds "
                f"{self.receipt_timeout_seconds}"
            )
        return self


class KeeperSettings(Section):
    """Rhythm of the loop."""

    interval_seconds: Real = Field(gt=0)
    retry_initial_seconds: Real = Field(gt=0)
    retry_max_seconds: Real = Field(gt=0)


class LedgerSettings(Section):
    """Where the records are kept."""

    url: Annotated[str, AfterValidator(_ledger_url)]


class Settings(Section):
    """One network's configuration."""

    network: str
    chain: ChainSettings
    vault: VaultSettings
    oracle: OracleSettings
    bounds: BoundsSettings
    policy: PolicySettings
    decision: DecisionSection
    margin: MarginSection
    costs: CostSettings
    execution: ExecutionSettings
    keeper: KeeperSettings
    ledger: LedgerSettings
    slicing: SlicingSection | None = None

    @property
    def manifest_path(self) -> Path:
        """File of the deployed addresses."""
        return Path(self.chain.manifest_path or f"deployments/{self.chain.chain_id}.json")

    def to_decision_settings(self, asset_decimals: int) -> DecisionSettings:
        """Return the settings of the pure decision."""
        return DecisionSettings(
            delta_tolerance_underlying=self.decision.delta_tolerance_underlying,
            band_headroom_bps=self.decision.band_headroom_bps,
            min_trade_underlying=self.decision.min_trade_underlying,
            routing=RoutingSettings(
                limit_tolerance_bps=self.decision.limit_tolerance_bps,
                margin=self.margin.to_margin_settings(asset_decimals),
            ),
            slicing=None if self.slicing is None else self.slicing.to_slicing_settings(),
        )

    def with_rpc_urls(self, *urls: str) -> Settings:
        """Return a copy that talks to other servers."""
        return self.model_copy(update={"chain": self.chain.model_copy(update={"rpc_urls": urls})})

    def with_ledger_url(self, url: str) -> Settings:
        """Return a copy that keeps its records elsewhere."""
        return self.model_copy(update={"ledger": LedgerSettings(url=url)})
