"""What else could be done this cycle: each alternative with its cost, the risk it removes, and the guard's verdict.

Alternatives are ranked by

    objective = cost + risk aversion x variance / 2,

those the guard would refuse after those it accepts. The objective looks one horizon ahead and counts one trade: it says
what a trade buys, not when to trade. A band also counts the trades that follow, which is why a good policy may hold
where the objective would trade.

Pure: one snapshot in, one table out; nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from agent.alternatives.alternative import Alternative, Explanation, Kind, Yardstick
from agent.alternatives.case import Case, alternative_of, traded
from agent.alternatives.with_options import OptionOffers, with_options
from agent.costs.trade_costs import CostInputs
from agent.decision.decide import DecisionParameters, decide
from agent.domain import Action, Book, Decision, Snapshot
from agent.errors import DataError
from agent.formatting import delta_text, signed_delta
from agent.guard import band_now, worst_net_delta
from agent.policy.base import Policy
from agent.policy.equivalent_option import equivalent_option
from agent.policy.registry import POLICIES, build_policy
from agent.policy.risk_aversion import suggest_risk_aversion
from agent.policy.zakamouline import CONFIRMED_CONSTANT
from agent.prediction import predict
from agent.units import from_wad

DEFAULT_RISK_AVERSION_PER_USD = 1e-3
"""Where the policy has none of its own: what ``config/localnet.toml`` hedges with."""
_HOURS_PER_DAY = 24.0
_LEAST_MOVE = 1e-9
"""Underlying units; a landing closer than this to where the net delta is, or to another landing, is no alternative."""


def yardstick_of(
    decision: Decision,
    policy: Policy,
    costs: CostInputs,
    horizon_days: float | None = None,
    vol_annual: float | None = None,
    risk_aversion_per_usd: float | None = None,
) -> Yardstick:
    """Return what risk is measured with: as given, else what the snapshot, the book and the policy say.

    The horizon is that of the funding: how long a trade is expected to stand. The volatility is that of the book's
    options, weighted by gamma; of a book without any, the policy's. The risk aversion is the policy's own.

    Raises
    ------
    DataError
        A number that nobody gives, or that is not positive.
    """
    vol = vol_annual
    if vol is None:
        option = equivalent_option(decision.exposure)
        vol = getattr(policy, "static_vol_annual", None) if option is None else option.vol_annual
    if vol is None:
        raise DataError("vol_annual is unknown: neither the book's options nor the policy have one; give it")
    horizon = costs.funding_horizon_days if horizon_days is None else horizon_days
    if horizon_days is None and horizon == 0.0:
        raise DataError("funding_horizon_days is 0, so nothing says how far ahead to measure risk; give horizon_days")
    own = getattr(policy, "risk_aversion_per_usd", DEFAULT_RISK_AVERSION_PER_USD)
    return Yardstick(horizon, vol, own if risk_aversion_per_usd is None else risk_aversion_per_usd)


def explain(
    snapshot: Snapshot,
    book: Book,
    policy_name: str,
    policy: Policy,
    costs: CostInputs,
    settings: DecisionParameters,
    decision: Decision,
    yardstick: Yardstick,
    watch_seconds: float,
    options: OptionOffers | None = None,
) -> Explanation:
    """List the alternatives of a cycle beside what was decided.

    Parameters
    ----------
    snapshot, book, policy, costs, settings, decision
        Those of the cycle.
    policy_name
        The policy's name in the registry.
    yardstick
        See `yardstick_of`.
    watch_seconds
        How often the keeper looks, for policies that reckon with it.
    options
        Listed options of the snapshot's moment, to be traded beside the perps; None leaves them out.

    Returns
    -------
    Explanation
        Hold; every policy of the registry at the chosen one's settings where they share them; trades to neutral and to
        each edge of the band; the trade on each venue alone where there are several; and the hedge with options.
    """
    case = Case(snapshot, costs, settings, decision.exposure, yardstick)
    chosen = replace(_decided(case, policy_name, decision), is_chosen=True)
    policies, left_out = _comparable(case, policy_name, policy, watch_seconds)
    found = [
        chosen,
        _hold(case),
        *_asked(case, book, policies, left_out),
        *_landings(case, decision),
        *_venues_alone(case, decision),
    ]
    if options is not None:
        found.append(with_options(case, book, options))
    ranked = sorted(found, key=lambda alternative: (not alternative.is_accepted, alternative.objective_usd))
    exposure = decision.exposure
    try:
        suggested = suggest_risk_aversion(book, exposure.spot_usd, exposure.at_unix, yardstick.vol_annual)
    except DataError:
        suggested = None
    return Explanation(yardstick, case.risk_before_usd, tuple(ranked), left_out, suggested)


# --- alternatives -------------------------------------------------------------------------------------------------


def _hold(case: Case) -> Alternative:
    measurement, band = case.snapshot.measurement, band_now(case.snapshot)
    is_outside = worst_net_delta(measurement) > band
    stays = f"; the worst case stays outside the chain's band of {delta_text(from_wad(band))}" if is_outside else ""
    return alternative_of(case, "hold", Kind.HOLD, (), (), measurement, None, f"do nothing this cycle{stays}")


def _decided(case: Case, name: str, decision: Decision) -> Alternative:
    """Return what a policy decides, inside the chain's bounds; a hold that the guard forces says so in its reason."""
    legs, fills = decision.legs, decision.expected_fills
    after = predict(case.snapshot, legs, fills) if decision.action is Action.REBALANCE else case.snapshot.measurement
    return alternative_of(case, name, Kind.POLICY, legs, fills, after, None, decision.reason)


def _asked(case: Case, book: Book, policies: dict[str, Policy], left_out: dict[str, str]) -> Iterator[Alternative]:
    """Ask every policy; one out of its depth is added to ``left_out`` and hides no other."""
    for name, policy in policies.items():
        try:
            decision = decide(case.snapshot, book, policy, case.costs, case.settings)
        except DataError as error:
            left_out[name] = f"cannot answer: {error}"
        else:
            yield _decided(case, name, decision)


def _comparable(
    case: Case, chosen_name: str, chosen: Policy, watch_seconds: float
) -> tuple[dict[str, Policy], dict[str, str]]:
    """Build the other policies of the registry from what is known; return those that need more, with what they need."""
    known: dict[str, float] = {
        "risk_aversion_per_usd": case.yardstick.risk_aversion_per_usd,
        "horizon_days": case.yardstick.horizon_days,
        "static_horizon_days": case.yardstick.horizon_days,
        "vol_annual": case.yardstick.vol_annual,
        "static_vol_annual": case.yardstick.vol_annual,
        "watch_seconds": watch_seconds,
        "interval_hours": case.yardstick.horizon_days * _HOURS_PER_DAY,
        "threshold_underlying": from_wad(band_now(case.snapshot)),
        "volatility_constant": CONFIRMED_CONSTANT,
    }
    known |= {name: getattr(chosen, name) for name in known if hasattr(chosen, name)}
    policies: dict[str, Policy] = {}
    left_out: dict[str, str] = {}
    for name, kind in POLICIES.items():
        wanted = [field.name for field in fields(kind)]
        unknown = [field for field in wanted if field not in known]
        if unknown:
            left_out[name] = f"needs {', '.join(unknown)}, which a snapshot does not tell"
        elif name != chosen_name:
            policies[name] = build_policy(name, {field: known[field] for field in wanted})
    left_out.pop(chosen_name, None)
    return policies, left_out


def _landings(case: Case, decision: Decision) -> Iterator[Alternative]:
    """Trade to neutral and to the edges of the band, as far as size limits allow, whatever the guard says to it."""
    target, taken = decision.target, [case.exposure.net_delta]
    for name, landing in (
        ("full neutralisation", 0.0),
        ("lower edge of the band", target.band_low),
        ("upper edge of the band", target.band_high),
    ):
        if all(abs(landing - other) > _LEAST_MOVE for other in taken):
            taken.append(landing)
            reason = f"land at {signed_delta(landing)}"
            yield traded(case, name, Kind.LANDING, case.snapshot, landing - case.exposure.net_delta, reason)


def _venues_alone(case: Case, decision: Decision) -> Iterator[Alternative]:
    """Trade the chosen size, or to neutral where nothing is traded, on one venue at a time."""
    venues = case.snapshot.venues
    size = from_wad(sum(fill.size_delta for fill in decision.expected_fills))
    what = "the chosen size" if size else "to neutral"
    wanted = size or -case.exposure.net_delta
    if len(case.snapshot.perp_venues) < 2 or abs(wanted) <= _LEAST_MOVE:
        return
    for index, venue in enumerate(venues):
        if venue.trades_options:
            continue
        quotes = [own.quotes if place == index else () for place, own in enumerate(venues)]
        alone = tuple(replace(own, quotes=kept) for own, kept in zip(venues, quotes, strict=True))
        reason = f"{what} on {venue.name} alone"
        yield traded(case, f"{venue.name} alone", Kind.VENUE, replace(case.snapshot, venues=alone), wanted, reason)
