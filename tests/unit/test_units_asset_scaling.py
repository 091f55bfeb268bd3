"""WAD to collateral units, for assets of few and of many decimals."""

from __future__ import annotations

import pytest

from agent.units import WAD, Rounding, asset_units_to_wad, wad_to_asset_units


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("decimals", [0, 6, 8, 18, 24])
def test_wad_to_asset_units__whole_numbers__are_exact_and_come_back(decimals, sign):
    for rounding in Rounding:
        assets = wad_to_asset_units(sign * 7 * WAD, decimals, rounding)
        assert assets == sign * 7 * 10**decimals
        assert asset_units_to_wad(assets, decimals) == sign * 7 * WAD


@pytest.mark.parametrize(
    ("wad", "down", "up"), [(1, 0, 1), (-1, -1, 0), (10**12 + 1, 1, 2), (-(10**12) - 1, -2, -1), (10**12, 1, 1)]
)
def test_wad_to_asset_units__fractions__round_in_the_named_direction(wad, down, up):
    assert wad_to_asset_units(wad, 6, Rounding.DOWN) == down
    assert wad_to_asset_units(wad, 6, Rounding.UP) == up
