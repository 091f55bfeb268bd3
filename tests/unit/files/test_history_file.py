"""Gas and funding beside a price path: the last known number at each instant, and a line for what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from agent.errors import DataError
from agent.files.history_file import load_funding_per_day, load_gas_gwei

START = datetime(2024, 8, 1, tzinfo=UTC)
AT = np.array([int(START.timestamp()) + hours * 3_600 for hours in (0, 1, 9)], dtype=np.int64)


def stamps(*hours):
    return [START + timedelta(hours=hour) for hour in hours]


def gas_file(tmp_path, hours=(0, 1, 8), gwei=(20.0, 30.0, 40.0), name="gas.parquet"):
    path = tmp_path / name
    table = pl.DataFrame({"ts": stamps(*hours), "gas_price_gwei": list(gwei)})
    if name.endswith(".csv"):
        table.write_csv(path)
    else:
        table.write_parquet(path)
    return path


@pytest.mark.parametrize("name", ["gas.parquet", "gas.csv"])
def test_load_gas_gwei__rarer_than_the_prices__is_the_last_known(tmp_path, name):
    assert load_gas_gwei(gas_file(tmp_path, name=name), AT).tolist() == [20.0, 30.0, 40.0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hours": (1, 2, 3)}, "nothing known in the day before 2024-08-01T00:00:00Z"),
        ({"hours": (-40, -39, -38)}, "nothing known in the day before"),
        ({"hours": (2, 1, 0)}, "out of order"),
        ({"gwei": (1.0, -2.0, 3.0)}, "negative price"),
        ({"gwei": (1.0, None, 3.0)}, "without a finite number"),
    ],
)
def test_load_gas_gwei__bad_rows__are_named(tmp_path, changes, words):
    with pytest.raises(DataError, match=words):
        load_gas_gwei(gas_file(tmp_path, **changes), AT)


def test_load_gas_gwei__no_history_at_all__says_which_file(tmp_path):
    path = tmp_path / "gas.parquet"
    with pytest.raises(DataError, match=r"gas\.parquet"):
        load_gas_gwei(path, AT)
    path.write_bytes(b"no parquet")
    with pytest.raises(DataError, match="not a readable history"):
        load_gas_gwei(path, AT)
    pl.DataFrame({"ts": stamps(0), "price": [1.0]}).write_parquet(path)
    with pytest.raises(DataError, match="no column 'gas_price_gwei' of numbers"):
        load_gas_gwei(path, AT)
    pl.DataFrame({"ts": stamps(0), "late": stamps(0), "gas_price_gwei": [1.0]}).write_parquet(path)
    with pytest.raises(DataError, match="2 columns of timestamps"):
        load_gas_gwei(path, AT)


def funding_file(tmp_path, hours=8):
    path = tmp_path / "funding.parquet"
    rows = {"ts": stamps(-8, 0, 8), "coin": ["ETH"] * 3, "venue": ["x"] * 3}
    pl.DataFrame({**rows, "funding_rate": [0.0, 1e-4, -2e-4], "interval_h": [hours] * 3}).write_parquet(path)
    return path


def test_load_funding_per_day__settled_every_eight_hours__is_three_times_the_rate(tmp_path):
    rates = load_funding_per_day(funding_file(tmp_path), "ETH", "x", AT)
    assert rates.tolist() == pytest.approx([3e-4, 3e-4, -6e-4])


def test_load_funding_per_day__unknown_venue__lists_those_there_are(tmp_path):
    with pytest.raises(DataError, match="no venue 'y'; it has x"):
        load_funding_per_day(funding_file(tmp_path), "ETH", "y", AT)
    with pytest.raises(DataError, match="not above 0"):
        load_funding_per_day(funding_file(tmp_path, hours=0), "ETH", "x", AT)
