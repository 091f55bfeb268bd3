"""Numbers that contradict one another across sections are refused with both keys."""

from __future__ import annotations

import re

import pytest

from agent.errors import PreflightError
from agent.settings import load_settings


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("min_trade_underlying = 0.25", "min_trade_underlying = 7", "min_trade_underlying 7 is not below"),
        ("delta_tolerance_underlying = 0.001", "delta_tolerance_underlying = 9", "delta_tolerance_underlying 9"),
        ("min_improvement_underlying = 0.1", "min_improvement_underlying = 90", "min_improvement_underlying 90"),
        (
            "max_notional_usd = 300_000",
            "max_notional_usd = 400_000",
            "keeper_share_bps 6667 of turnover_capacity_usd 525000",
        ),
        (
            "idle_floor_bps = 500",
            "idle_floor_bps = 2500",
            "idle_reserve_bps 2000 is below [bounds] idle_floor_bps 2500",
        ),
        ("deadline_seconds = 240", "deadline_seconds = 10", "below receipt_timeout_seconds 20"),
        ("receipt_poll_seconds = 0.01", "receipt_poll_seconds = 20", "is not below receipt_timeout_seconds 20"),
        ("chain_id = 31337", "chain_id = 1", "max_head_age_seconds 3000000000 is above 600: the keeper would trade"),
        (
            "[ledger]\nurl",
            "[observability]\nmax_cycle_seconds = 20\n\n[ledger]\nurl",
            "max_cycle_seconds 20 is not above [execution] receipt_timeout_seconds 20",
        ),
        ("retry_initial_seconds = 0.5", "retry_initial_seconds = 90", "retry_max_seconds 60"),
        ("high_leverage_ratio = 2.5", "high_leverage_ratio = 3.7", "exceeds 3.6"),
        ("rebalance_gas_units = 1_500_000", "rebalance_gas_units = 15_000_000", "max_gas_units 10000000"),
        ("max_width_bps = 500", "max_width_bps = 392", "max_width_bps 392 is not above 392, which [oracle]"),
        ("retry_max_seconds = 60", "retry_max_seconds = 3355", "silence_seconds 3600 is not above 3600, which"),
        ("max_gas_units = 3_000_000", "max_gas_units = 1_499_999", "is below [costs] rebalance_gas_units 1500000"),
        ("urgent_priority_fee_gwei = 3", "urgent_priority_fee_gwei = 0", "below priority_fee_gwei 1"),
    ],
)
def test_load_settings__contradiction__both_keys_named(repository, tmp_path, old, new, words):
    path = tmp_path / "localnet.toml"
    text = (repository / "config" / "localnet.toml").read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PreflightError, match=re.escape(words)) as caught:
        load_settings(path, {})
    assert caught.value.findings[0].startswith(f"{path}: [")
