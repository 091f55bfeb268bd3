from __future__ import annotations

import pytest

from agent.localnet.codec import create_address
from agent.localnet.deployer import CREATE2_FACTORY, Deployer

ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
FLOOR = "0xF000000000000000000000000000000000000000"


class RecordingChain:
    """Chain that keeps what it is asked to mine."""

    def __init__(self, nonce):
        self.first_nonce = nonce
        self.mined = []

    def nonce(self, account):
        return self.first_nonce

    def mine(self, transactions, timestamp=None):
        self.mined.append((list(transactions), timestamp))
        return []


@pytest.fixture
def chain():
    return RecordingChain(nonce=5)


def test_deployer__creations_and_calls__consecutive_nonces_and_predicted_addresses(chain):
    deployer = Deployer(chain, ACCOUNT)
    first = deployer.create("A", "0x6001")
    deployer.call("A", first, "initialize()")
    second = deployer.create("B", "0x6002", "(uint8)", 6)
    assert (first, second) == (create_address(ACCOUNT, 5), create_address(ACCOUNT, 7))
    assert chain.mined == [], "nothing is sent before flush"
    deployer.flush(timestamp=9)
    ((sent, timestamp),) = chain.mined
    assert timestamp == 9
    assert [one.nonce for one in sent] == [5, 6, 7]
    assert [one.label for one in sent] == ["creation of A", "A.initialize", "creation of B"]
    assert sent[2].data == "0x6002" + "6".rjust(64, "0")


def test_deployer__flushed_twice__sends_each_transaction_once(chain):
    deployer = Deployer(chain, ACCOUNT)
    deployer.create("A", "0x6001")
    deployer.flush()
    deployer.flush()
    assert [len(sent) for sent, _ in chain.mined] == [1, 0]


def test_create_above__floor__first_address_of_the_search_at_or_above_it(chain):
    deployer = Deployer(chain, ACCOUNT)
    address = deployer.create_above(FLOOR, "Quote", "0x60016002")
    deployer.flush()
    (sent,) = chain.mined[0][0]
    assert int(address, 16) >= int(FLOOR, 16)
    assert sent.to == CREATE2_FACTORY
    assert sent.data.endswith("60016002")
    assert len(sent.data) == 2 + 64 + 8
    assert Deployer(chain, ACCOUNT).create_above(FLOOR, "Quote", "0x60016002") == address
