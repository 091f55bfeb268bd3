"""What a node reports, decoded: text of a stranger with every byte it had, words as the library reads them."""

from __future__ import annotations

import eth_abi.abi
import pytest
from eth_abi.abi import encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

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


def padded(data):
    return data.rjust(32, b"\0")


def outcome(types, data, decoder):
    try:
        return decoder(types, data)
    except DecodingError as error:
        return type(error)


@pytest.mark.parametrize("words", [b"plain", "Grüße".encode(), b"\xff\xfe not UTF-8", b""])
def test_event_decode__any_bytes_as_text__keeps_them(words):
    log = Log(
        "0x00", (EVENT.topic, "0x" + "00" * 31 + "aa"), "0x" + encode(("bytes",), (words,)).hex(), 1, "0x", "0x", 0
    )
    decoded = EVENT.decode(log)
    assert decoded["who"].lower().endswith("aa")
    assert decoded["words"].encode("utf-8", "surrogateescape") == words
    assert description_hash(decoded["words"]) == keccak(words)


WORDS = ("uint256", "int256", "uint128", "int24", "uint8", "uint64", "int128", "address", "bool", "bytes32")
EDGES = (b"\0" * 32, b"\xff" * 32, b"\0" * 31 + b"\x01", b"\0" * 31 + b"\x02", b"\xff" * 31 + b"\x7f")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(WORDS),
            st.sampled_from(EDGES) | st.binary(min_size=32, max_size=32) | st.binary(max_size=20).map(padded),
        ),
        max_size=5,
    ),
    st.integers(0, 33),
)
def test_decode__words_valid_or_not__are_to_us_what_they_are_to_the_library(words, missing):
    types, data = tuple(kind for kind, _ in words), b"".join(word for _, word in words)
    data = data[: max(len(data) - missing, 0)]
    assert outcome(types, data, decode) == outcome(types, data, eth_abi.abi.decode)


def test_decode__word_behind_text__is_read_by_the_library():
    types = ("string", "uint256")
    assert decode(types, encode(types, ("words", 7))) == ("words", 7)


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
