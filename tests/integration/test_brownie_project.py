"""Compiling with Brownie: it rewrites build files, so processes take turns, and is asked where something changed."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.compile import compile_changed


class Brownie:
    """Stands for Brownie's project: what it compiles is a file, and each load does ``meanwhile``."""

    def __init__(self, root: Path) -> None:
        self.root, self.loads = root, 0
        self.meanwhile: Callable[[], None] = lambda: None

    def load(self) -> Brownie:
        self.meanwhile()
        self.loads += 1
        (self.root / "build/contracts/Vault.json").write_text(f"{{}} {self.loads}", encoding="utf-8")
        return self

    def close(self) -> None:
        pass


@pytest.fixture
def brownie(monkeypatch, tmp_path: Path) -> Brownie:
    (tmp_path / "contracts/venues").mkdir(parents=True)
    (tmp_path / "build/contracts").mkdir(parents=True)
    for name in ("brownie-config.yaml", "package-lock.json", "contracts/Vault.sol", "contracts/venues/Venue.sol"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    brownie = Brownie(tmp_path)
    stands_for = SimpleNamespace(load=brownie.load, quiet_unless_failing=nullcontext)
    monkeypatch.setitem(sys.modules, "scripts.project", stands_for)
    return brownie


def test_compile_changed__second_process_meanwhile__waits_for_the_first(brownie):
    found = []

    def try_to_enter() -> None:
        with (brownie.root / "build/brownie.lock").open("w") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                found.append("waits")
            else:
                found.append("enters")

    brownie.meanwhile = try_to_enter
    compile_changed(brownie.root)
    try_to_enter()
    assert found == ["waits", "enters"]


def test_compile_changed__nothing_changed__brownie_is_not_asked(brownie):
    for _ in range(3):
        compile_changed(brownie.root)
    assert brownie.loads == 1


@pytest.mark.parametrize("name", ["brownie-config.yaml", "package-lock.json", "contracts/venues/Venue.sol"])
def test_compile_changed__what_is_compiled_changed__brownie_is_asked(brownie, name):
    compile_changed(brownie.root)
    (brownie.root / name).write_text("changed", encoding="utf-8")
    compile_changed(brownie.root)
    assert brownie.loads == 2


def test_compile_changed__source_comes_or_goes__brownie_is_asked(brownie):
    compile_changed(brownie.root)
    (brownie.root / "contracts/New.sol").write_text("new", encoding="utf-8")
    compile_changed(brownie.root)
    (brownie.root / "contracts/New.sol").unlink()
    compile_changed(brownie.root)
    assert brownie.loads == 3


def test_compile_changed__artifact_lost_or_damaged__brownie_is_asked(brownie):
    compile_changed(brownie.root)
    artifact = brownie.root / "build/contracts/Vault.json"
    artifact.unlink()
    compile_changed(brownie.root)
    artifact.write_text("cut sho", encoding="utf-8")
    compile_changed(brownie.root)
    assert brownie.loads == 3


def test_compile_changed__compiler_fails__is_asked_again(brownie):
    def fail() -> None:
        raise RuntimeError("a source does not compile")

    brownie.meanwhile = fail
    with pytest.raises(RuntimeError):
        compile_changed(brownie.root)
    brownie.meanwhile = lambda: None
    compile_changed(brownie.root)
    assert brownie.loads == 1
