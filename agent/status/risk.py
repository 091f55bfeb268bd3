"""What follows from a status: the worst-case net delta, where the book can be told, and how far liquidation is."""

from __future__ import annotations

import math
from dataclasses import replace

from agent.domain import VenueMeasurement
from agent.guard import worst_net_delta
from agent.status.records import VaultStatus
from agent.units import Wad, from_wad
from agent.venues.maintenance import Maintenance


def worst_net_delta_of(status: VaultStatus) -> Wad | None:
    """Return W, None where the book's delta is not known."""
    if status.book_delta is None:
        return None
    low, high = status.book_delta
    return worst_net_delta(replace(status.measurement, book_delta_low=low, book_delta_high=high))


def liquidation_distance(measured: VenueMeasurement, maintenance: Maintenance) -> float | None:
    """Return the relative move of the price against an account at which its venue liquidates it.

    With h the size, S the price, E the lower equity that backs the position and mu the maintenance margin it is
    abs(P / S - 1), where P = (h S - E) / (h - mu abs(h)), as in `agent.risk.liquidation`. None without a position; 0
    where it is due already, infinite where no price does it. Of the two ends that pending orders leave, the nearer one.
    """
    sizes = [from_wad(size) for size in (measured.size_low, measured.size_high) if size]
    price, equity = from_wad(measured.price), from_wad(Wad(measured.equity_low - maintenance.beside))
    if not sizes or price <= 0.0:
        return None
    return min(_distance(size * price, equity, maintenance.ratio) for size in sizes)


def _distance(value: float, equity: float, maintenance_ratio: float) -> float:
    move = (value - equity) / (value - maintenance_ratio * abs(value)) - 1.0
    against = -move if value > 0.0 else move
    return math.inf if value > 0.0 and against >= 1.0 else max(against, 0.0)
