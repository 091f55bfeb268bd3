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

from agent.domain import Bounds, Budget, Fill, Measurement, VenueMeasurement
from agent.errors import RejectedError
from agent.guard import (
    UINT256_MAX,
    evaluate,
    fill_notional,
    leverage,
    limit_price,
    mul_div_down,
    turnover_available,
    worst_net_delta,
)
from agent.localnet.anvil import AnvilProcess, AnvilSettings
from agent.localnet.rpc import JsonRpc

pytestmark = pytest.mark.chain

PORT = 18_640
CASES = 4_000
CASES_A_CALL = 200
WAD = 10**18
BPS = 10_000
NOW = 1_722_500_000
HARNESS = "tests/contracts/support/GuardRulesHarness.sol"
ADDRESS = "0x00000000000000000000000000000000000000dE"
INTERFACE = "contracts/interfaces/IRebalanceGuard.sol"
CASE_TYPE = (
    "((uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256),"
    "(uint256,uint256,uint256),"
    "(uint256,int256,int256,uint256,uint256,(int256,int256,uint256,int256,int256)[]),"
    "(uint256,int256,uint256,uint256)[],"
    "(uint256,int256,int256,uint256,uint256,(int256,int256,uint256,int256,int256)[]),uint256)[]"
)


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
            "optimizer": {"enabled": True, "runs": 10_000},
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
    process = AnvilProcess(AnvilSettings(PORT, NOW, 10**9, log, outlives_parent=False))
    rpc = JsonRpc(f"http://127.0.0.1:{PORT}")
    try:
        rpc.request("anvil_setCode", ADDRESS, code)
        yield rpc
    finally:
        rpc.close()
        process.stop()


def ask_chain(rpc, errors, cases):
    """Verdict of ``GuardRules`` on each case: the new budget, or the error's name with its arguments."""
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
        return "accepted", decode(["uint256", "uint256", "uint256"], data)
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
    low = rng.choice((-1, 1)) * random_wad(rng, 100)
    return Measurement(price, low, low + random_wad(rng, 3), random_wad(rng, 10**6), random_wad(rng, 10**6), venues)


def random_venue(rng, price):
    size = rng.choice((-1, 1)) * random_wad(rng, 100)
    pending = rng.choice((0, 0, random_wad(rng, 3)))
    notional = fill_notional(abs(size) + pending, price)
    equity = notional * 10 // rng.randrange(5, 80) + rng.randrange(-1, 2)
    equity = rng.choice((equity, equity, equity, equity, equity, equity, 0, -1, 1, -equity))
    notional = rng.choice((notional, notional, notional, notional, 0))
    return VenueMeasurement(size - pending, size + pending, notional, equity, max(equity, 0) + rng.randrange(100))


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
    after = replace(random_measurement(rng, price, tuple(random_venue(rng, price) for _ in venues)))
    fills = tuple(random_fill(rng, price, slippage_bps) for _ in range(rng.choice((0, 1, 1, 1, 2))))
    fills = tuple(with_fee(rng, fill, fee_bps) for fill in fills)
    notional = sum(fill_notional(fill.size_delta, fill.execution_price) for fill in fills)
    bounds = tight_bounds(rng, before, after, fills, notional)
    bounds = replace(bounds, max_slippage_bps=slippage_bps, max_fee_bps=fee_bps)
    elapsed = rng.choice((0, 1, 599, 600, 601, 86_400, 10**7))
    last_trade_at = rng.choice((0, NOW - elapsed))
    budget = Budget(near(rng, notional), NOW - elapsed, last_trade_at)
    bounds = replace(bounds, cooldown_seconds=rng.choice((0, elapsed, elapsed + 1, max(elapsed - 1, 0))))
    return bounds, budget, before, fills, after, NOW


def with_fee(rng, fill, fee_bps):
    fee = mul_div_down(fill_notional(fill.size_delta, fill.execution_price), fee_bps, BPS)
    return replace(fill, fee=max(fee + rng.choice((0, 0, 0, -1, 1)), 0))


def tight_bounds(rng, before, after, fills, notional):
    """Bounds that the case mostly meets, often exactly, sometimes not by one unit."""
    worst_before, worst_after = worst_net_delta(before), worst_net_delta(after)
    ratios = [leverage(venue.notional, venue.equity_low) for venue in after.venues]
    finite = [ratio for ratio in ratios if ratio < UINT256_MAX]
    total = leverage(sum(venue.notional for venue in after.venues), after.nav_low)
    loss = max(before.nav_low - after.nav_low, 0)
    loss_bps = -(-loss * BPS // before.nav_low)
    return Bounds(
        band=usually_fine(rng, worst_after),
        min_improvement=rng.choice((0, 1, max(worst_before - worst_after, 0), max(worst_before - worst_after, 0) + 1)),
        urgent_delta=near(rng, worst_before),
        max_size_delta=usually_fine(rng, max((abs(fill.size_delta) for fill in fills), default=0)),
        max_notional=usually_fine(rng, notional),
        turnover_capacity=usually_fine(rng, notional),
        turnover_refill_per_day=rng.choice((0, 1, notional, notional * 86_400)),
        max_venue_leverage=usually_fine(rng, max(finite, default=WAD)),
        max_leverage=usually_fine(rng, total),
        max_slippage_bps=0,
        max_fee_bps=0,
        max_nav_loss_bps=max(loss_bps + rng.choice((0, 0, 0, -1, 1)), 0),
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
    assert len(outcomes) == 11, outcomes
    assert min(outcomes.values()) >= 20, outcomes
    assert sum(not case[3] and verdict[0] == "accepted" for case, verdict in zip(cases, from_chain, strict=True)) >= 20


def test_evaluate__one_unit_off__is_told_from_the_limit_on_both_sides(chain, compiled):
    """Tighten one bound of accepted cases to what was used: still accepted; by one unit more: both refuse alike."""
    rng = random.Random(7)
    accepted = [
        case for case in (random_case(rng) for _ in range(2_000)) if ask_mirror(case)[0] == "accepted" and case[3]
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
    bounds, budget, _, fills, after, timestamp = case
    notional = sum(fill_notional(fill.size_delta, fill.execution_price) for fill in fills)
    total = leverage(sum(venue.notional for venue in after.venues), after.nav_low)
    used = {
        "max_size_delta": max(abs(fill.size_delta) for fill in fills),
        "max_notional": notional,
        "max_leverage": total,
        "max_venue_leverage": max(leverage(venue.notional, venue.equity_low) for venue in after.venues),
    }
    if turnover_available(bounds, budget, timestamp) == bounds.turnover_capacity:
        used["turnover_capacity"] = notional
    for name, number in used.items():
        if number > 0:
            yield tuple((replace(bounds, **{name: limit}), *case[1:]) for limit in (number, number - 1))
