"""Integer quotients with their rounding in the name, as the contracts compute them."""

from __future__ import annotations

from agent.units import BPS


def mul_div_down(x: int, y: int, denominator: int) -> int:
    """Return ``x * y / denominator`` rounded toward minus infinity (toward 0 for the chain's unsigned numbers)."""
    return x * y // denominator


def div_up(numerator: int, denominator: int) -> int:
    """Return ``numerator / denominator`` rounded toward plus infinity."""
    return -(-numerator // denominator)


def mul_div_up(x: int, y: int, denominator: int) -> int:
    """Return ``x * y / denominator`` rounded toward plus infinity."""
    return div_up(x * y, denominator)


def share(amount: int, bps: int) -> int:
    """Return the part ``bps`` of ``amount``, rounded down."""
    return amount * bps // BPS


def div_toward_zero(x: int, y: int) -> int:
    """Return ``x / y`` rounded toward 0, as Solidity divides signed integers; ``y`` is positive."""
    return x // y if x >= 0 else -(-x // y)
