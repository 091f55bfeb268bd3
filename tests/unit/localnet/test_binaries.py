from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from agent.errors import DataError
from agent.localnet import binaries
from agent.localnet.binaries import native_binary, package_of, pinned_version

TWO_VERSIONS = {"@foundry-rs/anvil-linux-amd64": "1.7.1", "@foundry-rs/anvil-linux-arm64": "1.7.0"}


@pytest.fixture
def nothing_installed(monkeypatch, tmp_path):
    """No npm package and an empty PATH; returns the directory that PATH names."""
    monkeypatch.setattr(binaries, "NODE_MODULES", tmp_path / "node_modules")
    on_path = tmp_path / "bin"
    on_path.mkdir()
    monkeypatch.setenv("PATH", str(on_path))
    return on_path


def put(directory, tool, version, name=None):
    """Write an executable that answers ``--version`` as Foundry does."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / (name or tool)
    path.write_text(f"#!/bin/sh\necho '{tool} Version: {version}-v{version}'\necho 'Commit SHA: 4072e487'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("system", "machine", "package"),
    [
        ("Linux", "x86_64", "@foundry-rs/anvil-linux-amd64"),
        ("Linux", "aarch64", "@foundry-rs/anvil-linux-arm64"),
        ("Darwin", "x86_64", "@foundry-rs/anvil-darwin-amd64"),
        ("Darwin", "arm64", "@foundry-rs/anvil-darwin-arm64"),
    ],
)
def test_package_of__platform__is_one_of_package_json(repository, system, machine, package):
    assert package_of("anvil", system, machine) == package
    optional = json.loads((repository / "package.json").read_text())["optionalDependencies"]
    assert {package, package.replace("anvil", "forge")} <= set(optional)


def test_package_json__both_tools__are_of_one_version():
    assert pinned_version("anvil") == pinned_version("forge")


@pytest.mark.parametrize("tool", binaries.TOOLS)
def test_native_binary__npm_package__runs_and_has_the_pinned_version(tool):
    ran = subprocess.run([native_binary(tool), "--version"], capture_output=True, text=True, check=True)
    assert pinned_version(tool) in ran.stdout


def test_native_binary__only_on_path__taken(nothing_installed):
    binary = put(nothing_installed, "anvil", pinned_version("anvil"))
    assert native_binary("anvil") == binary


def test_native_binary__right_one_later_on_path__taken(nothing_installed, monkeypatch, tmp_path):
    put(nothing_installed, "anvil", "1.0.0")
    later = put(tmp_path / "later", "anvil", pinned_version("anvil"))
    monkeypatch.setenv("PATH", os.pathsep.join([str(nothing_installed), str(later.parent)]))
    assert native_binary("anvil") == later


def test_native_binary__other_version_on_path__one_line_names_both(nothing_installed):
    binary = put(nothing_installed, "forge", "0.3.1")
    with pytest.raises(DataError) as refused:
        native_binary("forge")
    line = str(refused.value)
    assert f"{binary} is 0.3.1" in line
    assert f"put Foundry {pinned_version('forge')} on PATH" in line
    assert "\n" not in line


def test_native_binary__nowhere__says_what_to_run(nothing_installed):
    with pytest.raises(DataError, match="no anvil is on PATH; run `make setup`"):
        native_binary("anvil")


@pytest.mark.parametrize("place", ["node_modules/.bin", "node_modules/@foundry-rs/anvil"])
def test_native_binary__npm_shim_on_path__never_taken(nothing_installed, monkeypatch, tmp_path, place):
    shim = put(tmp_path / place, "anvil", pinned_version("anvil"), "shim.sh")
    (nothing_installed / "anvil").symlink_to(shim)
    with pytest.raises(DataError, match="no anvil is on PATH"):
        native_binary("anvil")


def test_native_binary__broken_file_on_path__is_named(nothing_installed):
    (nothing_installed / "anvil").write_bytes(b"\x7fELF of another machine")
    (nothing_installed / "anvil").chmod(0o755)
    with pytest.raises(DataError, match="anvil is not runnable"):
        native_binary("anvil")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "pins no anvil"),
        ("{}", "pins no anvil"),
        ("{", "pins no anvil"),
        ('{"optionalDependencies": {}}', r"pins \[\] of anvil"),
        (json.dumps({"optionalDependencies": TWO_VERSIONS}), r"pins \['1.7.0', '1.7.1'\] of anvil"),
    ],
)
def test_pinned_version__none_or_several__refused(tmp_path, text, message):
    manifest = tmp_path / "package.json"
    if text is not None:
        manifest.write_text(text)
    with pytest.raises(DataError, match=message):
        pinned_version("anvil", manifest)


@pytest.mark.parametrize(
    ("arguments", "status", "shown"),
    [
        (["forge", "--version"], 0, pinned_version("forge")),
        (["forge", "no-such-command"], 2, "no-such-command"),
        ([], 2, "tool is ''; choose one of anvil, forge"),
        (["cast"], 2, "tool is 'cast'; choose one of anvil, forge"),
    ],
)
def test_main__tool__is_run_with_its_own_status(arguments, status, shown):
    ran = subprocess.run(
        [sys.executable, "-m", "agent.localnet.binaries", *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == status
    assert shown in ran.stdout + ran.stderr
