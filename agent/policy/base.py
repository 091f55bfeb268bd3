"""What a policy is."""

from __future__ import annotations

from typing import Protocol

from agent.domain import Exposure, Target, TradeCosts


class Policy(Protocol):
    """Answers where the net delta may stay and where to move it when it has left.

    A policy knows nothing of the chain's bounds: the decision narrows its answer to what they allow.
    """

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        """Return the no-trade band of the net delta, underlying units.

        ``target_net_delta`` is the present net delta while that lies inside the band, else where a trade should land,
        inside the band. Raises `DataError` for a quantity that is not finite.
        """
        ...


def band_target(net_delta: float, outer: float, inner: float, name: str) -> Target:
    """Return the target of a symmetric band: stay within ``outer`` of 0, else land ``inner`` away on the same side."""
    if abs(net_delta) <= outer:
        return Target(-outer, outer, net_delta, f"{name}: net delta {net_delta:+.4f} is inside +-{outer:.4f}")
    landing = inner if net_delta > 0.0 else -inner
    return Target(
        -outer, outer, landing, f"{name}: net delta {net_delta:+.4f} is outside +-{outer:.4f}, land at {landing:+.4f}"
    )
