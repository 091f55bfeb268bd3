"""What was sent is waited for, though servers disagree or are silent meanwhile."""

from __future__ import annotations

import pytest

from agent.chain import waiting
from agent.chain.waiting import wait_for_receipt
from agent.errors import FatalError, TransientError

RECEIPT = {"status": "0x1"}


class ClientDouble:
    """Answers as told, one answer after the other, and the last one for ever."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)

    def receipts(self, hashes: list[str]) -> list[object]:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return [answer]


def test_wait_for_receipt__servers_disagree_and_then_agree__returns_it():
    client = ClientDouble(TransientError("servers disagree on a receipt"), None, RECEIPT)
    assert wait_for_receipt(client, "0x01", 30.0) == RECEIPT


def test_wait_for_receipt__not_there_yet__rests_between_two_questions(monkeypatch):
    rests: list[float] = []
    monkeypatch.setattr(waiting.time, "sleep", rests.append)
    assert wait_for_receipt(ClientDouble(None, None, RECEIPT), "0x01", 30.0) == RECEIPT
    assert rests == [0.1, 0.1]


def test_wait_for_receipt__never_mined__is_none():
    assert wait_for_receipt(ClientDouble(None), "0x01", 0.0) is None


def test_wait_for_receipt__what_no_waiting_mends__is_raised():
    with pytest.raises(FatalError):
        wait_for_receipt(ClientDouble(FatalError("no such method")), "0x01", 30.0)
