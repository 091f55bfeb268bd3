"""HEDGE-421 .. HEDGE-425, HEDGE-438: the compiled delta on a real EVM against the reference and the agent's own."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import pytest
from scipy.special import ndtr

from agent.localnet.codec import encode_call
from agent.products.european import black76_delta
from agent.units import SECONDS_PER_YEAR, WAD, Address
from benchmarks.delta_reference import call_deltas, d1, grid, log_moneyness
from benchmarks.evm import BenchmarkChain, compile_sources, in_batches, local_chain

pytestmark = pytest.mark.chain

HARNESS = "tests/contracts/support/Black76Harness.sol"
ACCESS = "contracts/governance/VaultAccess.sol"
BOOK = "contracts/book/OptionBook.sol"
OPTIONS = "(uint256,uint256,uint256,uint256,uint256)[]"
ERROR = 5e-11
"""What ``Black76.sol`` claims of a delta."""
WIDENING = 450_360 / 2**52
PER_CALL = 1_000
HOUR = 3_600
DAY = 86_400
IV_STEP = WAD // 10_000

Case = tuple[int, int, int, int, int]
"""Price WAD, strike WAD, tau seconds, lower and higher IV WAD."""


@pytest.fixture(scope="module")
def chain() -> Iterator[BenchmarkChain]:
    compile_sources(HARNESS, ACCESS, BOOK)
    with local_chain() as running:
        yield running


@pytest.fixture(scope="module")
def harness(chain: BenchmarkChain) -> Address:
    return chain.deploy(HARNESS, "Black76Harness")


def deltas_on_chain(chain: BenchmarkChain, harness: Address, cases: list[Case]) -> np.ndarray:
    found: list[int] = []
    for batch in in_batches(cases, PER_CALL):
        (deltas,) = chain.call(harness, f"callDeltas({OPTIONS})", list(batch), returns="(int256[])")
        found.extend(deltas)
    return np.array(found) / WAD


def bounds_on_chain(chain: BenchmarkChain, harness: Address, cases: list[Case]) -> tuple[np.ndarray, np.ndarray]:
    lows: list[int] = []
    highs: list[int] = []
    for batch in in_batches(cases, PER_CALL):
        low, high = chain.call(harness, f"callDeltaBoundsX52({OPTIONS})", list(batch), returns="(int256[],int256[])")
        lows.extend(low)
        highs.extend(high)
    return np.array(lows) / 2**52, np.array(highs) / 2**52


def exact_bounds(case: Case) -> tuple[float, float]:
    """Least and largest call delta over the interval of volatilities, from the formula's own shape."""
    price, strike, tau, low, high = case
    moneyness = log_moneyness(price, strike)
    ends = [d1(moneyness, tau, Decimal(iv) / WAD) for iv in (low, high)]
    turning = math.sqrt(2 * float(moneyness)) if moneyness > 0 else 0.0
    years = tau / SECONDS_PER_YEAR
    inside = low / WAD * math.sqrt(years) < turning < high / WAD * math.sqrt(years)
    return float(ndtr(min(*ends, turning) if inside else min(ends))), float(ndtr(max(ends)))


def random_cases(seed: int, count: int) -> list[Case]:
    """Prices from far out to far in the money, half of them within two deviations of the strike."""
    source = random.Random(seed)
    cases = []
    for i in range(count):
        strike = source.randrange(1, 10**12) * 10**10
        tau = int(math.exp(source.uniform(0, math.log(730 * DAY))))
        low, high = sorted(source.randrange(100, 30_001) * IV_STEP for _ in range(2))
        spread = 1.6 if i % 2 else min(2 * high / WAD * math.sqrt(tau / SECONDS_PER_YEAR), 1.6)
        price = max(int(strike * math.exp(source.uniform(-spread, spread))), 1)
        cases.append((price, strike, tau, low, high))
    return cases


def turning_cases(seed: int, count: int) -> list[Case]:
    """Prices whose delta is least at a volatility strictly between the two: ln(F/K) = w^2 / 2."""
    source = random.Random(seed)
    cases = []
    for _, strike, tau, low, high in random_cases(seed, count):
        turning = source.uniform(low, high) / WAD * math.sqrt(tau / SECONDS_PER_YEAR)
        cases.append((int(strike * math.exp(turning**2 / 2)), strike, tau, low, high))
    return cases


def test_on_chain_delta__reference_grid__errs_less_than_claimed(chain: BenchmarkChain, harness: Address) -> None:
    options = grid()
    found = deltas_on_chain(chain, harness, [(*option, option[3]) for option in options])
    error = np.abs(found - call_deltas(options))
    assert error.max() < ERROR
    assert len(options) > 10_000


def test_on_chain_delta__random_options__err_less_than_claimed(chain: BenchmarkChain, harness: Address) -> None:
    cases = random_cases(seed=76, count=4_000)
    found = deltas_on_chain(chain, harness, cases)
    assert np.abs(found - call_deltas([case[:4] for case in cases])).max() < ERROR


def test_on_chain_delta__agents_delta__agree(chain: BenchmarkChain, harness: Address) -> None:
    options = [option for option in grid() if option[2] >= HOUR]
    found = deltas_on_chain(chain, harness, [(*option, option[3]) for option in options])
    price, strike, tau, iv = (np.array(column, dtype=float) for column in zip(*options, strict=True))
    agents = black76_delta(True, price / WAD, strike / WAD, tau / SECONDS_PER_YEAR, iv / WAD)
    assert np.abs(found - agents).max() < 1e-9


def test_on_chain_delta__last_second_and_expiry__follow_the_convention(chain: BenchmarkChain, harness: Address) -> None:
    strike = 2_500 * WAD
    cases = [
        (int(strike * m), strike, tau, IV_STEP * iv, WAD)
        for m in (0.99999, 1.0, 1.00001)
        for tau in (1, 0)
        for iv in (500, 30_000)
    ]
    found = deltas_on_chain(chain, harness, cases)
    alive = np.array([case[2] == 1 for case in cases])
    expected = call_deltas([case[:4] for case in cases if case[2] == 1])
    assert np.abs(found[alive] - expected).max() < ERROR
    assert np.all(found[~alive] == 0)
    assert np.any((expected > 0.1) & (expected < 0.9))


def test_ln_price__all_magnitudes__errs_less_than_two_units(chain: BenchmarkChain, harness: Address) -> None:
    source = random.Random(18)
    prices = [10**k for k in range(31)] + [source.randrange(1, 10 ** source.randrange(1, 31)) for _ in range(2_000)]
    (found,) = chain.call(harness, "lnPrices(uint256[])", prices, returns="(int256[])")
    errors = [abs(value - log_moneyness(price, WAD) * WAD) for value, price in zip(found, prices, strict=True)]
    assert max(errors) < 2


def test_delta_bounds__random_intervals__hold_and_are_tight(chain: BenchmarkChain, harness: Address) -> None:
    cases = random_cases(seed=1976, count=6_000)
    low, high = bounds_on_chain(chain, harness, cases)
    exact_low, exact_high = np.array([exact_bounds(case) for case in cases]).T
    assert np.all(low <= exact_low)
    assert np.all(high >= exact_high)
    assert (exact_low - low).max() < WIDENING + ERROR
    assert (high - exact_high).max() < WIDENING + ERROR


def test_delta_bounds__minimum_between_the_volatilities__is_found(chain: BenchmarkChain, harness: Address) -> None:
    """Where both ends have the larger delta, their minimum alone would not hold the deltas between."""
    cases = turning_cases(seed=1973, count=3_000)
    low, _ = bounds_on_chain(chain, harness, cases)
    at_ends = np.minimum(
        call_deltas([(f, k, tau, iv) for f, k, tau, iv, _ in cases]),
        call_deltas([(f, k, tau, iv) for f, k, tau, _, iv in cases]),
    )
    least = np.array([exact_bounds(case)[0] for case in cases])
    assert np.all(low <= least)
    assert np.all(least - low < WIDENING + ERROR)
    assert np.mean(least < at_ends - 1e-4) > 0.3


def test_delta_bounds__any_volatility_inside__has_its_delta_inside(chain: BenchmarkChain, harness: Address) -> None:
    source = random.Random(421)
    cases = random_cases(seed=2024, count=3_000)
    low, high = bounds_on_chain(chain, harness, cases)
    for _ in range(3):
        inside = call_deltas([(f, k, tau, source.randint(least, most)) for f, k, tau, least, most in cases])
        assert np.all((low <= inside) & (inside <= high))


def test_option_book__random_books__interval_holds_and_is_tight(chain: BenchmarkChain) -> None:
    source = random.Random(128)
    access = chain.deploy(ACCESS, "VaultAccess", "(address)", chain.account)
    for size in (1, 7, 128):
        book = chain.deploy(BOOK, "OptionBook", "(address)", access)
        start = chain.chain.head().timestamp
        legs = []
        for _ in range(size):
            low, high = sorted(source.randrange(500, 30_001) * IV_STEP for _ in range(2))
            expiry = start + source.choice([HOUR, DAY, 30 * DAY, 365 * DAY])
            quantity = source.randrange(-(10**12), 10**12) * 10**10
            legs.append((source.randrange(1_000, 9_000) * WAD // 2, expiry, source.random() < 0.5, quantity, low, high))
        chain.send(book, encode_call("addLegs((uint256,uint256,bool,int256,uint256,uint256)[])", legs))
        now = chain.chain.head().timestamp
        price = source.randrange(1_500, 3_500) * WAD
        found = chain.call(book, "deltaInterval(uint256)", price, returns="(int256,int256)")
        expected_low = expected_high = 0.0
        for strike, expiry, is_call, quantity, low, high in legs:
            ends = [delta - (not is_call) for delta in exact_bounds((price, strike, expiry - now, low, high))]
            contributions = sorted(quantity / WAD * delta for delta in ends)
            expected_low += contributions[0]
            expected_high += contributions[1]
        contracts = sum(abs(leg[3]) for leg in legs) / WAD
        slack = (WIDENING + ERROR) * contracts
        assert 0 <= expected_low - found[0] / WAD < slack
        assert 0 <= found[1] / WAD - expected_high < slack
