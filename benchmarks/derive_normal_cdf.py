"""Derive the constants of ``contracts/libraries/NormalCdf.sol``: ``python -m benchmarks.derive_normal_cdf``.

The upper tail Q(x) = 1 - N(x) is fitted on [0, 7] by 1 / (2 P(x)^16), P a polynomial of degree 10 with P(0) = 1, so
that N(0) is exactly 1/2. The form is that of Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.28 (degree
6, error 3e-7): it needs one division and no exponential. The coefficients are found by the second algorithm of Remez,
with a Newton step because the fit is not linear in them, until all eleven extrema of the absolute error are level.

Everything runs in 60-digit decimals, so that the constants are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, getcontext, localcontext

DEGREE = 10
POWER = 16
LIMIT = 7
"""Q(7) is 1.3e-12: beyond it the library takes the tail as 0."""
GRID_STEPS = 1400
EXCHANGES = 30
LEVEL_TOLERANCE = Decimal("1.0000001")
ARGUMENT_BITS = 40
"""Fraction bits of the argument in Solidity; each Horner step adds as many to the scale."""
FIRST_SCALE_BITS, SECOND_SCALE_BITS = 60, 50
"""Scale at which the first five Horner steps start, and the scale they are cut back to before the last five."""

_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)


def _arctan_of_inverse(number: int) -> Decimal:
    term = total = Decimal(1) / number
    k = 1
    while abs(term) > Decimal("1e-65"):
        term = -term * k / (number * number) / (k + 2)
        k += 2
        total += term
    return total


def upper_tail(x: Decimal) -> Decimal:
    """Return Q(x) = 1/2 - phi(x) * sum of x^(2k+1) / (1 * 3 * ... * (2k+1)), for x >= 0.

    Source: Abramowitz and Stegun, 26.2.11. All terms are positive; the subtraction costs 12 of 60 digits at x = 7.
    """
    two_pi = 8 * (4 * _arctan_of_inverse(5) - _arctan_of_inverse(239))
    total = term = x
    k = 1
    while term > Decimal("1e-55"):
        k += 2
        term = term * x * x / k
        total += term
    return Decimal("0.5") - (-x * x / 2).exp() / two_pi.sqrt() * total


def _polynomial(coefficients: Sequence[Decimal], x: Decimal) -> Decimal:
    total = Decimal(0)
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total


def _solve(matrix: list[list[Decimal]], right: list[Decimal]) -> list[Decimal]:
    """Gaussian elimination with partial pivoting."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for i in range(size):
        pivot = max(range(i, size), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(i + 1, size):
            factor = rows[r][i] / rows[i][i]
            rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    solution = [Decimal(0)] * size
    for i in reversed(range(size)):
        known = sum((rows[i][j] * solution[j] for j in range(i + 1, size)), Decimal(0))
        solution[i] = (rows[i][size] - known) / rows[i][i]
    return solution


def _alternating_extrema(errors: Sequence[Decimal]) -> list[int]:
    """Return where each run of errors of one sign is largest; the smaller end is dropped while there are too many."""
    runs: list[list[int]] = [[0]]
    for i in range(1, len(errors)):
        if (errors[i] > 0) == (errors[i - 1] > 0):
            runs[-1].append(i)
        else:
            runs.append([i])
    extrema = [max(run, key=lambda i: abs(errors[i])) for run in runs]
    while len(extrema) > DEGREE + 1:
        extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
    return extrema


def _levelled(coefficients: list[Decimal], nodes: Sequence[Decimal], tails: Sequence[Decimal]) -> list[Decimal]:
    """Newton's method for the coefficients whose error at the nodes alternates between +E and -E."""
    for _ in range(6):
        rows, right = [], []
        for i, (x, tail) in enumerate(zip(nodes, tails, strict=True)):
            p = _polynomial(coefficients, x)
            slope = -POWER * p ** (-POWER - 1) / 2
            rows.append([*(slope * x**k for k in range(1, DEGREE + 1)), Decimal((-1) ** (i + 1))])
            right.append(tail - p**-POWER / 2)
        step = _solve(rows, right)
        coefficients = [coefficients[0], *(c + s for c, s in zip(coefficients[1:], step[:DEGREE], strict=True))]
    return coefficients


@dataclass(frozen=True)
class Fit:
    """Coefficients of P from x^0 up, and the largest absolute error of 1 / (2 P^16) on the grid."""

    coefficients: tuple[Decimal, ...]
    max_error: Decimal


def fit() -> Fit:
    """Return the minimax fit."""
    with localcontext(_CONTEXT):
        grid = [Decimal(LIMIT * i) / GRID_STEPS for i in range(1, GRID_STEPS + 1)]
        tails = [upper_tail(x) for x in grid]
        start = [int(GRID_STEPS * (i + 0.5) ** 2 / DEGREE**2 * 0.7) for i in range(DEGREE)]
        rows = [[grid[i] ** k for k in range(1, DEGREE + 1)] for i in start]
        targets = [(2 * tails[i]) ** (Decimal(-1) / POWER) - 1 for i in start]
        coefficients = [Decimal(1), *_solve(rows, targets)]
        for _ in range(EXCHANGES):
            errors = [_polynomial(coefficients, x) ** -POWER / 2 - tail for x, tail in zip(grid, tails, strict=True)]
            extrema = _alternating_extrema(errors)
            if len(extrema) <= DEGREE:
                raise ArithmeticError(f"the error has {len(extrema)} extrema, {DEGREE + 1} are needed")
            largest = max(abs(error) for error in errors)
            if largest / min(abs(errors[i]) for i in extrema) < LEVEL_TOLERANCE:
                return Fit(tuple(coefficients), largest)
            coefficients = _levelled(coefficients, [grid[i] for i in extrema], [tails[i] for i in extrema])
        raise ArithmeticError(f"the extrema were not level after {EXCHANGES} exchanges")


def solidity_constants(coefficients: Sequence[Decimal]) -> dict[str, int]:
    """Return the integers of the Solidity library by name, each coefficient at the scale its Horner step needs."""
    constants = {}
    with localcontext(_CONTEXT):
        for k in range(DEGREE, 0, -1):
            start = FIRST_SCALE_BITS if k >= DEGREE // 2 else SECOND_SCALE_BITS
            steps = DEGREE - k if k >= DEGREE // 2 else DEGREE // 2 - k
            kept = start + ARGUMENT_BITS * min(steps, 1)
            scaled = (coefficients[k] * 2**kept).to_integral_value()
            constants[f"C{k}"] = int(scaled) << (ARGUMENT_BITS * max(steps - 1, 0))
    return constants


def main() -> None:
    """Print the constants as they stand in the library."""
    result = fit()
    print(f"// largest absolute error of the fit: {result.max_error:.4E}")
    for name, number in solidity_constants(result.coefficients).items():
        shift = (number & -number).bit_length() - 1
        shift -= shift % ARGUMENT_BITS
        print(f"int256 private constant {name} = {number >> shift}{f' << {shift}' if shift else ''};")


if __name__ == "__main__":
    getcontext().prec = _CONTEXT.prec
    main()
