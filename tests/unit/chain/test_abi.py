"""Events as the node reports them: text of a stranger comes with every byte it had."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from agent.chain.abi import Event, Log, decode
from agent.errors import DataError
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


SAID = encode(("bytes",), (b"plain",)).hex()


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        (("0x" + "00" * 32,), "0x"),
        (("0x" + "00" * 32,), "0x" + SAID[:-2]),
        (("0x" + "00" * 32,), "0x" + f"{32:064x}" + "ff" * 32),
        ((), "0x" + SAID),
        (("0x" + "00" * 32, "0x" + "00" * 32), "0x" + SAID),
        (("0x" + "ff" * 32,), "0x" + SAID),
    ],
    ids=["nothing", "cut", "endless", "no topic", "a topic more", "no address"],
)
def test_event_decode__log_that_is_none_of_it__says_which_and_of_whom(topics, data):
    log = Log("0xA1", (EVENT.topic, *topics), data, 7, "0x", "0x", 3)
    with pytest.raises(DataError, match="log 3 of 0xA1 in block 7 is no Said: a server cut it"):
        EVENT.decode(log)


@pytest.mark.parametrize("words", [f"{32:064x}" + "ff" * 32, f"{32:064x}" + f"{1:064x}" + "ff" + "00" * 31])
def test_decode__text_that_cannot_be__is_no_value_of_its_type(words):
    with pytest.raises(DecodingError):
        decode(("string",), bytes.fromhex(words))
