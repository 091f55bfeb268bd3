"""From a policy's target to a size inside the chain's band: what the agent knows beside what the chain can verify."""

from __future__ import annotations

from dataclasses import replace

from agent.decision.forced_landing import landing_under_limit
from agent.domain import Exposure, NetDeltaLimits, Snapshot, Target, TradeCosts
from agent.formatting import delta_text, signed_delta
from agent.guard import band_now, net_delta_interval, worst_net_delta
from agent.risk.settlement import SettlingBook
from agent.units import BPS, Rounding, Wad, from_wad, to_wad


def as_known(snapshot: Snapshot, settling: SettlingBook) -> Snapshot:
    """Return the snapshot with settling legs at the delta they have, where the chain can only bound it.

    Without this the chain's doubt about the average so far would call for trades half-way into every settlement.
    """
    if not settling.has_settling_legs:
        return snapshot
    measured = snapshot.measurement
    low = Wad(measured.book_delta_low + to_wad(settling.delta - settling.low, Rounding.DOWN))
    high = Wad(measured.book_delta_high - to_wad(settling.high - settling.delta, Rounding.DOWN))
    return replace(snapshot, measurement=replace(measured, book_delta_low=min(low, high), book_delta_high=high))


def net_delta_limits(snapshot: Snapshot, exposure: Exposure) -> NetDeltaLimits | None:
    """Return where the chain's band calls for a trade, as net deltas of the agent.

    With the chain's net delta in [L, H] and its middle M the limits are M +- (band - (H - L) / 2), shifted by what the
    agent's net delta differs from M. None where the interval alone is wider than the band: no trade leads into it, so
    the policy's own band tells what a trade is worth.
    """
    low, high = net_delta_interval(snapshot.measurement)
    slack = from_wad(_slack_x2(snapshot)) / 2.0
    if slack <= 0.0:
        return None
    offset = exposure.net_delta - from_wad(low + high) / 2.0
    return NetDeltaLimits(offset - slack, offset + slack)


def inside_chain_band(
    snapshot: Snapshot, exposure: Exposure, costs: TradeCosts, wanted: Target, headroom_bps: int
) -> tuple[Wad, Target]:
    """Return the size that moves toward the policy's target as far as the chain's band allows, and that target.

    With the chain's net delta in [L, H] a trade x leads to W = |M + x| + (H - L)/2, M the middle. So M + x must stay
    within band - (H - L)/2 of 0, less the headroom, and no farther from 0 than M is. Where the policy would stay, or
    land beyond that, the chain forces the trade, and it lands where trading costs least over time
    (`landing_under_limit`); a policy that reckons with the limits itself lands where it says. All in doubled integers,
    because M may be a half; the size rounds toward 0. A net delta inside both bands stays where it is, headroom or not.
    """
    low, high = net_delta_interval(snapshot.measurement)
    middle_x2 = low + high
    slack_x2 = _slack_x2(snapshot)
    wanted_size = _toward_zero(wanted.target_net_delta - exposure.net_delta)
    landing_x2 = abs(middle_x2)
    if wanted_size != 0 or abs(middle_x2) > slack_x2:
        is_forced = abs(middle_x2 + 2 * wanted_size) > slack_x2
        inside_x2 = slack_x2 * (BPS - headroom_bps) // BPS
        if is_forced:
            inside_x2 = min(inside_x2, _forced_landing_x2(slack_x2, exposure, costs))
        landing_x2 = min(inside_x2, landing_x2)
    after_x2 = max(-landing_x2, min(landing_x2, middle_x2 + 2 * wanted_size))
    change_x2 = after_x2 - middle_x2
    size_delta = Wad(change_x2 // 2 if change_x2 >= 0 else -(-change_x2 // 2))
    landing = exposure.net_delta + from_wad(size_delta)
    offset, slack = exposure.net_delta - from_wad(middle_x2) / 2.0, from_wad(slack_x2) / 2.0
    reason = wanted.reason
    if abs(size_delta - wanted_size) > 1 and landing != wanted.target_net_delta:
        band = delta_text(from_wad(band_now(snapshot)))
        reason += f"; the chain's band of {band} moves that to {signed_delta(landing)}"
    band_low = max(wanted.band_low, offset - slack)
    band_high = min(wanted.band_high, offset + slack)
    return size_delta, Target(min(band_low, landing), max(band_high, landing), landing, reason)


def _slack_x2(snapshot: Snapshot) -> int:
    """Return twice the distance of the middle from 0 up to which W stays within the band, WAD."""
    low, high = net_delta_interval(snapshot.measurement)
    return max(2 * band_now(snapshot) - (high - low), 0)


def _forced_landing_x2(slack_x2: int, exposure: Exposure, costs: TradeCosts) -> int:
    """Return twice the distance from neutral at which a trade that only the limit calls for should land, WAD."""
    landing = landing_under_limit(from_wad(slack_x2) / 2.0, costs.gas_usd, costs.proportional_ratio * exposure.spot_usd)
    return 2 * to_wad(landing, Rounding.DOWN)


def _toward_zero(number: float) -> Wad:
    return to_wad(number, Rounding.DOWN if number > 0.0 else Rounding.UP)


def inside_delta_rule(snapshot: Snapshot, size_delta: Wad) -> Wad:
    """Return as much of a size as the chain's delta rule accepts, by the interval that it knows."""
    low, high = net_delta_interval(snapshot.measurement)
    allowed = max(band_now(snapshot), worst_net_delta(snapshot.measurement) - snapshot.bounds.min_improvement)
    within = max(min(size_delta, allowed - high), -allowed - low)
    return Wad(within) if high - low <= 2 * allowed and within * size_delta > 0 else Wad(0)
