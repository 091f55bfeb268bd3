"""The short forms of the long runs: some hundred blocks of the soak, some due hedges under faults, and their judges."""

from __future__ import annotations

import random

import pytest

from tests.soak.event_ledger import FUNDING_UPDATED, POSITION_CHANGED, TRANSFER, WAD, EventLedger, Places
from tests.soak.liveness import WITHIN_BLOCKS, measure
from tests.soak.measures import fit, wilson
from tests.soak.soak import Soak, Tally, failures, soak_world

SHORT_BLOCKS = 400
SHORT_DUE = 4
PLACES = Places(*("0x" + digit * 40 for digit in "1234567"))


def word(value: int) -> str:
    return f"{value % 2**256:064x}"


def log(emitter: str, topics: list[str], *values: int, block: int = 1) -> dict[str, object]:
    data = "0x" + "".join(word(value) for value in values)
    return {"address": emitter, "topics": topics, "data": data, "blockNumber": hex(block)}


def of(address: str) -> str:
    return "0x" + word(int(address, 16))


@pytest.mark.chain
def test_soak__some_hundred_blocks__books_agree_and_nothing_is_left_open(tmp_path):
    with soak_world(tmp_path, SHORT_BLOCKS) as (world, expiries):
        tally = Soak(world, expiries, SHORT_BLOCKS, seed=7).run()
    assert failures(tally) == []
    assert tally.blocks >= SHORT_BLOCKS
    assert tally.chain_hedges >= 2
    assert tally.restarts >= 1
    assert tally.share_prices_compared >= SHORT_BLOCKS // 100


@pytest.mark.chain
def test_liveness__thirty_percent_of_requests_fail__due_hedges_land(keeper_chain):
    total = measure(keeper_chain, SHORT_DUE, seed=3)
    assert total.due == SHORT_DUE
    assert total.within == SHORT_DUE, total.late_reasons
    assert max(total.blocks_late) <= WITHIN_BLOCKS


def test_event_ledger__trade_and_funding__are_worth_what_the_venue_says():
    books = EventLedger(PLACES)
    unix = {1: 1_000, 2: 1_000 + 43_200}
    books.take([log(PLACES.asset, [TRANSFER, of(PLACES.feed), of(PLACES.vault)], 1_000 * 10**6)], unix)
    trade = [POSITION_CHANGED, of(PLACES.account), of(PLACES.feed)]
    books.take([log(PLACES.clearing_house, trade, 2 * WAD, -200 * WAD, WAD)], unix)
    books.price = 110 * WAD
    assert books.nav == (1_000 - 200 - 1 + 220) * WAD
    for block in (1, 2):
        books.take([log(PLACES.exchange, [FUNDING_UPDATED, of(PLACES.feed)], 102 * WAD, 100 * WAD, block=block)], unix)
    assert books.funding_owed == 2 * WAD  # 2 a unit and day, on two units, for half a day
    assert books.nav == 1_017 * WAD


def test_event_ledger__another_traders_position__is_not_ours():
    books = EventLedger(PLACES)
    strange = [POSITION_CHANGED, of(PLACES.feed), of(PLACES.feed)]
    books.take([log(PLACES.clearing_house, strange, 2 * WAD, -200 * WAD, WAD)], {1: 1_000})
    assert (books.size, books.nav) == (0, 0)


@pytest.mark.parametrize(("successes", "trials", "low"), [(3_000, 3_000, 0.99872), (0, 0, 0.0), (50, 100, 0.4038)])
def test_wilson__known_cases__has_the_textbooks_lower_end(successes, trials, low):
    assert wilson(successes, trials)[0] == pytest.approx(low, abs=1e-4)


def test_fit__line_with_leaning_noise__error_holds_the_true_slope():
    draw, noise, ys = random.Random(1), 0.0, []
    for x in range(400):
        noise = 0.8 * noise + draw.gauss(0.0, 1.0)
        ys.append(0.05 * x + noise)
    line = fit(range(400), ys)
    assert abs(line.slope - 0.05) < 3 * line.error
    assert not line.is_flat
    assert fit(range(400), [y - 0.05 * x for x, y in enumerate(ys)]).is_flat


def test_failures__hedge_twice_or_price_off__are_told():
    wrong = failures(Tally(expiries=3, doubles=1, share_price_error_bps=1.5))
    assert wrong == ["share price 1.5 bp off", "1 hedges twice or unknown"]
