"""Events as the node reports them: text of a stranger comes with every byte it had."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.chain.abi import Event, Log
from agent.governance.governors import description_hash

EVENT = Event.from_abi(
    {
        "name": "Said",
        "inputs": [
            {"name": "who", "type": "address", "indexed": True},
            {"name": "words", "type": "string", "indexed": False},
        ],
    }
)


@pytest.mark.parametrize("words", [b"plain", "Grüße".encode(), b"\xff\xfe not UTF-8", b""])
def test_event_decode__any_bytes_as_text__keeps_them(words):
    log = Log(
        "0x00", (EVENT.topic, "0x" + "00" * 31 + "aa"), "0x" + encode(("bytes",), (words,)).hex(), 1, "0x", "0x", 0
    )
    decoded = EVENT.decode(log)
    assert decoded["who"].lower().endswith("aa")
    assert decoded["words"].encode("utf-8", "surrogateescape") == words
    assert description_hash(decoded["words"]) == keccak(words)
