"""`[options]`: the ladder that each option is quoted at, and the terms of orders."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import ValidationError

from agent.decision.option_hedge import OptionTerms
from agent.settings.options import OptionSettings
from agent.units import WAD


def test_quoted_sizes__largest__and_its_halves_down_to_an_eighth() -> None:
    settings = OptionSettings(max_size_underlying=Decimal(12))
    assert settings.quoted_sizes == (3 * WAD // 2, 3 * WAD, 6 * WAD, 12 * WAD)


def test_to_option_terms__defaults__are_those_of_the_core() -> None:
    assert OptionSettings(max_size_underlying=Decimal(1)).to_option_terms() == OptionTerms()


@pytest.mark.parametrize("field", ["max_size_underlying", "cash_usd", "caps_used_ratio", "max_worse_bps"])
def test_option_settings__out_of_their_domain__are_refused(field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        OptionSettings(**{"max_size_underlying": Decimal(1)} | {field: -1})
