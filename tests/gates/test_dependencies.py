"""Declared is imported, both ways: each place imports what its part of pyproject.toml declares, and uses all of it.

The agent's modules take the base; a package of an extra stands in a ``with extra("name", ...)`` block. The scripts add
`contracts`, the benchmarks `bench`, the tests `dev`; the last two may use whatever the agent may.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple

import pytest

OURS = {"agent", "benchmarks", "scripts", "tests"}
OWN_EXTRA = {"scripts": "contracts", "benchmarks": "bench", "tests": "dev"}
BASE = "base"
NEVER_IMPORTED = {
    "clarabel": "cvxpy loads its solver by name",
    "fast-vollib": "benchmarks/option_rows.py imports peers by name",
    "py-vollib": "benchmarks/option_rows.py imports peers by name",
    "import-linter": "make lint",
    "mypy": "make lint",
    "ruff": "make lint",
    "pytest-xdist": "make test spreads the tests over workers",
    "setuptools": "builds the package, without a network, when make setup installs it",
    "uv": "make setup and make lock",
}
"""What is declared and run or loaded by name, and by what."""


class Import(NamedTuple):
    """A third-party import: in which file, of which top-level module, and in the block of which extra."""

    file: str
    module: str
    extra: str | None


def declared(pyproject: str) -> dict[str, set[str]]:
    """Return the normalised names of the distributions of the base and of each extra."""
    project = tomllib.loads(pyproject)["project"]
    lists = {BASE: project["dependencies"], **project["optional-dependencies"]}
    return {name: {distribution_of(line) for line in lines} for name, lines in lists.items()}


def distribution_of(requirement: str) -> str:
    return normalised(re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0])


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imports_of(file: str, source: str) -> Iterator[Import]:
    """Yield every third-party import of a file, those inside functions included."""

    def walk(node: ast.AST, block: str | None) -> Iterator[Import]:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        for name in names:
            top = name.partition(".")[0]
            if top not in OURS and top not in sys.stdlib_module_names:
                yield Import(file, top, block)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, extra_of(node) or block)

    yield from walk(ast.parse(source), None)


def extra_of(node: ast.AST) -> str | None:
    """Return ``name`` where the node is ``with extra("name", ...):``."""
    if isinstance(node, ast.With):
        for item in node.items:
            call = item.context_expr
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "extra":
                assert isinstance(call.args[0], ast.Constant)
                return str(call.args[0].value)
    return None


def places_of(found: Import, lists: Mapping[str, set[str]]) -> set[str]:
    """Return the lists that an import may be declared in."""
    part = found.file.partition("/")[0]
    if part == "agent":
        return {found.extra or BASE}
    if part == "scripts":
        return {BASE, "contracts"}
    return set(lists) - {"contracts", "bench", "dev"} | {OWN_EXTRA[part]}


def complaints(lists: Mapping[str, set[str]], found: list[Import], known: Mapping[str, list[str]]) -> list[str]:
    """Return what is imported and not declared where it may be, then what is declared and imported nowhere."""
    used: dict[str, set[str]] = defaultdict(set)
    wrong = set()
    for one in found:
        names = {normalised(name) for name in known.get(one.module, [one.module])}
        places = places_of(one, lists)
        declaring = {place for place in places if names & lists.get(place, set())}
        if not declaring:
            wrong.add(f"{one.file} imports {one.module}: declare {' or '.join(sorted(names))} in {sorted(places)}")
        for place in declaring:
            # What the agent's own part declares, the agent must import; a test of it is no reason to ship it.
            if one.file.startswith("agent/") or place in OWN_EXTRA.values():
                used[place] |= names
    unused = {
        f"{place} declares {name}, which nothing of its part imports: remove it, or say why in NEVER_IMPORTED"
        for place, distributions in lists.items()
        for name in distributions - used[place] - set(NEVER_IMPORTED)
    }
    return sorted(wrong) + sorted(unused)


@pytest.fixture(scope="module")
def lists(repository: Path) -> dict[str, set[str]]:
    return declared((repository / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def found(repository: Path) -> list[Import]:
    files = [path.relative_to(repository) for part in OURS for path in (repository / part).rglob("*.py")]
    return [one for file in files for one in imports_of(file.as_posix(), (repository / file).read_text())]


def test_pyproject__every_import_and_declaration__match(lists, found):
    assert complaints(lists, found, packages_distributions()) == []


def test_never_imported__each_name__is_declared(lists):
    assert set(NEVER_IMPORTED) <= set().union(*lists.values())


LISTS = {"base": {"numpy"}, "files": {"polars"}, "contracts": {"eth-brownie"}, "bench": {"quantlib"}, "dev": {"pytest"}}
KNOWN = {"brownie": ["eth-brownie"], "QuantLib": ["QuantLib"]}
USED = (
    ("agent/a.py", "import numpy\nwith extra('files', 'Parquet'):\n    import polars"),
    ("scripts/a.py", "import brownie, numpy"),
    ("benchmarks/a.py", "import QuantLib\nfrom polars import col"),
    ("tests/a.py", "def test():\n    import pytest\n    import polars"),
)


def judged(*sources: tuple[str, str]) -> list[str]:
    return complaints(LISTS, [one for file, source in sources for one in imports_of(file, source)], KNOWN)


def test_complaints__all_declared_and_used__none():
    assert judged(*USED) == []


@pytest.mark.parametrize(
    ("file", "source", "complaint"),
    [
        ("agent/b.py", "import requests", "agent/b.py imports requests: declare requests in ['base']"),
        ("agent/b.py", "def f():\n    import requests.adapters", "agent/b.py imports requests"),
        ("agent/b.py", "import polars", "agent/b.py imports polars: declare polars in ['base']"),
        ("agent/b.py", "with extra('report', 'HTML'):\n    import polars", "declare polars in ['report']"),
        ("agent/b.py", "import brownie", "declare eth-brownie in ['base']"),
        ("agent/b.py", "import pytest", "declare pytest in ['base']"),
        ("scripts/b.py", "import polars", "declare polars in ['base', 'contracts']"),
        ("benchmarks/b.py", "import pytest", "declare pytest in ['base', 'bench', 'files']"),
        ("tests/b.py", "import QuantLib", "declare quantlib in ['base', 'dev', 'files']"),
    ],
)
def test_complaints__import_not_declared_for_its_place__named(file, source, complaint):
    assert any(line.startswith(f"{file} imports") and complaint in line for line in judged(*USED, (file, source)))


@pytest.mark.parametrize(
    ("left_out", "complaint"), [(0, "base declares numpy"), (0, "files declares polars"), (3, "dev declares pytest")]
)
def test_complaints__declared_and_never_imported__named(left_out, complaint):
    rest = [pair for number, pair in enumerate(USED) if number != left_out]
    assert any(line.startswith(complaint) for line in judged(*rest))
