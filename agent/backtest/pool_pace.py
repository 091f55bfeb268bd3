"""How fast a pool may follow its index: a move too far for one price window of the venue comes in parts."""

from __future__ import annotations

import math

from agent.units import Seconds

LOG_TICK = math.log(1.0001)
"""Log price of one tick (Uniswap v3 whitepaper, eq. 6.1)."""
RAMP_TICKS = 700
"""Farthest the pool moves within one price window, ticks (7.2 %); the venue's own limit is 1,000."""
RAMP_SECONDS = 16
"""Time between two parts of a larger move: one second more than the venue's price window of 15."""


def parts_of_move(distance_ticks: float, room_seconds: Seconds | int) -> int:
    """Return in how many parts a move comes whose first may come one second after its room begins, the last at its end.

    Where the room is too short for the venue's limit, there are as many as fit, and always one.
    """
    room = (room_seconds - 1) // RAMP_SECONDS + 1
    return max(min(math.ceil(distance_ticks / RAMP_TICKS), room), 1)
