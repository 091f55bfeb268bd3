"""The core reads no clock, draws no numbers of its own and does no input or output: what import-linter cannot see."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import agent

ROOT = Path(agent.__file__).parent
CORE = (
    "numerics", "products", "vol", "costs", "risk", "policy", "optimiser", "routing", "decision", "alternatives",
    "backtest", "checks.py", "domain.py", "errors.py", "guard.py", "units.py",
)  # fmt: skip
FORBIDDEN_MODULES = {
    "asyncio", "builtins", "datetime", "ftplib", "getpass", "glob", "http", "httpx", "io", "logging", "multiprocessing",
    "os", "pathlib", "pickle", "platform", "random", "requests", "secrets", "shelve", "shutil", "socket", "sqlalchemy",
    "sqlite3", "structlog", "subprocess", "sys", "tempfile", "time", "urllib", "uuid", "web3",
}  # fmt: skip
FORBIDDEN_CALLS = {"open", "input", "print", "eval", "exec", "__import__"}
FORBIDDEN_ATTRIBUTES = {
    "fromfile", "loadtxt", "genfromtxt", "memmap", "read_csv", "read_parquet", "savez", "tofile", "write_text",
    "write_bytes",
}  # fmt: skip
SEEDED = {"default_rng", "Generator", "PCG64", "SeedSequence"}
ALLOWED = {
    # The table of bands is package data: the same bytes wherever the code is, read once and only when asked for.
    ("policy/band_table.py", "io"),
    # Machine code that Numba keeps anyway, unpickled once its checksum is right.
    ("numerics/kept_code.py", "pickle"),
    # Constants of the floating-point format.
    ("numerics/series.py", "sys"),
    ("numerics/rows.py", "sys"),
}


def core_files() -> list[Path]:
    return sorted(
        path
        for name in CORE
        for path in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))
        if path.is_file()
    )


def offences(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names} & FORBIDDEN_MODULES
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {(node.module or "").split(".")[0]} & FORBIDDEN_MODULES
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found |= {node.func.id} & FORBIDDEN_CALLS
        elif isinstance(node, ast.Attribute):
            found |= {node.attr} & FORBIDDEN_ATTRIBUTES
            is_of_random = isinstance(node.value, ast.Attribute) and node.value.attr == "random"
            found |= {node.attr} - SEEDED if is_of_random else set()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
            found |= {node.func.attr} & SEEDED
    return found


def test_core__files__are_found():
    names = {path.relative_to(ROOT).as_posix() for path in core_files()}
    assert {
        "policy/optimal_band.py",
        "backtest/simulator.py",
        "guard.py",
        "decision/decide.py",
        "vol/garch.py",
    } <= names
    assert len(names) > 40


@pytest.mark.parametrize("path", core_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_core__every_module__reads_no_clock_file_socket_or_hidden_randomness(path):
    name = path.relative_to(ROOT).as_posix()
    found = {
        offence for offence in offences(ast.parse(path.read_text(encoding="utf-8"))) if (name, offence) not in ALLOWED
    }
    assert not found


def test_offences__seeded_generator__is_passed_in_and_allowed():
    assert not offences(ast.parse("g = np.random.default_rng(seed)"))


@pytest.mark.parametrize(
    ("code", "offence"),
    [
        ("import time", "time"),
        ("from datetime import datetime", "datetime"),
        ("import os.path", "os"),
        ("x = open('f')", "open"),
        ("g = np.random.default_rng()", "default_rng"),
        ("x = np.random.normal(0.0, 1.0)", "normal"),
        ("def f():\n    import socket", "socket"),
    ],
)
def test_offences__code_that_reaches_out__is_seen(code, offence):
    assert offences(ast.parse(code)) == {offence}
