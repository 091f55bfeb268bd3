r"""The largest size that bounds accept, below one that they refused.

A refusal says by how much: the error carries the actual figure and its limit. Both are known functions of the size,
close to straight lines, so the size that just meets the limit is found by the secant through the last two refusals
(through nothing traded and nothing measured, where there is one alone), and probed a shade below. A loss bends by the
impact of the trade: there the parabola through nothing traded takes the secant's place. An accepted size is probed a
shade above, unless it was told by a line where the figure bends: what is refused there ends the search. Where the
figures do not help, the bracket is halved.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt

from agent.errors import RejectedError
from agent.guard import UINT256_MAX, GuardError
from agent.routing.foreseen import Route

_FIGURES: dict[str, tuple[str, str]] = {
    GuardError.NOTIONAL_EXCEEDED: ("notional", "maxNotional"),
    GuardError.TURNOVER_EXCEEDED: ("notional", "turnoverAvailable"),
    GuardError.VENUE_LEVERAGE_EXCEEDED: ("leverage", "maxLeverage"),
    GuardError.LEVERAGE_EXCEEDED: ("leverage", "maxLeverage"),
    GuardError.GROSS_NOTIONAL_EXCEEDED: ("grossNotional", "maxGrossNotional"),
    GuardError.NAV_LOSS_EXCEEDED: ("loss", "maxLoss"),
    GuardError.LOSS_BUDGET_EXCEEDED: ("loss", "lossAvailable"),
}
"""Arguments of the errors whose figure grows with the size from 0: what it is, and what it may be."""
_LOSSES = frozenset({GuardError.NAV_LOSS_EXCEEDED, GuardError.LOSS_BUDGET_EXCEEDED})
SIZE_ERRORS = frozenset(_FIGURES) | {
    GuardError.SLIPPAGE_EXCEEDED,
    GuardError.VENUE_CAP_EXCEEDED,
    GuardError.IDLE_BELOW_FLOOR,
}
"""Errors that a smaller size may avoid; those beyond the figures above carry one that does not grow from 0."""
_TOO_SMALL = frozenset({GuardError.NET_DELTA_EXCEEDED, GuardError.NOTIONAL_TOO_SMALL, GuardError.FEE_EXCEEDED})
"""Refuse a size for improving, or trading, too little, or for the fixed part of its fee: a larger one may pass."""
_PRECISION_BITS = 12
"""The answer is within this many halvings of the refused size: 1/4096 of it."""
_GUESSES_IN_A_ROW = 2
"""After so many the bracket is halved, so that no shape of the figures makes the search long."""


def largest_accepted(attempt: Callable[[int], Route], refused: int, refusal: RejectedError, least: int) -> Route | None:
    """Return the route of the largest size that is accepted, to 1/4096 of the refused one; None where none is.

    Parameters
    ----------
    attempt
        Plans a size and puts it before the bounds; raises their `RejectedError`.
    refused
        A size that was refused, for being too large.
    refusal
        The error it was refused with.
    least
        Smallest size worth a trade, at least 1.

    """
    tolerance = max(refused >> _PRECISION_BITS, 1)
    best: Route | None = None
    lower, guesses = 0, 0
    refusals = [(refused, refusal)]
    while refused - lower > tolerance and refused > least:
        middle = (lower + refused) // 2
        size = _guess(lower, refusals, tolerance) if guesses < _GUESSES_IN_A_ROW else None
        guesses = 0 if size is None else guesses + 1
        size = max(middle if size is None else size, least)
        try:
            best = attempt(size)
            lower = size
        except RejectedError as error:
            if error.name in _TOO_SMALL:
                lower = size
            else:
                refused = size
                refusals.append((size, error))
    return best


def _guess(lower: int, refusals: list[tuple[int, RejectedError]], tolerance: int) -> int | None:
    """Return a size strictly between the bracket's ends that the figures speak for; None where they do not."""
    refused, error = refusals[-1]
    limit = _meets_limit(refusals)
    if limit is None:
        return None
    size = limit - max(tolerance // 2, 1)
    if size <= lower:
        if len(refusals) == 1 and error.name in _LOSSES:  # a line where the figure bends: the limit lies beyond
            return None
        size = lower + tolerance
    return size if lower < size < refused else None


def _meets_limit(refusals: list[tuple[int, RejectedError]]) -> int | None:
    """Return the size at which the figure last refused meets its limit; None where the figures do not tell."""
    size, error = refusals[-1]
    if error.name not in _FIGURES:
        return None
    figure, limit = _figures(error)
    if figure >= UINT256_MAX:
        return None
    if len(refusals) == 1 or refusals[-2][1].name != error.name:
        return size * limit // figure
    larger, (larger_figure, _) = refusals[-2][0], _figures(refusals[-2][1])
    if error.name in _LOSSES:
        return _on_parabola(size, figure, larger, larger_figure, limit)
    rise = larger_figure - figure
    return size - (figure - limit) * (larger - size) // rise if rise > 0 else None


def _on_parabola(size: int, figure: int, larger: int, larger_figure: int, limit: int) -> int | None:
    r"""Return where $a s + b s^2$ through two points comes to ``limit``; None where it never does.

    $s = 2 L / (a + \sqrt{a^2 + 4 b L})$, in which $b = 0$ is no exception; $a$ and $b$ over their common denominator.
    """
    denominator = size * larger * (larger - size)
    slope = figure * larger**2 - larger_figure * size**2
    bend = larger_figure * size - figure * larger
    discriminant = slope**2 + 4 * bend * limit * denominator
    if discriminant < 0:
        return None
    root = slope + isqrt(discriminant)
    return 2 * limit * denominator // root if root > 0 else None


def _figures(error: RejectedError) -> tuple[int, int]:
    figure, limit = (error.arguments[name] for name in _FIGURES[error.name])
    if not isinstance(figure, int) or not isinstance(limit, int):
        raise TypeError(f"{error} carries {figure!r} and {limit!r}; expected integers")
    return figure, limit
