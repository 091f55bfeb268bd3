from __future__ import annotations

import json

import pytest

from agent.errors import DataError
from agent.localnet.manifest import LocalnetManifest
from agent.localnet.session import Localnet, running_manifest


def test_manifest__written_and_read__the_same_and_nothing_beside_it(tmp_path, manifest_of_a_dead_chain):
    manifest_of_a_dead_chain.write(tmp_path / "state")
    assert LocalnetManifest.read(tmp_path / "state") == manifest_of_a_dead_chain
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["manifest.json"]


def test_manifest__none_there__none(tmp_path):
    assert LocalnetManifest.read(tmp_path) is None


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda record: record.pop("pid"), "pid"),
        (lambda record: record.update(pid="12"), "pid"),
        (lambda record: record.update(surplus=1), "surplus"),
        (lambda record: record["venues"]["curie"].pop("pool"), "venues"),
        (lambda record: record.update(version=1), "version"),
        (lambda record: record["accounts"].pop("keeper"), "accounts"),
    ],
)
def test_manifest__damaged_field__one_line_that_names_file_and_field(tmp_path, manifest_of_a_dead_chain, damage, what):
    record = json.loads(manifest_of_a_dead_chain.model_dump_json())
    damage(record)
    (tmp_path / "manifest.json").write_text(json.dumps(record))
    with pytest.raises(DataError) as caught:
        LocalnetManifest.read(tmp_path)
    line = str(caught.value)
    assert str(tmp_path / "manifest.json") in line
    assert what in line
    assert "remove the file" in line
    assert "\n" not in line


def test_manifest__cut_short__data_error(tmp_path, manifest_of_a_dead_chain):
    (tmp_path / "manifest.json").write_text(manifest_of_a_dead_chain.model_dump_json()[:-40])
    with pytest.raises(DataError, match="damaged"):
        LocalnetManifest.read(tmp_path)


def test_running_manifest__process_gone__none(tmp_path, manifest_of_a_dead_chain):
    manifest_of_a_dead_chain.write(tmp_path)
    assert running_manifest(tmp_path) is None


def test_attach__process_gone__data_error_says_how_to_start(tmp_path, manifest_of_a_dead_chain):
    manifest_of_a_dead_chain.write(tmp_path)
    with pytest.raises(DataError, match="evenkeel localnet up"):
        Localnet.attach(tmp_path)


def test_down__process_gone__manifest_removed(tmp_path, manifest_of_a_dead_chain):
    manifest_of_a_dead_chain.write(tmp_path)
    Localnet(manifest_of_a_dead_chain, tmp_path, None).down()
    assert LocalnetManifest.read(tmp_path) is None
