"""When a head that somebody tells of is worth a look, by a clock of the test's own."""

from __future__ import annotations

from agent.chain.hint_gate import LOOKS_A_HINT, HintGate
from agent.units import BlockHash

LEAST_SECONDS = 5.0


def hash_of(number: int) -> BlockHash:
    return BlockHash(f"0x{number:064x}")


def gate_told(*numbers: int) -> HintGate:
    gate = HintGate(LEAST_SECONDS)
    for number in numbers:
        gate.tell(number, hash_of(number))
    return gate


def test_due_in__nothing_told__never() -> None:
    assert HintGate(LEAST_SECONDS).due_in(10, 0.0) is None


def test_due_in__a_newer_head__at_once() -> None:
    assert gate_told(11).due_in(10, 0.0) == 0.0


def test_due_in__a_head_acted_on_already__never() -> None:
    assert gate_told(9, 10).due_in(10, 0.0) is None


def test_due_in__a_head_that_does_not_show__a_second_look_and_no_more() -> None:
    gate = gate_told(10**18)
    waits = []
    now = 0.0
    while (due := gate.due_in(10, now)) is not None:
        waits.append(due)
        now += due
        gate.looks(now)
    assert waits == [0.0, LEAST_SECONDS]
    assert len(waits) == LOOKS_A_HINT


def test_due_in__told_again_by_another_server__no_news() -> None:
    gate = gate_told(11)
    for _ in range(LOOKS_A_HINT):
        gate.looks(0.0)
    gate.tell(11, hash_of(11))
    assert gate.due_in(10, 60.0) is None


def test_due_in__a_flood_of_invented_heads__one_look_in_the_least_time() -> None:
    gate, looks, now = HintGate(LEAST_SECONDS), 0, 0.0
    for number in range(1_000):
        gate.tell(10**9 + number, hash_of(10**9 + number))
        now = number * 0.01
        if gate.due_in(10, now) == 0.0:
            gate.looks(now)
            looks += 1
    assert looks == 2  # in ten seconds, one look in five
