"""Artifacts come from the wheel's bundle or the checkout's build; where there are none, one line says what to do."""

from __future__ import annotations

import json

import pytest

from agent.chain import artifacts
from agent.chain.abi import all_errors, load_abi
from agent.chain.artifacts import artifact_directory, creation_code, load_artifact, load_artifacts
from agent.errors import DataError


def test_artifact_directory__checkout__is_its_build(repository):
    assert artifact_directory() == repository / "build" / "contracts"


def test_artifact_directory__installed_wheel__is_its_bundle(monkeypatch, tmp_path):
    monkeypatch.setattr(artifacts, "BUNDLE", tmp_path)
    (tmp_path / "Vault.json").write_text(json.dumps({"abi": [], "bytecode": "60"}), encoding="utf-8")
    assert artifact_directory() == tmp_path
    assert creation_code("Vault") == "0x60"
    with pytest.raises(DataError, match=r"Guard\.json is missing: install the wheel anew"):
        load_artifact("Guard")


@pytest.mark.parametrize("read", [load_artifacts, all_errors, lambda directory: load_abi("HedgeVault", directory)])
def test_load_artifact__neither_bundle_nor_build__one_line_names_both_ways(read, tmp_path):
    with pytest.raises(DataError, match=r"`make wheel` .* `make setup`") as refused:
        read(tmp_path / "nowhere")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", ["{", "[]", '{"bytecode": "0x"}'])
def test_load_artifact__damaged__data_error(content, tmp_path):
    (tmp_path / "Vault.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"Vault\.json is damaged"):
        load_artifact("Vault", tmp_path)


def test_creation_code__interface__data_error():
    with pytest.raises(DataError, match="IHedgeVault has no creation code"):
        creation_code("IHedgeVault")
