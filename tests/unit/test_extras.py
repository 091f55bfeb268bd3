"""A keeper runs without any extra, and what needs one says which: every test is a process that cannot import them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from agent.errors import DataError
from agent.extras import extra

WITHOUT_EXTRAS = """
import sys
from importlib.abc import MetaPathFinder

OPTIONAL = {
    "arch", "clarabel", "cvxpy", "osqp", "pandas", "plotly", "polars", "psycopg", "pyarrow", "scs", "statsmodels",
}

class NotInstalled(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in OPTIONAL:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
"""
COMMAND_LINE = "import sys; from agent.cli.main import main; sys.argv[0] = 'evenkeel'; main()"
DECIDE_ONCE = """
from agent.decision.decide import decide
from agent.domain import Action
from agent.policy.registry import build_policy
from tests.support.decision_builders import COSTS, SETTINGS, short_calls, snapshot_of
book, policy = short_calls(), build_policy("fixed_threshold", {"threshold_underlying": 1.0})
decision = decide(snapshot_of(book), book, policy, COSTS, SETTINGS)
assert decision.action is Action.REBALANCE
"""


def without_extras(repository: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a Python that finds none of the optional packages."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS + code, *arguments],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "code",
    [
        "import agent.keeper.keeper",
        "from agent.settings import config_path, load_settings\nload_settings(config_path('localnet')).policy.build()",
        "from agent.files.book_file import load_book\nfrom pathlib import Path\n"
        "assert load_book(Path('examples/book.toml'), 1_720_000_000).options",
        DECIDE_ONCE,
        "from agent.policy.registry import POLICIES\nassert 'multi_instrument' in POLICIES",
        "from agent.warm_up import compiled_kernels\nassert list(compiled_kernels())",
    ],
    ids=["keeper", "settings", "book", "decision", "policies", "kernels"],
)
def test_keeper__without_extras__works(repository, code):
    ran = without_extras(repository, code)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        *([name, "--help"] for name in ("demo", "decide", "greeks", "localnet", "run")),
        ["greeks", "examples/book.toml", "--market", "examples/market.toml"],
        ["greeks", "examples/book.csv", "--market", "examples/market.toml"],
    ],
    ids=" ".join,
)
def test_command__without_extras__works(repository, arguments):
    ran = without_extras(repository, COMMAND_LINE, *arguments)
    assert (ran.returncode, ran.stderr) == (0, "")


SPAN = ("--from", "2024-08-01", "--to", "2024-08-02")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["demo"], "report"),
        (["demo", "--prices", "prices.parquet", *SPAN], "files"),
        (["greeks", "chain.parquet"], "files"),
        (["greeks", "book.parquet", "--market", "examples/market.toml"], "files"),
        (["decide", "--book", "b.toml", "--explain", "--options", "c.parquet", "--options-size", "1"], "files"),
    ],
)
def test_command__extra_missing__one_line_names_it(repository, tmp_path, arguments, name):
    ran = without_extras(repository, COMMAND_LINE, *arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("evenkeel: ")
    assert ran.stderr.endswith(f"pip install 'evenkeel[{name}]'\n")
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("agent.files.price_file", "files"),
        ("agent.optimiser.convex", "optimiser"),
        ("agent.policy.hedge_ratio", "estimation"),
        ("agent.report.figures", "report"),
        ("agent.report.html", "report"),
        ("agent.vol.regime", "estimation"),
    ],
)
def test_module__extra_missing__raises_data_error(repository, module, name):
    ran = without_extras(repository, f"import {module}")
    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("agent.errors.DataError: ")
    assert f"needs the extra '{name}'" in last


def test_extra__package_missing__says_for_what_and_how():
    with pytest.raises(DataError) as refused, extra("files", "Reading Parquet"):
        importlib.import_module("no_such_package.inner")
    assert str(refused.value) == (
        "Reading Parquet needs the extra 'files' (no_such_package is not installed): pip install 'evenkeel[files]'"
    )


def test_extra__name_missing_from_a_package__is_a_defect():
    with pytest.raises(ImportError, match="cannot import name"), extra("files", "Reading Parquet"):
        from math import no_such_name  # noqa: F401, PLC0415
