"""The mirror against the compiled rules on a real EVM: thousands of seeded random cases, most of them near a limit."""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter
from dataclasses import astuple, replace

import pytest
from eth_abi import decode, encode
from eth_utils import function_abi_to_4byte_selector

from agent.budgets import available, settled
from agent.domain import Bounds, Budget, Fill, Measurement, Track, Usage, VenueMeasurement
from agent.errors import RejectedError
from agent.guard import (
    UINT256_MAX,
    GuardError,
    evaluate,
    fill_notional,
    gross_notional,
    leverage,
    limit_price,
    venue_leverage,
    worst_net_delta,
)
from agent.localnet.anvil import AnvilProcess, AnvilSettings, free_port
from agent.localnet.rpc import JsonRpc
from agent.result_track import NO_HIGH
from agent.rounding import mul_div_down

pytestmark = pytest.mark.chain

CASES = 4_000
CASES_A_CALL = 200
WAD = 10**18
BPS = 10_000
NOW = 1_722_500_000
HARNESS = "tests/contracts/support/GuardRulesHarness.sol"
ADDRESS = "0x00000000000000000000000000000000000000dE"
INTERFACE = "contracts/interfaces/IRebalanceGuard.sol"
BUDGET_TYPE = "(uint96,uint96,uint32,uint32)"
USAGE_TYPE = f"({BUDGET_TYPE},{BUDGET_TYPE},(int128,int128,uint96,uint32,int128,int64[4]))"
BOUNDS_TYPE = f"({','.join(['uint128'] * 9 + ['uint64'] * 2 + ['uint16'] * 9 + ['uint32'])})"
VENUE_TYPE = "(bool,bool,uint256,uint256,uint256,int256,int256,uint256,int256,int256,int256,uint256)"
MEASUREMENT_TYPE = f"(uint256,bool,int256,int256,uint256,uint256,uint256,int256,{VENUE_TYPE}[])"
FILL_TYPE = "(uint256,int256,uint256,uint256,bool)"
CASE_TYPE = f"({BOUNDS_TYPE},{USAGE_TYPE},{MEASUREMENT_TYPE},{FILL_TYPE}[],{MEASUREMENT_TYPE},uint256)[]"
PERIOD = NOW // 28_800
TRACK = Track(0, 0, 0, 0, 0, (0, 0, 0, 0))


# --- the chain ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compiled(repository):
    """Runtime code of the harness and the guard's errors by selector, from the pinned compiler and its settings."""
    request = {
        "language": "Solidity",
        "sources": {
            path: {"content": (repository / path).read_text(encoding="utf-8")} for path in (HARNESS, INTERFACE)
        },
        "settings": {
            "evmVersion": "cancun",
            "optimizer": {"enabled": True, "runs": 200},
            "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
            "outputSelection": {"*": {"*": ["abi", "evm.deployedBytecode.object"]}},
        },
    }
    solc = next((repository / "build" / "toolchain").glob("solc-v*"))
    answer = json.loads(
        subprocess.run(
            [solc, "--standard-json"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            check=True,
            cwd=repository,
        ).stdout
    )
    failures = [error["formattedMessage"] for error in answer.get("errors", []) if error["severity"] == "error"]
    assert failures == []
    contracts = answer["contracts"]
    code = contracts[HARNESS]["GuardRulesHarness"]["evm"]["deployedBytecode"]["object"]
    errors = {
        function_abi_to_4byte_selector(entry): entry
        for entry in contracts[INTERFACE]["IRebalanceGuard"]["abi"]
        if entry["type"] == "error"
    }
    return "0x" + code, errors


@pytest.fixture(scope="module")
def chain(compiled, tmp_path_factory):
    code, _ = compiled
    log = tmp_path_factory.mktemp("anvil") / "anvil.log"
    port = free_port()
    process = AnvilProcess(AnvilSettings(port, NOW, 10**9, log, outlives_parent=False))
    rpc = JsonRpc(f"http://127.0.0.1:{port}")
    try:
        rpc.request("anvil_setCode", ADDRESS, code)
        yield rpc
    finally:
        rpc.close()
        process.stop()


def ask_chain(rpc, errors, cases):
    """Verdict of ``GuardRules`` on each case: the usage left behind, or the error's name with its arguments."""
    selector = function_abi_to_4byte_selector(
        {"type": "function", "name": "evaluateMany", "inputs": [{"type": "tuple[]", "components": CASE_COMPONENTS}]}
    )
    calls = []
    for start in range(0, len(cases), CASES_A_CALL):
        payload = selector + encode(
            [CASE_TYPE], [[tuple(map(plain, case)) for case in cases[start : start + CASES_A_CALL]]]
        )
        calls.append(("eth_call", [{"to": ADDRESS, "data": "0x" + payload.hex(), "gas": hex(10**9)}, "latest"]))
    verdicts = []
    for answer in rpc.batch(calls):
        (found,) = decode(["(bool,bytes)[]"], bytes.fromhex(answer[2:]))
        verdicts += [read_verdict(accepted, data, errors) for accepted, data in found]
    return verdicts


def components(type_text):
    """Spell a tuple type out as ABI components, names being of no matter for a selector."""
    parts, depth, start = [], 0, 0
    for index, sign in enumerate(type_text):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append(type_text[start:index])
            start = index + 1
    parts.append(type_text[start:])
    described = []
    for part in parts:
        if part.startswith("("):
            inner, _, suffix = part[1:].rpartition(")")
            described.append({"type": f"tuple{suffix}", "components": components(inner)})
        else:
            described.append({"type": part})
    return described


CASE_COMPONENTS = components(CASE_TYPE[1 : CASE_TYPE.rindex(")")])


def plain(argument):
    if isinstance(argument, tuple):
        return [astuple(item) for item in argument]
    return argument if isinstance(argument, int) else astuple(argument)


def read_verdict(accepted, data, errors):
    if accepted:
        return "accepted", decode([USAGE_TYPE], data)[0]
    entry = errors[data[:4]]
    values = decode([parameter["type"] for parameter in entry["inputs"]], data[4:])
    return entry["name"], dict(zip((parameter["name"] for parameter in entry["inputs"]), values, strict=True))


def ask_mirror(case):
    try:
        return "accepted", astuple(evaluate(*case))
    except RejectedError as rejection:
        return rejection.name, rejection.arguments


# --- the cases ----------------------------------------------------------------------------------------------------


def near(rng, limit):
    """A number at, just beside, or clearly off a limit."""
    return max(limit + rng.choice((-1, 0, 0, 0, 1, -limit // 3, limit // 2)), 0)


def usually_fine(rng, limit):
    """A bound that ``limit`` mostly meets, at times exactly or not by one."""
    return max(limit + rng.choice((0, 0, 1, -1, limit // 7, limit, limit, limit, limit)), 0)


def random_wad(rng, high):
    """A size of any magnitude up to ``high`` whole units, with an untidy tail."""
    return int(high * WAD * 10 ** rng.uniform(-3.0, 0.0)) + rng.randrange(1_000)


def random_measurement(rng, price, venues):
    low, nav = rng.choice((-1, 1)) * random_wad(rng, 100), random_wad(rng, 10**6) + WAD
    return Measurement(
        price=price,
        is_reduce_only=rng.random() < 0.05,
        book_delta_low=low,
        book_delta_high=low + random_wad(rng, 3),
        idle=random_wad(rng, 10**5),
        nav=nav,
        firm_nav=max(nav - rng.choice((0, 0, 1, nav // 3)), 0),
        net_flows=nav - rng.choice((-1, 1)) * random_wad(rng, 100),
        venues=venues,
    )


def random_venue(rng, price):
    size = rng.choice((-1, 1)) * random_wad(rng, 100)
    pending = rng.choice((0, 0, random_wad(rng, 3)))
    notional = fill_notional(abs(size) + pending, price)
    equity = notional * 10 // rng.randrange(5, 80) + rng.randrange(-1, 2)
    equity = rng.choice((equity, equity, equity, equity, equity, equity, 0, -1, 1, -equity))
    notional = rng.choice((notional, notional, notional, notional, 0))
    return VenueMeasurement(
        is_silent=rng.random() < 0.03,
        is_closing=rng.random() < 0.05,
        price=price,
        price_low=price - rng.choice((0, price // 200, 1)),
        price_high=price + rng.choice((0, price // 200, 1)),
        size_low=size - pending,
        size_high=size + pending,
        notional=notional,
        equity=equity + rng.randrange(100),
        equity_low=equity,
        equity_high=max(equity, 0) + rng.randrange(100, 200),
        cap=rng.choice((10**36,) * 9 + (max(equity, 0),)),
    )


def random_track(rng, before):
    """A track whose last period and high lie where they matter."""
    hedge = rng.choice((-1, 1)) * random_wad(rng, 100)
    then = max(before.price - rng.choice((-1, 0, 1)) * random_wad(rng, 50), 1)
    explained = rng.choice((-1, 1)) * random_wad(rng, 100)
    result = before.nav - before.net_flows - explained
    highs = [rng.choice((NO_HIGH, result // 10**16 + rng.randrange(-(10**4), 10**4))) for _ in range(4)]
    flows = (
        before.net_flows - before.nav + before.firm_nav + rng.choice((-1, 0, 1)) * random_wad(rng, before.nav // WAD)
    )
    return Track(hedge, explained, rng.choice((0, then, then)), PERIOD - rng.randrange(5), flows, tuple(highs))


def random_fill(rng, price, bounds_bps):
    """A fill priced around the slippage limit of its side."""
    size = rng.choice((-1, 1)) * random_wad(rng, 60)
    limit = limit_price(price, size, bounds_bps)
    executed = rng.choice((limit, limit, limit - (1 if size > 0 else -1), limit + (1 if size > 0 else -1), price))
    return Fill(0, rng.choice((size, size, size, size, 0)), executed, 0)


def random_case(rng):
    price = random_wad(rng, 5_000) + WAD
    slippage_bps, fee_bps = rng.choice((0, 1, 37, 150, 9_999)), rng.choice((0, 1, 10, 60))
    venues = tuple(random_venue(rng, price) for _ in range(rng.randrange(1, 4)))
    before = random_measurement(rng, price, venues)
    after = random_measurement(rng, price, tuple(random_after(rng, price, venue) for venue in venues))
    after = replace(after, nav=max(before.nav - rng.choice((0, 1, random_wad(rng, 100))), 0))
    after = replace(after, firm_nav=min(after.firm_nav, after.nav) if rng.random() < 0.2 else after.nav)
    fills = tuple(random_fill(rng, price, slippage_bps) for _ in range(rng.choice((0, 1, 1, 1, 2))))
    fills = tuple(with_fee(rng, fill, fee_bps) for fill in fills)
    if fills and rng.random() < 0.3:
        fills, before, after = as_order(rng, fills, before, after)
    if rng.random() < 0.03:
        before, after = replace(before, price=0), replace(after, price=0)
    notional = sum(fill_notional(fill.size_delta, fill.execution_price) for fill in fills)
    bounds = tight_bounds(rng, before, after, fills, notional)
    bounds = replace(bounds, max_slippage_bps=slippage_bps, max_fee_bps=fee_bps)
    elapsed = rng.choice((0, 1, 599, 600, 601, 86_400, 10**7))
    budget = Budget(near(rng, notional), near(rng, WAD // 100), NOW - elapsed, rng.choice((0, NOW - elapsed)))
    own = replace(budget, turnover_used=near(rng, notional), loss_used=near(rng, WAD // 100))
    bounds = replace(bounds, cooldown_seconds=rng.choice((0, elapsed, elapsed + 1, max(elapsed - 1, 0))) % 10**6)
    if rng.random() < 0.5:
        return (without_new_limits(bounds), Usage(budget, budget, TRACK), calm(before), fills, calm(after), NOW)
    return bounds, Usage(budget, own, random_track(rng, before)), before, fills, after, NOW


def as_order(rng, fills, before, after):
    """The same where the first fill is yet to come: mostly on a venue without another order, and shown whole."""
    order = replace(fills[0], is_pending=True)
    old, seen = before.venues[0], after.venues[0]
    if rng.random() < 0.9:
        old = replace(old, size_high=old.size_low, notional=fill_notional(old.size_low, old.price))
    low, high = (old.size_low + bound(order.size_delta, 0) for bound in (min, max))
    if rng.random() < 0.15:
        low, high = low + rng.randrange(2), high - rng.randrange(2)
    equity = old.equity + rng.choice((0, 0, 0, WAD, -WAD))
    equity_low = min(old.equity_low, equity) - rng.choice((0, order.fee, old.notional // 100))
    notional = fill_notional(max(abs(low), abs(high)), old.price)
    waiting = replace(old, size_low=low, size_high=high, notional=notional, equity=equity, equity_low=equity_low)
    waiting = replace(waiting, is_silent=seen.is_silent)
    after = replace(after, venues=(waiting, *after.venues[1:]))
    return (order, *fills[1:]), replace(before, venues=(old, *before.venues[1:])), after


def calm(measurement):
    """The same where no mode, cap or silence stands in the way."""
    venues = tuple(replace(venue, is_closing=False, cap=10**36) for venue in measurement.venues)
    return replace(measurement, is_reduce_only=False, venues=venues)


def without_new_limits(bounds):
    """Bounds that leave sizes, prices, turnover, delta and leverage to decide."""
    return replace(
        bounds,
        min_notional=0,
        loss_capacity_bps=9_999,
        max_drawdown_bps=9_999,
        idle_floor_bps=0,
        urgent_reserve_bps=0,
        keeper_share_bps=BPS,
    )


def random_after(rng, price, before):
    """Mostly an account of its own; at times what was there, cut or as it was, which some rules are about."""
    draw = rng.random()
    if draw < 0.6:
        return random_venue(rng, price)
    if draw < 0.7:
        return before
    kept = rng.choice((0, 1, 3, 8))
    cut = {name: getattr(before, name) * kept // 10 for name in ("size_low", "size_high")}
    return replace(before, **cut, notional=before.notional * kept // 10)


def with_fee(rng, fill, fee_bps):
    fee = mul_div_down(fill_notional(fill.size_delta, fill.execution_price), fee_bps, BPS)
    return replace(fill, fee=max(fee + rng.choice((0, 0, 0, -1, 1)), 0))


def tight_bounds(rng, before, after, fills, notional):
    """Bounds that the case mostly meets, often exactly, sometimes not by one unit."""
    worst_before, worst_after = worst_net_delta(before), worst_net_delta(after)
    finite = [ratio for ratio in map(venue_leverage, after.venues) if ratio < UINT256_MAX]
    total = leverage(gross_notional(after), min(before.firm_nav, after.firm_nav))
    loss = max(before.nav - after.nav, 0)
    loss_bps = -(-loss * BPS // before.nav)
    return Bounds(
        band=usually_fine(rng, worst_after),
        min_improvement=rng.choice((0, 1, max(worst_before - worst_after, 0), max(worst_before - worst_after, 0) + 1)),
        urgent_delta=near(rng, worst_before),
        max_size_delta=usually_fine(rng, max((abs(fill.size_delta) for fill in fills), default=0)),
        min_notional=rng.choice((0, 0, 0, notional, notional + 1)),
        max_notional=usually_fine(rng, notional),
        max_gross_notional=max(gross_notional(after) + rng.choice((0, 0, 1, WAD, -1, -1)), 0),
        turnover_capacity=usually_fine(rng, notional) * rng.choice((1, 3)),
        turnover_refill_per_day=rng.choice((0, 1, notional, notional * 100)),
        max_venue_leverage=min(usually_fine(rng, max(finite, default=WAD)), 2**64 - 1),
        max_leverage=min(usually_fine(rng, min(total, 2**63)), 2**64 - 1),
        max_slippage_bps=0,
        max_fee_bps=0,
        max_nav_loss_bps=min(max(loss_bps + rng.choice((0, 0, 0, -1, 1)), 0), BPS),
        loss_capacity_bps=rng.choice((loss_bps, loss_bps + 1, loss_bps * 2 + 20, 5_000)) % BPS,
        loss_refill_bps_per_day=rng.choice((0, 1, 100)),
        max_drawdown_bps=rng.choice((0, 1, 1_000, 9_999, 9_999, 9_999)),
        idle_floor_bps=rng.choice((0, 0, 500, 5_000)),
        urgent_reserve_bps=rng.choice((0, 0, 2_500, 9_000)),
        keeper_share_bps=rng.choice((BPS, BPS, 6_667, 1)),
        cooldown_seconds=0,
    )


# --- the tests ----------------------------------------------------------------------------------------------------


def test_evaluate__thousands_of_random_cases__mirror_and_chain_agree(chain, compiled):
    rng = random.Random(20_240_805)
    cases = [random_case(rng) for _ in range(CASES)]
    from_chain = ask_chain(chain, compiled[1], cases)
    from_mirror = [ask_mirror(case) for case in cases]
    differing = [index for index in range(CASES) if from_chain[index] != from_mirror[index]]
    assert differing == [], f"case {cases[differing[0]]}: {from_chain[differing[0]]} != {from_mirror[differing[0]]}"
    outcomes = Counter(name for name, _ in from_chain)
    assert set(outcomes) == {"accepted", *GuardError}, outcomes
    assert min(outcomes.values()) >= 20, outcomes
    orders = [
        any(fill.is_pending for fill in case[3]) and verdict[0] for case, verdict in zip(cases, from_chain, strict=True)
    ]
    assert orders.count("accepted") >= 20
    assert sum(not case[3] and verdict[0] == "accepted" for case, verdict in zip(cases, from_chain, strict=True)) >= 20


def test_evaluate__one_unit_off__is_told_from_the_limit_on_both_sides(chain, compiled):
    """Tighten one bound of accepted cases to what was used: still accepted; by one unit more: both refuse alike."""
    rng = random.Random(7)
    accepted = [
        case
        for case in (random_case(rng) for _ in range(6_000))
        if case[3] and not any(fill.is_pending for fill in case[3]) and ask_mirror(case)[0] == "accepted"
    ]
    pairs = [pair for case in accepted for pair in at_and_beyond(case)]
    answers = ask_chain(chain, compiled[1], [case for pair in pairs for case in pair])
    for index, (at, beyond) in enumerate(pairs):
        assert answers[2 * index] == ask_mirror(at)
        assert answers[2 * index][0] == "accepted"
        assert answers[2 * index + 1] == ask_mirror(beyond)
        assert answers[2 * index + 1][0] != "accepted"
    assert len(pairs) >= 500


def at_and_beyond(case):
    bounds, usage, before, fills, after, timestamp = case
    firm_nav = min(before.firm_nav, after.firm_nav)
    notional = sum(fill_notional(fill.size_delta, fill.execution_price) for fill in fills)
    used = {"max_size_delta": max(abs(fill.size_delta) for fill in fills), "max_notional": notional}
    if gross_notional(after) > gross_notional(before):
        used["max_gross_notional"] = gross_notional(after)
        used["max_leverage"] = leverage(gross_notional(after), firm_nav)
    for old, new in zip(before.venues, after.venues, strict=True):
        ratio = venue_leverage(new)
        if ratio == max(map(venue_leverage, after.venues)) and ratio > venue_leverage(old):
            used["max_venue_leverage"] = ratio
    is_urgent = worst_net_delta(before) >= bounds.urgent_delta
    left = available(bounds, usage, firm_nav, timestamp, is_urgent=is_urgent)
    unshared = replace(bounds, keeper_share_bps=BPS, urgent_reserve_bps=0)
    takes_turnover = evaluate(*case).all.turnover_used > settled(bounds, usage.all, BPS, timestamp)[0]
    if takes_turnover and available(unshared, usage, firm_nav, timestamp, is_urgent=True) == left:
        spent = bounds.turnover_capacity - left.turnover
        used["turnover_capacity"] = spent + notional
    for name, number in used.items():
        if number > 0:
            yield tuple((replace(bounds, **{name: limit}), *case[1:]) for limit in (number, number - 1))
