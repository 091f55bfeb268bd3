"""A head that went back is a server that lags, unless another branch shows, or it stays so for a minute."""

from __future__ import annotations

import pytest

from agent.chain.head_memory import HeadMemory
from agent.domain import BlockRef
from agent.errors import TransientError
from agent.units import BlockHash, Seconds, Wei

T0 = 1_700_000_000.0


def block(number: int, branch: str = "a") -> BlockRef:
    return BlockRef(number, BlockHash(f"0x{branch}{number:063x}"), Seconds(number), Wei(1))


def memory_at(*numbers: int) -> HeadMemory:
    memory = HeadMemory()
    for number in numbers:
        memory.accept(block(number), T0)
    return memory


def test_newest__nothing_seen__lies_before_the_first_block():
    memory = HeadMemory()
    assert memory.newest == -1
    memory.accept(block(0), T0)
    assert memory.newest == 0


@pytest.mark.parametrize("number", [9, 10])
def test_accept__behind_the_newest__is_refused_seen_or_not(number):
    memory = memory_at(9, 11)
    with pytest.raises(TransientError, match=f"went back from block 11 to {number}"):
        memory.accept(block(number), T0)
    assert memory.newest == 11
    memory.accept(block(11), T0)
    memory.accept(block(12), T0)
    assert memory.newest == 12


def test_accept__another_branch_shows__is_the_chains_own_at_once():
    memory = memory_at(9, 10, 11)
    memory.accept(block(10, "b"), T0)
    assert memory.newest == 10
    memory.accept(block(11, "b"), T0)
    memory.accept(block(9, "c"), T0)
    assert memory.newest == 9


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_accept__behind_for_a_minute__is_believed(sign):
    """By a clock that may be set back meanwhile; the minute begins with the first time that it was behind."""
    memory = memory_at(11)
    for seconds in (0.0, 30.0, 59.9):
        with pytest.raises(TransientError):
            memory.accept(block(10), T0 + sign * seconds)
    memory.accept(block(10), T0 + sign * 60.0)
    assert memory.newest == 10


def test_accept__caught_up_in_between__the_minute_begins_anew():
    memory = memory_at(11)
    with pytest.raises(TransientError):
        memory.accept(block(10), T0)
    memory.accept(block(11), T0 + 59.0)
    with pytest.raises(TransientError):
        memory.accept(block(10), T0 + 61.0)


def test_accept__long_run__remembers_the_last_256_alone():
    """Of a block that is forgotten another hash shows no other branch."""
    memory = memory_at(*range(1, 302))
    with pytest.raises(TransientError):
        memory.accept(block(45, "b"), T0)
    memory.accept(block(46, "b"), T0)
    assert memory.newest == 46


def test_accept__went_back__forgets_what_lay_beyond():
    """What was 11 on the branch left behind is no reason to doubt, or to believe, the new 11's successors."""
    memory = memory_at(9, 10, 11, 12)
    memory.accept(block(10, "b"), T0)
    memory.accept(block(13, "b"), T0)
    with pytest.raises(TransientError):
        memory.accept(block(12, "b"), T0)
