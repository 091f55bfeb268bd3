"""``evenkeel greeks`` adds up what its positions are worth, in units that are named."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from agent.cli import greeks
from agent.cli.greeks import position_greeks
from agent.domain import Book, HoldingLeg, OptionLeg, OptionType
from agent.errors import DataError
from agent.feeds.market_file import Market

NOW_UNIX = 1_722_470_400
MARKET = Market(3232.74, NOW_UNIX, 0.0)


@pytest.fixture
def app():
    app = typer.Typer(add_completion=False)
    app.command()(greeks.greeks)
    return app


def run(app, *arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", ["book.toml", "book.csv"])
def test_greeks__json__total_is_the_sum_of_the_positions(app, repository, name):
    examples = repository / "examples"
    result = run(app, examples / name, "--market", examples / "market.toml", "--json")
    assert result.exit_code == 0
    parsed = json.loads(result.stdout)
    assert parsed["market"] == {"spot_usd": 3232.74, "now_unix": NOW_UNIX, "rate_annual": 0.0}
    assert [position["quantity"] for position in parsed["positions"]] == [-60, -25, 12.5]
    for figure, total in parsed["total"].items():
        assert total == pytest.approx(sum(position[figure] for position in parsed["positions"]))
    assert parsed["positions"][2]["value_usd"] == 12.5 * 3232.74
    assert parsed["positions"][2]["delta_underlying"] == 12.5


def test_greeks__table__names_units_and_cuts_no_figure(app, repository):
    examples = repository / "examples"
    result = run(app, examples / "book.toml", "--market", examples / "market.toml")
    assert result.exit_code == 0
    for words in ("vol point", "rate point", "per USD", "USD per", "August 2,900 puts", "Total", "ETH at $3,232.74"):
        assert words in result.stdout
    assert "…" not in result.stdout


def test_position_greeks__units__agree_with_bumped_values():
    expiry_unix = NOW_UNIX + 30 * 86_400
    leg = OptionLeg(OptionType.PUT, 3000.0, expiry_unix, -10.0, 0.6, 0.55, 0.65, "put")

    def value(spot_usd=3232.74, now_unix=NOW_UNIX, rate_annual=0.02, vol_annual=0.6):
        bumped = OptionLeg(OptionType.PUT, 3000.0, expiry_unix, -10.0, vol_annual, 0.5, 0.7, "put")
        ((_, _, figures),) = position_greeks(Book("ETH", (bumped,)), Market(spot_usd, now_unix, rate_annual))
        return figures.value_usd

    ((_, _, figures),) = position_greeks(Book("ETH", (leg,)), Market(3232.74, NOW_UNIX, 0.02))
    assert figures.delta_underlying == pytest.approx((value(3233.74) - value(3231.74)) / 2, rel=1e-5)
    gamma = value(3242.74) - 2 * value() + value(3222.74)
    assert figures.gamma_underlying_per_usd == pytest.approx(gamma / 100, rel=1e-3)
    assert figures.vega_usd_per_vol_point == pytest.approx(
        (value(vol_annual=0.605) - value(vol_annual=0.595)), rel=1e-4
    )
    later, earlier = value(now_unix=NOW_UNIX + 3600), value(now_unix=NOW_UNIX - 3600)
    assert figures.theta_usd_per_day == pytest.approx(12 * (later - earlier), rel=1e-4)
    assert figures.rho_usd_per_rate_point == pytest.approx(
        value(rate_annual=0.025) - value(rate_annual=0.015), rel=1e-4
    )


def test_position_greeks__holdings_alone__no_options_needed():
    ((label, quantity, figures),) = position_greeks(Book("ETH", (), (HoldingLeg(-2.0, "short"),)), MARKET)
    assert (label, quantity) == ("short", -2.0)
    assert (figures.value_usd, figures.delta_underlying, figures.vega_usd_per_vol_point) == (-6465.48, -2.0, 0.0)


def test_greeks__expired_as_of_the_market__refused(app, repository, tmp_path):
    market = tmp_path / "market.toml"
    market.write_text('spot_usd = 3000\nnow = "2024-09-01"\n')
    result = run(app, repository / "examples" / "book.toml", "--market", market)
    assert isinstance(result.exception, DataError)
    assert "remove the expired leg" in str(result.exception)
