"""Write ``tests/vectors/products/*.json``: ``python -m benchmarks.derive_price_vectors``.

Prices, Greeks and implied volatilities of hard rows, worked out in 130-digit decimals from the textbook formulas and
with the normal tail of `benchmarks.derive_mills`: nothing of the agent's own arithmetic goes into them. Every input is
a double written exactly.
"""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from itertools import product
from pathlib import Path

from benchmarks.derive_mills import CONTEXT, mills, pi

DIRECTORY = Path(__file__).parent.parent / "tests" / "vectors" / "products"
DIGITS = 25
BISECTIONS = 120
SPOT_USD = 2000.0
HORIZONS = ((3.2e-8, 0.8), (1.0 / 8760, 3.0), (1.0 / 365, 0.55), (1.0 / 12, 0.2), (1.0, 0.6), (10.0, 1.5))
"""Years left and volatility: a second, an hour, a day, a month, a year, ten years; calm to wild."""
MONEYNESS_STDEVS = (0.0, 0.3, -0.7, 2.5, -4.0, 8.0, -15.0, 30.0)
RATES = ((0.0, 0.0), (0.05, 0.01), (-0.02, 0.03))
LOG_MONEYNESS = (0.0, 1e-12, 1e-4, 0.05, 0.7, 3.0, 40.0, 200.0)
TOTAL_STDEVS = (1e-8, 1e-3, 0.05, 0.4, 1.3, 4.0, 12.0)


def density(x: Decimal) -> Decimal:
    """Return the normal density."""
    return (-x * x / 2).exp() / (2 * pi()).sqrt()


def distribution(x: Decimal) -> Decimal:
    """Return N(x)."""
    tail = density(x) * mills(abs(x))
    return tail if x < 0 else 1 - tail


def option(
    is_call: bool, spot: float, strike: float, tau: float, vol: float, rate: float, dividend: float
) -> dict[str, Decimal]:
    """Return value and Greeks by the textbook formulas. Source: Haug (2007), chapters 1 and 2."""
    S, K, t, v, r, q = (Decimal(number) for number in (spot, strike, tau, vol, rate, dividend))
    sign, root = (1 if is_call else -1), t.sqrt()
    d1 = ((S / K).ln() + (r - q + v * v / 2) * t) / (v * root)
    d2 = d1 - v * root
    carry, discount, phi = (-q * t).exp(), (-r * t).exp(), density(d1)
    asset, cash = S * carry * distribution(sign * d1), K * discount * distribution(sign * d2)
    delta, gamma, vega = sign * asset / S, carry * phi / (S * v * root), S * carry * phi * root
    decay = (2 * (r - q) * t - d2 * v * root) / (2 * t * v * root)
    return {
        "value": sign * (asset - cash),
        "delta": delta,
        "gamma": gamma,
        "vega": vega,
        "theta": -S * carry * phi * v / (2 * root) + sign * (q * asset - r * cash),
        "rho": sign * t * cash,
        "vanna": -carry * phi * d2 / v,
        "volga": vega * d1 * d2 / v,
        "charm": q * delta - carry * phi * decay,
        "speed": -gamma / S * (d1 / (v * root) + 1),
        "zomma": gamma * (d1 * d2 - 1) / v,
        "color": gamma * (q + 1 / (2 * t) + d1 * decay),
    }


def european_rows() -> list[dict[str, object]]:
    """Return inputs and outputs over horizons, moneyness in standard deviations, and rates."""
    rows: list[dict[str, object]] = []
    for (tau, vol), stdevs, (rate, dividend) in product(HORIZONS, MONEYNESS_STDEVS, RATES):
        strike = SPOT_USD * float(Decimal(stdevs * vol * tau**0.5).exp())
        is_call = len(rows) % 3 != 0
        inputs = {
            "is_call": is_call,
            "spot_usd": SPOT_USD,
            "strike_usd": strike,
            "tau_years": tau,
            "vol_annual": vol,
            "rate_annual": rate,
            "dividend_annual": dividend,
        }
        outputs = option(is_call, SPOT_USD, strike, tau, vol, rate, dividend)
        rows.append(inputs | {name: _shown(number) for name, number in outputs.items()})
    return rows


def implied_rows() -> list[dict[str, object]]:
    """Return undiscounted prices out of the money, doubles, and the volatilities at one year that give them exactly."""
    rows: list[dict[str, object]] = []
    for log_moneyness, stdev in product(LOG_MONEYNESS, TOTAL_STDEVS):
        forward = float(Decimal(-log_moneyness).exp())
        exact = option(True, forward, 1.0, 1.0, stdev, 0.0, 0.0)["value"]
        price = float(exact)
        if not Decimal("1e-290") * Decimal(forward) < Decimal(price) < Decimal(forward):
            continue
        vol = _solve(forward, Decimal(price), stdev)
        if vol is not None:
            rows.append({"forward_usd": forward, "price_usd": price, "vol_annual": _shown(vol)})
    return rows


def _solve(forward: float, price: Decimal, guess: float) -> Decimal | None:
    """Bisect around the volatility the price was rounded from; None where rounding moved it by a thousandth."""
    low, high = Decimal(guess) * Decimal("0.999"), Decimal(guess) * Decimal("1.001")
    if not _call(forward, low) < price < _call(forward, high):
        return None
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _call(forward, middle) < price else (low, middle)
    return (low + high) / 2


def _call(forward: float, vol: Decimal) -> Decimal:
    """Value a call of strike 1 and one year without rates."""
    F = Decimal(forward)
    d1 = F.ln() / vol + vol / 2
    return F * distribution(d1) - distribution(d1 - vol)


def _shown(number: Decimal) -> str:
    return f"{number:.{DIGITS - 1}e}"


def main() -> None:
    """Write both files."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with localcontext(CONTEXT):
        for name, rows in (("european", european_rows()), ("implied_vol", implied_rows())):
            document = {"source": "python -m benchmarks.derive_price_vectors", "rows": rows}
            (DIRECTORY / f"{name}.json").write_text(json.dumps(document, indent=0) + "\n")
            print(f"{name}.json: {len(rows)} rows")


if __name__ == "__main__":
    main()
