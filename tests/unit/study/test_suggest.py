"""Bounds that are suggested fit the book: they scale with it, hold its extremes, and hedge it when replayed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.backtest.gas_model import GasModel
from agent.backtest.pool_market import History
from agent.domain import Book, OptionType
from agent.errors import DataError
from agent.settings import load_settings
from agent.study.book_template import BookTemplate, OptionTemplate
from agent.study.bounds_needed import extremes
from agent.study.case import Case, Names, run
from agent.study.generated_weeks import generated_weeks
from agent.study.suggest import Line, round_up, suggest
from agent.study.suggestion_file import configuration_text
from agent.units import Seconds

START, SPOT_USD = Seconds(1_722_470_400), 3_200.0
WEEKS = [
    replace(week, times_unix=week.times_unix[:192], prices_usd=week.prices_usd[:192])
    for week in generated_weeks(SPOT_USD, START)[:2]
]
CALL, PUT = OptionType.CALL, OptionType.PUT


def template(*options, holding=0.0):
    return BookTemplate(tuple(OptionTemplate(*own) for own in options), holding)


CALLS = template((CALL, 1.0, 30.0, -100.0))


@pytest.fixture(scope="module")
def settings(repository):
    return load_settings(repository / "config" / "localnet.toml", {})


def cases(settings, book_template, gwei=20.0, deposit_usd=400_000.0):
    book = book_template.book(WEEKS[0], 0.6)
    return [
        Case(
            Names(week.source, "book", "p", "b"),
            week,
            book,
            settings,
            deposit_usd,
            History(np.full(len(week), gwei)),
            gas=GasModel(),
        )
        for week in WEEKS
    ]


def numbers(suggestion):
    return {line.key: line.value for line in suggestion.lines}


@pytest.fixture(scope="module")
def of_calls(settings):
    return suggest(cases(settings, CALLS), 0.95, 300)


def test_suggest__short_calls__hedge_as_wanted_without_a_breach(of_calls):
    assert of_calls.effectiveness is not None
    assert of_calls.effectiveness >= 0.95
    assert not of_calls.warnings
    for outcome in of_calls.outcomes:
        assert (outcome.breaches, outcome.steps_outside, outcome.error) == (0, 0, None)
        assert not outcome.refusals


def test_suggest__bands_that_are_cheaper__hedge_too_little(of_calls):
    band = numbers(of_calls)["band_underlying"]
    cost_usd, removed = of_calls.tried[band]
    assert removed >= 0.95
    assert max(of_calls.tried.values())[0] > 1.2 * cost_usd, "the bands differ"
    for other_cost_usd, other_removed in of_calls.tried.values():
        assert other_cost_usd >= cost_usd or other_removed < removed


def test_suggest__losses_allowed__are_kept_within(settings, of_calls):
    tight = suggest(cases(settings, CALLS), 0.95, 20)
    assert sum(numbers(tight)[key] for key in ("loss_capacity_bps", "loss_refill_bps_per_day")) <= 20
    assert "deposit $" in tight.warnings[0]
    assert sum(numbers(of_calls)[key] for key in ("loss_capacity_bps", "loss_refill_bps_per_day")) <= 300


@pytest.mark.parametrize("depth", [-0.3, 0.35])
def test_suggest__wick_of_one_look__leaves_the_loss_budget_its_way_back(settings, depth):
    """The generated one takes hours: sized by it alone, five rebalances ended outside the band, for six hours."""
    (case, _), life = cases(settings, CALLS), Seconds(2 * 86_400)
    wick = generated_weeks(SPOT_USD, START, life_seconds=life)[4]
    wick = replace(wick, times_unix=wick.times_unix[:192], prices_usd=wick.prices_usd[:192])
    found = suggest([replace(case, prices=wick)], 0.6, 300)
    sharp = WEEKS[0].prices_usd.copy()
    sharp[96] *= 1.0 + depth
    lived = run(replace(case, prices=replace(WEEKS[0], prices_usd=sharp), settings=found.settings))
    assert (lived.breaches, lived.steps_outside, dict(lived.refusals)) == (0, 0, {})


def test_suggest__book_and_deposit_a_tenth__sizes_are_a_tenth(settings, of_calls):
    tenth = suggest(cases(settings, template((CALL, 1.0, 30.0, -10.0)), gwei=2.0, deposit_usd=40_000.0), 0.95, 300)
    for key in ("max_size_delta_underlying", "max_gross_notional_usd"):
        assert numbers(tenth)[key] == pytest.approx(numbers(of_calls)[key] / 10.0, rel=0.06)
    assert numbers(tenth)["risk_aversion_per_usd"] == pytest.approx(
        10 * numbers(of_calls)["risk_aversion_per_usd"], rel=0.06
    )


def test_suggest__book_too_small_for_its_gas__says_so(settings):
    tiny = suggest(cases(settings, template((CALL, 1.0, 30.0, -0.5)), gwei=100.0), 0.95, 300)
    assert "hedge a larger book, or on a chain with cheaper gas" in tiny.warnings[-1]


def test_suggest__hedge_too_large_for_the_pool__goes_in_parts(settings):
    large = suggest(cases(settings, template((CALL, 1.0, 30.0, -500.0)), deposit_usd=2e6), 0.95, 300)
    (line,) = [line for line in large.lines if line.key == "max_size_delta_underlying"]
    assert line.value < 150.0
    assert "parts let it recover" in line.why


def test_suggest__nothing_to_hedge__is_refused(settings):
    (case, _) = cases(settings, CALLS)
    with pytest.raises(DataError, match="nothing to hedge"):
        suggest([replace(case, book=Book("ETH", ()))], 0.95, 300)


def test_extremes__straddle__is_its_larger_wing_and_its_uncertainty():
    book = template((CALL, 1.0, 30.0, -50.0), (PUT, 1.0, 30.0, -20.0)).book(WEEKS[0], 0.6)
    found = extremes(book, SPOT_USD, START)
    assert found.largest == pytest.approx(50.0, rel=1e-3)
    assert 0.0 < found.half_width < 5.0
    assert found.first_hedge < 30.0


@pytest.mark.parametrize(
    ("number", "expected"), [(0.0, 0.0), (7.01, 7.1), (7.0, 7.0), (1_234.0, 1_300.0), (0.00051, 0.00051)]
)
def test_round_up__two_digits__never_below(number, expected):
    assert round_up(number) == expected


def test_configuration_text__suggestion__is_a_whole_configuration(repository, tmp_path, of_calls):
    base = repository / "config" / "localnet.toml"
    path = tmp_path / "suggested.toml"
    path.write_text(configuration_text(base, of_calls.lines))
    read = load_settings(path, {})
    assert read.bounds == of_calls.settings.bounds
    assert read.policy == of_calls.settings.policy
    assert (read.decision, read.margin) == (of_calls.settings.decision, of_calls.settings.margin)
    assert read.costs == load_settings(base, {}).costs


def test_configuration_text__key_that_is_not_there__is_named(repository):
    with pytest.raises(DataError, match=r"has no \[bounds\] nonsense"):
        configuration_text(repository / "config" / "localnet.toml", [Line("bounds", "nonsense", 1.0, "")])


def test_suggest__far_from_every_strike__bounds_of_one_trade_and_a_sane_aversion(settings):
    far = suggest(cases(settings, template((CALL, 2.8, 10.0, -100.0))), 0.95, 300)
    found = numbers(far)
    assert all(outcome.rebalances == 0 for outcome in far.outcomes), "nothing moves"
    traded_usd = found["band_underlying"] * SPOT_USD
    for key in ("max_notional_usd", "turnover_capacity_usd", "turnover_refill_usd_per_day"):
        assert traded_usd <= found[key] < 5 * traded_usd, "there is room for a trade from the band's edge"
    assert found["risk_aversion_per_usd"] < 0.1, "weighed by what the book risks near its strike"


def test_suggest__book_whose_hedge_is_below_a_dollar__has_a_size(settings):
    """Half a coin of a cheap one: whole dollars were too coarse, and the margin move that is not worth its gas too."""
    cheap = [
        replace(case, prices=replace(case.prices, prices_usd=case.prices.prices_usd / 10_000.0))
        for case in cases(settings, template((CALL, 1.0, 30.0, -0.5)), gwei=1e-6, deposit_usd=1.0)
    ]
    book = template((CALL, 1.0, 30.0, -0.5)).book(cheap[0].prices, 0.6)
    found = suggest([replace(case, book=book) for case in cheap], 0.9, 300)
    assert 0.0 < numbers(found)["max_notional_usd"] < 1.0
    assert found.effectiveness is not None
    assert found.effectiveness >= 0.9
    assert all(outcome.rebalances > 0 for outcome in found.outcomes)


def test_suggest__gas_outweighs_the_book__wider_bands_are_tried_and_it_says_so(settings):
    tiny = suggest(cases(settings, template((CALL, 1.0, 30.0, -0.5)), gwei=100.0, deposit_usd=10_000.0), 0.95, 300)
    assert len(tiny.tried) > 6
    assert numbers(tiny)["band_underlying"] > 0.1
    assert tiny.warnings[-1].startswith("the hedge adds to the variance instead of removing 95.0% of it; ")
    assert "before gas it would be" in tiny.warnings[-1]


def test_suggest__quiet_replay_beside_a_stormy_one__says_what_it_comes_to_alone(settings):
    calm, _ = cases(settings, CALLS)
    book = template((CALL, 1.04, 1.0, -100.0), (PUT, 0.96, 1.0, -100.0)).book(calm.prices, 0.6)
    crash = generated_weeks(SPOT_USD, START, life_seconds=Seconds(86_400))[2]
    crash = replace(crash, times_unix=crash.times_unix[:96], prices_usd=crash.prices_usd[:96])
    quiet = replace(crash, prices_usd=calm.prices.prices_usd[:96], source="a calm day")
    short = [
        replace(
            calm,
            names=replace(calm.names, period=path.source),
            prices=path,
            book=book,
            history=History(np.full(96, 20.0)),
        )
        for path in (quiet, crash)
    ]
    found = suggest(short, 0.85, 300)
    assert found.effectiveness >= 0.85 > 0.7 > found.outcomes[0].effectiveness
    (told,) = [line for line in found.warnings if line.startswith("a calm day alone: the hedge")]
    assert "before gas" in told
    assert "a free hedge at every look" in told


def test_suggest__looks_too_far_apart__are_the_reason_given(settings):
    hours = [
        replace(week, times_unix=week.times_unix[::8], prices_usd=week.prices_usd[::8], interval_seconds=Seconds(7_200))
        for week in WEEKS
    ]
    book = template((CALL, 1.01, 0.5, -50.0), (PUT, 0.99, 0.5, -50.0)).book(hours[0], 0.6)
    short = [
        replace(case, prices=week, book=book, history=History(np.zeros(len(week))))
        for case, week in zip(cases(settings, CALLS), hours, strict=True)
    ]
    (warning,) = suggest(short, 0.95, 300).warnings[-1:]
    assert "a hedge at every look, free of charge, would remove" in warning
    assert "look more often" in warning
    assert "cheaper gas" not in warning, "gas is free"


def test_suggest__price_near_or_beyond_the_oracles_range__range_is_suggested(settings, of_calls):
    assert not [line for line in of_calls.lines if line.section == "oracle"], "3,200 lies well inside"
    low = [
        replace(case, prices=replace(case.prices, prices_usd=case.prices.prices_usd * 0.05))
        for case in cases(settings, CALLS)
    ]
    book = CALLS.book(low[0].prices, 0.6)
    found = suggest([replace(case, book=book) for case in low], 0.95, 300)
    assert numbers(found)["min_price_usd"] == 10.0
    assert "max_price_usd" not in numbers(found)
    assert float(found.settings.oracle.min_price_usd) == 10.0


@pytest.mark.parametrize("name", ["a crash in a day", "a rally in a day", "a wick"])
def test_generated_weeks__book_of_a_day__moves_while_it_lives(name):
    """A move that comes after the last expiry would size nothing, and be told as if it had."""
    weeks = {week.source: week for week in generated_weeks(SPOT_USD, START, life_seconds=Seconds(86_400))}
    moved = weeks[name].prices_usd[:96] / weeks["a calm week"].prices_usd[:96]
    assert np.abs(np.log(moved)).max() > 0.2
    later = {week.source: week for week in generated_weeks(SPOT_USD, START, life_seconds=Seconds(30 * 86_400))}
    usual = {week.source: week for week in generated_weeks(SPOT_USD, START)}
    assert later[name].prices_usd.tolist() == usual[name].prices_usd.tolist()


def test_generated_weeks__worst_day__falls_as_far_as_ether_has():
    """ETH fell by 43 % on 12 March 2020 and by as much to its low of 19 May 2021; budgets are sized by such a day."""
    crash = next(week for week in generated_weeks(SPOT_USD, START) if week.source == "a crash in a day")
    day = 86_400 // crash.interval_seconds
    worst = float((crash.prices_usd[day:] / crash.prices_usd[:-day]).min()) - 1.0
    assert -0.5 < worst < -0.36
