"""Files of Safe's Transaction Builder carry the checksum that it works out itself."""

from __future__ import annotations

import json

import pytest
from eth_utils.crypto import keccak

from agent.errors import DataError
from agent.governance.calls import GovernedCall
from agent.governance.governors import Step
from agent.governance.safe_file import batch_checksum, read_batch, read_document, safe_batch
from tests.support.governance import GOVERNOR, STRANGER

STEPS = (Step("schedule", GOVERNOR, GovernedCall(STRANGER, b"\x12\x34", wei=7)),)


def batch():
    return safe_batch(STEPS, 1, GOVERNOR, "name", "why", 1_700_000_000)


def test_batch_checksum__serialisation__is_safes_own():
    """Keys first, then values without them, each followed by a comma; the name counts for nothing."""
    document = {"b": [1, "x"], "a": None, "meta": {"name": "n", "checksum": "0x1", "z": True}}
    written = '{["a","b","meta"]null,[1,"x"],{["name","z"]null,true,},}'
    assert batch_checksum(document) == "0x" + keccak(text=written).hex()


def test_safe_batch__written_and_read__gives_the_calls():
    assert read_batch(json.loads(json.dumps(batch())), "file") == tuple(step.call for step in STEPS)


def test_batch_checksum__name_changed__stays_and_data_changed__does_not():
    one = batch()
    expected = one["meta"]["checksum"]
    one["meta"]["name"] = "another"
    assert batch_checksum(one) == expected
    one["transactions"][0]["data"] = "0x1235"
    assert batch_checksum(one) != expected
    with pytest.raises(DataError, match="its checksum is"):
        read_batch(one, "file")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"meta": {}, "transactions": [{"to": STRANGER, "value": "x", "data": "0x12"}]}, "is no whole number"),
        ({"meta": {}, "transactions": [{"to": "x", "value": "0", "data": "0x12"}]}, "is not an address"),
        ({"meta": {}, "transactions": [{"to": STRANGER, "value": "0", "data": None}]}, "is not call data"),
        ({"meta": {}, "transactions": [{}]}, "is no batch"),
        ({"meta": None, "transactions": []}, "is no batch"),
        ({"meta": {"checksum": "0x12", "name": "\ud800"}, "transactions": [], "a": "\ud800"}, "is no batch"),
    ],
)
def test_read_batch__damaged__is_one_line(document, words):
    with pytest.raises(DataError, match=words):
        read_batch(document, "file")


@pytest.mark.parametrize("written", ["", "[]", "{", "[" * 100_000])
def test_read_document__no_object__is_one_line(tmp_path, written):
    path = tmp_path / "file.json"
    path.write_text(written)
    with pytest.raises(DataError, match="is no"):
        read_document(path)


def test_read_batch__nested_without_end__is_one_line(tmp_path):
    path = tmp_path / "file.json"
    depth = 900  # which a JSON reader still takes
    path.write_text('{"meta": {"checksum": "0x12"}, "transactions": [], "deep": ' + "[" * depth + "]" * depth + "}")
    with pytest.raises(DataError, match="is no batch"):
        read_batch(read_document(path), path)
