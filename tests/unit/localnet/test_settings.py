from __future__ import annotations

import pytest

from agent.errors import DataError
from agent.localnet.session import LocalnetSettings


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"start_price_usd": 0.0}, "start_price_usd is 0.0"),
        ({"start_price_usd": float("nan")}, "start_price_usd is nan"),
        ({"depth_slippage_bps": -1.0}, "depth_slippage_bps is -1.0"),
        ({"depth_size_underlying": float("inf")}, "depth_size_underlying is inf"),
        ({"exchange_fee_bps": 0.0}, "exchange_fee_bps is 0.0"),
        ({"depth_slippage_bps": 10_000.0}, "depth_slippage_bps is 10000.0"),
        ({"port": 0}, "port is 0"),
        ({"port": 65_536}, "port is 65536"),
        ({"start_unix": 0}, "start_unix is 0"),
        ({"start_unix": 2**33}, "start_unix is 8589934592"),
        ({"maker_low_ratio": 1.0}, "1.0 to 4.0"),
        ({"maker_high_ratio": 0.9}, "0.25 to 0.9"),
    ],
)
def test_localnet_settings__out_of_range__data_error_names_the_value(settings, what):
    with pytest.raises(DataError, match=what):
        LocalnetSettings(**settings)


def test_localnet_settings__defaults__accepted():
    assert LocalnetSettings().start_unix == 1_722_470_400
