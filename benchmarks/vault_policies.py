"""What each policy costs in the whole system: real weeks under the local chain's bounds, at four prices of gas.

The vault lives through each week as ``evenkeel backtest`` has it: the decision of the live keeper, judged by the
guard's mirror, on the local chain's pool. Effectiveness is one less the variance of hourly P&L with the hedge over that
without, over all weeks together.
A setting of a policy is compared with the default policy's frontier: what the default, at the settings here, costs at
the same effectiveness, interpolated linearly. Intervals are of the bootstrap over weeks, 95 %: weeks are drawn with
replacement, the same for both, and everything is worked out again. A setting less effective than the whole frontier is
compared with its cheapest point, one more effective by less than `ALIKE` with its most effective point, and one
beyond that with none. A setting that its policy refuses in one of the weeks, because its band is not known so far, is
left out; the count of those weeks is its figure.
Each week that was lived through is kept in `KEPT`, in a file named by the program and its configuration as they are: a
run that was stopped goes on there, and one of a changed program begins anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from os import cpu_count
from pathlib import Path

import numpy as np

from agent.backtest.gas_model import GasModel
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.settings.decision import PolicySettings
from agent.study.case import Case
from agent.study.case import Outcome as Lived
from agent.study.results import Results
from agent.study.workers import outcomes
from benchmarks.figure import Figure
from benchmarks.vault_world import VaultWeek, local_settings, real_weeks

BASE_FEES_GWEI = (0.02, 2.0, 20.0, 100.0)
TIP_OF_BASE_FEE = 0.05
"""The local chain's: 1 gwei on 20; an urgent rebalance pays as many times that as there."""
SEED, RESAMPLES = 20_240_805, 2_000
REPOSITORY = Path(__file__).resolve().parent.parent
KEPT = REPOSITORY / "build" / "vault_policies"
AVERSIONS = (0.00005, 0.00025, 0.001, 0.002, 0.004, 0.016)
"""Of the default, whose own is the fourth."""
BAND_AVERSIONS = (0.00005, 0.00025, 0.001, 0.002)
"""Of policies with a band worked out for the book; beyond, `optimal_band` and `zakamouline` know ever fewer weeks."""
VARIANCE_AVERSIONS = (*BAND_AVERSIONS, 0.004)
ALIKE = 0.001
"""Effectiveness as near is equal: a tenth of a point."""
STATIC = {"static_horizon_days": 1.0, "static_vol_annual": 0.65}


@dataclass(frozen=True, slots=True)
class Setting:
    """A policy and its numbers."""

    policy: str
    parameters: tuple[tuple[str, float], ...]

    @property
    def name(self) -> str:
        """The policy and the number that tells its settings apart."""
        return f"{self.policy} {self.parameters[0][1]:g}" if self.parameters else self.policy


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of each week: cost and gas, USD, rebalances, and the variance of hourly P&L without and with the hedge."""

    cost_usd: FloatArray
    gas_usd: FloatArray
    rebalances: FloatArray
    unhedged: FloatArray
    hedged: FloatArray


def settings_of_all() -> list[Setting]:
    """Return every policy of the registry at several settings; what tells them apart comes first."""

    def many(policy: str, key: str, numbers: tuple[float, ...], **others: float) -> list[Setting]:
        return [Setting(policy, ((key, number), *others.items())) for number in numbers]

    aversion, watch = "risk_aversion_per_usd", {"watch_seconds": 300.0}
    correlated = {"horizon_days": 1.0, "vol_annual": 0.65, "vol_of_vol_annual": 0.8, "spot_vol_correlation": -0.3}
    return [
        *many("whalley_wilmott", aversion, AVERSIONS, **STATIC),
        *many("optimal_variance_band", aversion, VARIANCE_AVERSIONS, **watch, **STATIC),
        *many("optimal_band", aversion, BAND_AVERSIONS, **watch, **STATIC),
        *many("zakamouline", aversion, BAND_AVERSIONS, **STATIC, volatility_constant=5.76),
        *many("multi_instrument", aversion, (0.00025, 0.004), **correlated),
        *many("fixed_threshold", "threshold_underlying", (0.5, 1.5, 3.0, 4.5)),
        *many("minimum_variance", "threshold_underlying", (3.0,), hedge_ratio=1.0),
        *many("fixed_interval", "interval_hours", (1.0, 6.0)),
        *many("leland", "interval_hours", (1.0, 6.0)),
        Setting("continuous", ()),
    ]


def run() -> list[Figure]:
    """Return each setting's cost, effectiveness and excess over the default at each price of gas."""
    weeks, default = real_weeks(), local_settings().policy.name
    if not weeks:
        return []
    settings = settings_of_all()
    cases = [case_of(setting, week, gwei) for gwei in BASE_FEES_GWEI for setting in settings for week in weeks]
    lived = lived_through(cases, Results(_kept_path()))
    numbers = [numbers_of(lived[case.key], default) for case in cases]
    rows = np.array(numbers).reshape(len(BASE_FEES_GWEI), len(settings), len(weeks), 5)
    figures = []
    for gwei, table in zip(BASE_FEES_GWEI, rows, strict=True):
        measured = [Outcome(*weekly.T) for weekly in table]
        family = [own for own, setting in zip(measured, settings, strict=True) if setting.policy == default]
        for setting, outcome in zip(settings, measured, strict=True):
            figures += figures_of(f"{gwei:g} gwei, {setting.name}", outcome, family)
    return figures


def figures_of(name: str, outcome: Outcome, family: list[Outcome]) -> list[Figure]:
    """Return a setting's figures, or in how many weeks its policy refused it."""
    refused = int(np.isnan(outcome.cost_usd).sum())
    if refused:
        return [Figure(f"{name}: refused", refused, "weeks")]
    everything = np.arange(outcome.cost_usd.size)
    figures = [
        Figure(f"{name}: cost", float(outcome.cost_usd.mean()), "USD a week"),
        Figure(f"{name}: gas", float(outcome.gas_usd.mean()), "USD a week"),
        Figure(f"{name}: rebalances", float(outcome.rebalances.mean()), "a week"),
        Figure(f"{name}: effectiveness", _effectiveness(outcome, everything), "of hourly variance"),
    ]
    found = excess(outcome, family)
    if found is not None:
        figures += [
            Figure(f"{name}: over the default, {end}", 100.0 * number, "% at equal effectiveness")
            for end, number in zip(("at 2.5 %", "median", "at 97.5 %"), found, strict=True)
        ]
    return figures


def excess(outcome: Outcome, family: list[Outcome]) -> tuple[float, float, float] | None:
    """Return by what ratio a setting costs more than the default's frontier: interval and median of the bootstrap.

    None where it is more effective than that frontier in most resamples.
    """
    rng = np.random.default_rng(SEED)
    found = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(outcome.cost_usd.size, size=outcome.cost_usd.size)
        points = sorted((_effectiveness(own, drawn), float(own.cost_usd[drawn].sum())) for own in family)
        cost_usd = _cost_at(points, _effectiveness(outcome, drawn))
        if cost_usd is not None:
            found.append(float(outcome.cost_usd[drawn].sum()) / cost_usd - 1.0)
    if 2 * len(found) < RESAMPLES:
        return None
    low, median, high = np.quantile(found, [0.025, 0.5, 0.975])
    return float(low), float(median), float(high)


def _cost_at(points: list[tuple[float, float]], wanted: float) -> float | None:
    """Return the least cost of a family at an effectiveness or above; None beyond its most effective point."""
    levels, costs = np.array(points).T
    if wanted > levels[-1] + ALIKE:
        return None
    at_least = np.minimum.accumulate(costs[::-1])[::-1]
    return float(np.interp(wanted, levels, at_least))


def _effectiveness(outcome: Outcome, weeks: np.ndarray) -> float:
    return 1.0 - float(outcome.hedged[weeks].sum() / outcome.unhedged[weeks].sum())


def case_of(setting: Setting, week: VaultWeek, gwei: float) -> Case:
    """Return a week under a setting at a base fee; tips go with it."""
    settings = local_settings()
    policy = PolicySettings(name=setting.policy, parameters=dict(setting.parameters))
    usual = settings.execution
    tip_gwei = Decimal(str(TIP_OF_BASE_FEE * gwei))
    urgent_gwei = tip_gwei * usual.urgent_priority_fee_gwei / usual.priority_fee_gwei
    execution = usual.model_copy(update={"priority_fee_gwei": tip_gwei, "urgent_priority_fee_gwei": urgent_gwei})
    settings = settings.model_copy(update={"policy": policy, "execution": execution})
    return replace(week.case(settings, gwei), gas=GasModel())


def numbers_of(lived: Lived, default: str) -> tuple[float, ...]:
    """Return the numbers of `Outcome` of one week; NaN where a policy other than the default refused it."""
    if lived.error is not None and lived.names.policy == default:
        raise DataError(f"{lived.names.period}, {default}: {lived.error}")
    if lived.error is not None:
        return (np.nan,) * 5
    rebalances = float(lived.rebalances)
    return (lived.cost_usd, lived.gas_usd, rebalances, lived.variance_unhedged, lived.variance_hedged)


def lived_through(cases: Iterable[Case], kept: Results) -> dict[str, Lived]:
    """Return the outcome of each case by its key; what is kept is not replayed again."""
    lived, missing = {}, []
    for case in cases:
        known = kept.get(case.key)
        if known is None:
            missing.append(case)
        else:
            lived[case.key] = known
    for outcome in outcomes(missing, cpu_count() or 1):
        kept.add(outcome)
        lived[outcome.key] = outcome
    return lived


def _kept_path() -> Path:
    """Return where the outcomes of this very program and configuration are kept."""
    digest = hashlib.sha256()
    for path in sorted([*(REPOSITORY / "agent").rglob("*.py"), *(REPOSITORY / "config").glob("*.toml")]):
        digest.update(path.relative_to(REPOSITORY).as_posix().encode() + b"\0" + path.read_bytes())
    KEPT.mkdir(parents=True, exist_ok=True)
    return KEPT / f"{digest.hexdigest()[:16]}.jsonl"
