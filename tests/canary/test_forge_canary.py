"""The forge that judges the contracts is shown a false claim about them and must exit non-zero because of it alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from agent.localnet.binaries import native_binary


@pytest.mark.parametrize(
    ("claim", "returncode", "verdict"),
    [
        ("test_limitPrice_isACeilingForBuys", 0, "[PASS] test_limitPrice_isACeilingForBuys"),
        ("test_limitPrice_isAFloorForBuys", 1, "2010000000000000000000 != 1990000000000000000000"),
    ],
)
def test_forge_test__claim_about_the_guard__is_judged(
    repository: Path, tmp_path: Path, claim: str, returncode: int, verdict: str
) -> None:
    environment = {
        "FOUNDRY_TEST": "tests/canary/forge",
        "FOUNDRY_SRC": "contracts/libraries",
        "FOUNDRY_OUT": str(tmp_path / "out"),
        "FOUNDRY_CACHE_PATH": str(tmp_path / "cache"),
    }
    result = subprocess.run(
        [str(native_binary("forge")), "test", "--match-test", claim],
        cwd=repository,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == returncode
    assert verdict in result.stdout
