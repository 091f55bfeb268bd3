"""Mirror of ``contracts/libraries/ResultTrack.sol``, integer for integer: the hedge's unexplained result.

A hedge's NAV falls whenever its book gains, so NAV alone says nothing about losses. The result tracked here is NAV less
net flows less sum(size x change of the oracle price): funding, fees, slippage, liquidations and thefts remain. The
breaker trips where it has fallen too far from its high of the last day. Who leaves takes his part of what was lost: the
fall is a part of NAV with what has left since the last sample, and each sample lowers the highs by that part. USD
amounts are WAD, highs are US cents.
"""

from __future__ import annotations

from dataclasses import replace

from agent.domain import Measurement, Track, VenueMeasurement
from agent.rounding import div_toward_zero, div_up
from agent.units import BPS, WAD, Seconds, Wad

PERIOD_SECONDS = 8 * 3_600
_PERIODS = 4
NO_HIGH = -(2**63)
"""High of a period without a sample."""
_CENT = 10**16

_Highs = tuple[int, int, int, int]


def result(track: Track, measurement: Measurement) -> Wad:
    """Return the unexplained result now, USD; only a measurement with a healthy price has one."""
    return Wad(measurement.nav - measurement.net_flows - _explained(track, measurement.price))


def is_tripped(track: Track, measurement: Measurement, max_drawdown_bps: int, timestamp: Seconds) -> bool:
    """Return whether the result is known to have fallen more than ``max_drawdown_bps`` of NAV below its day's high."""
    if measurement.price == 0 or any(venue.is_silent for venue in measurement.venues):
        return False
    high = max(_rolled(track, timestamp))
    fall = high * _CENT - result(track, measurement)  # none where no period has a high
    return fall > (measurement.nav + _left(track, measurement)) * max_drawdown_bps // BPS


def advance(track: Track, before: Measurement, after: Measurement, timestamp: Seconds) -> Track:
    """Return the track after a rebalance.

    It stands still while no price is healthy; while a venue is silent, but for the hedge, to which trades are added.
    """
    if before.price == 0:
        return track
    if any(venue.is_silent for venue in (*before.venues, *after.venues)):
        size = Wad(track.size + _traded(before, after))
        return replace(track, size=size, explained=_explained(track, before.price), price=before.price)
    highs = _rolled(track, timestamp)
    moved = Track(
        size=Wad(sum(map(_middle, after.venues))),
        explained=_explained(track, before.price),
        price=before.price,
        period=timestamp // PERIOD_SECONDS,
        flows=_firm_flows(after),
        highs=highs,
    )
    highs = _lowered(highs, result(moved, before), before.nav, _left(track, before))
    newest = max(highs[0], div_up(max(result(moved, before), result(moved, after)), _CENT))
    return replace(moved, highs=(newest, *highs[1:]))


def _middle(venue: VenueMeasurement) -> int:
    """Return a venue's size; pending orders count half."""
    return div_toward_zero(venue.size_low + venue.size_high, 2)


def _traded(before: Measurement, after: Measurement) -> int:
    """Return by how much the hedge has changed on the venues that answer."""
    venues = zip(before.venues, after.venues, strict=True)
    return sum(_middle(new) - _middle(old) for old, new in venues if not (old.is_silent or new.is_silent))


def _explained(track: Track, price: Wad) -> Wad:
    if track.price == 0:
        return track.explained
    return Wad(track.explained + div_toward_zero(track.size * (price - track.price), WAD))


def _lowered(highs: _Highs, current: int, nav: int, left: int) -> _Highs:
    """Take the part ``left / (nav + left)`` of the fall from each high, what stays rounded up."""
    if left == 0:
        return highs
    falls = (high * _CENT - current for high in highs)
    first, second, third, fourth = (
        div_up(current + div_up(fall * nav, nav + left), _CENT) if fall > 0 else high
        for high, fall in zip(highs, falls, strict=True)
    )
    return first, second, third, fourth


def _left(track: Track, measurement: Measurement) -> int:
    """Return what has left since the last sample, USD; deposits count as they ripen."""
    return max(track.flows - _firm_flows(measurement), 0)


def _firm_flows(measurement: Measurement) -> Wad:
    return Wad(measurement.net_flows - (measurement.nav - measurement.firm_nav))


def _rolled(track: Track, timestamp: Seconds) -> _Highs:
    """Return the highs as they stand at ``timestamp``: periods that have passed since go back in the row."""
    passed = timestamp // PERIOD_SECONDS - track.period
    first, second, third, fourth = (
        NO_HIGH if index < passed else track.highs[index - passed] for index in range(_PERIODS)
    )
    return first, second, third, fourth
