"""A study is read whole, or refused in one line that names the place."""

from __future__ import annotations

import pytest

from agent.errors import DataError, PreflightError
from agent.study.cases import cases_of
from agent.study.study_file import read_study
from agent.units import from_wad
from tests.support.study_builders import STUDY, write_study


@pytest.fixture
def config(repository):
    return repository / "config" / "localnet.toml"


def test_cases_of__two_of_each__every_combination_in_order(tmp_path, config):
    cases = cases_of(read_study(write_study(tmp_path, config)), tmp_path)
    assert [(case.names.period, case.names.bounds, case.names.policy) for case in cases] == [
        (period, bounds, f"fixed_threshold threshold_underlying={threshold}")
        for period in ("first", "second")
        for bounds in ("shipped", "wide")
        for threshold in (2, 4)
    ]
    assert len({case.key for case in cases}) == len(cases)
    assert [from_wad(case.settings.bounds.to_bounds().band) for case in cases[2:4]] == [8.0, 8.0]
    assert cases[0].history.base_fees_gwei[0] == 20.0
    assert set(cases[-1].history.base_fees_gwei) == {2.0}


def test_cases_of__book_that_begins_anew__is_struck_at_each_periods_first_price(tmp_path, config):
    cases = cases_of(read_study(write_study(tmp_path, config)), tmp_path)
    for case in (cases[0], cases[-1]):
        (leg,) = case.book.options
        assert leg.strike_usd == pytest.approx(float(case.prices.prices_usd[0]), abs=25.0)
        assert leg.expiry_unix - case.prices.start_unix == 30 * 86_400
        assert (leg.iv_low_annual, leg.iv_annual, leg.iv_high_annual) == (0.55, 0.6, 0.65)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("threshold_underlying = [2.0, 4.0]", "thresold = 2.0", "policy 1: policy fixed_threshold takes"),
        ('name = "fixed_threshold"', 'name = "best"', "policy 'best' is unknown"),
        ('name = "wide"', 'name = "shipped"', "two [[bounds]] are named 'shipped'"),
        ("held_back = 1", "held_back = 2", "walk_forward needs 3 periods, and there are 2"),
        ("strike_ratio = 1.0", "strike_ratio = -1.0", "book 1 option 1 strike_ratio: Input should be greater than 0"),
        ("seed = 3", "sed = 3", "sed: unknown key"),
        ('prices = "prices.parquet"', "", "period 1: give either a seed, or prices with from and to"),
        ('prices = "prices.parquet"', "seed = 4", "period 1: give either a seed, or prices with from and to"),
        ("base_fee_gwei = 2", 'base_fee_gwei = 2\ngas = "gas.parquet"', "period 2: give either gas or base_fee_gwei"),
        ("[[book.option]]", 'path = "book.toml"\n[[book.option]]', "give either a path or positions"),
    ],
)
def test_read_study__slip__is_named_with_its_place(tmp_path, config, old, new, words):
    path = write_study(tmp_path, config, STUDY.replace(old, new, 1))
    with pytest.raises(DataError) as caught:
        read_study(path)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("band_underlying = 8", "band = 8", "[[bounds]] 'wide': [bounds] band: Extra inputs"),
        ("band_underlying = 8", "band_underlying = 40", "[[bounds]] 'wide'"),
        ('to = "2024-08-02"', 'to = "2024-08-09"', "spans"),
        ('from = "2024-08-01"', 'from = "August"', "August"),
        ("base_fee_gwei = 2", 'funding = "none.parquet"', "none.parquet"),
    ],
)
def test_cases_of__what_cannot_be__is_refused_before_anything_runs(tmp_path, config, old, new, words):
    path = write_study(tmp_path, config, STUDY.replace(old, new, 1))
    with pytest.raises((DataError, PreflightError)) as caught:
        cases_of(read_study(path), tmp_path)
    assert words in str(caught.value)


def test_cases_of__gas_at_the_price_of_another_coin__is_refused(tmp_path, config):
    """Where it was not, a book of BTC paid for gas in BTC."""
    (tmp_path / "book.toml").write_text('[book]\nunderlying = "BTC"\n[[holding]]\nquantity = 1\n')
    start, end = STUDY.index("[[book.option]]"), STUDY.index("[[policy]]")
    path = write_study(tmp_path, config, STUDY[:start] + 'path = "book.toml"\n' + STUDY[end:])
    with pytest.raises(PreflightError, match="prices gas in BTC, but chain 31337 is paid in ETH"):
        cases_of(read_study(path), tmp_path)


def test_key__whatever_the_outcome_depends_on__changes_it(tmp_path, config):
    first = cases_of(read_study(write_study(tmp_path, config)), tmp_path)[0]
    dearer = STUDY.replace('to = "2024-08-02"', 'to = "2024-08-02"\nbase_fee_gwei = 21', 1)
    other_gas = cases_of(read_study(write_study(tmp_path, config, dearer)), tmp_path)[0]
    other_iv = cases_of(read_study(write_study(tmp_path, config, STUDY.replace("0.6\n", "0.7\n"))), tmp_path)[0]
    again = cases_of(read_study(write_study(tmp_path, config)), tmp_path)[0]
    assert again.key == first.key
    assert len({first.key, other_gas.key, other_iv.key}) == 3


TWO_DAYS = """[[period]]
name = "other"
prices = "prices.parquet"
from = "2024-08-01T{start}:00:00Z"
to = "2024-08-01T{end}:00:00Z"

[[period]]"""


@pytest.mark.parametrize(("start", "end"), [("10", "20"), ("00", "13")])
def test_cases_of__walk_forward_over_periods_that_overlap_or_go_back__is_refused(tmp_path, config, start, end):
    """A setting held against its own past's future, or against the very days that chose it, is a fit."""
    study = STUDY.replace('from = "2024-08-01"', 'from = "2024-08-01T12:00:00Z"')
    other = TWO_DAYS.format(start=start, end=end)
    path = write_study(tmp_path, config, study.replace("[[period]]", other, 1))
    with pytest.raises(DataError, match="'first' begins at 2024-08-01T12:00:00Z, and 'other' before it goes on"):
        cases_of(read_study(path), tmp_path)
    apart = path.read_text(encoding="utf-8").replace(f"T{end}:00:00Z", "T12:00:00Z").replace(f"T{start}:", "T02:")
    path.write_text(apart, encoding="utf-8")
    assert len({case.names.period for case in cases_of(read_study(path), tmp_path)}) == 3


def test_cases_of__walk_forward_over_one_seed_twice__is_refused(tmp_path, config):
    seeded = "".join(f'[[period]]\nname = "{name}"\nseed = 4\n' for name in ("one", "again"))
    path = write_study(tmp_path, config, STUDY.replace("[[book]]", f"{seeded}[[book]]", 1))
    with pytest.raises(DataError, match="periods 'one' and 'again' are both of seed 4; put periods in the order"):
        cases_of(read_study(path), tmp_path)
