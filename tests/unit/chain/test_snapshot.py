"""A snapshot whose servers answer in part at first, and whole when asked again."""

from __future__ import annotations

from typing import Any

import pytest

from agent.chain.snapshot import SnapshotReader
from tests.unit.chain.test_state import ANSWERS, BLOCK, deployment, vault_answers, venue


class FlakyClient:
    """Shows a revert in place of one of the vault's own answers, once."""

    def __init__(self, missing: int) -> None:
        self._missing = missing
        self.asked_again = 0

    def read_or_none(self, calls: Any, _block: Any) -> list[Any]:
        outputs: list[Any] = [*vault_answers(venue(3, 3), venue(3, 3)), *ANSWERS, *ANSWERS]
        whole = len(calls) == len(outputs)
        outputs += [(0, 0)] * (len(calls) - len(outputs))
        if not whole:
            outputs[self._missing] = None
        return outputs

    def read(self, calls: Any, _block: Any) -> list[Any]:
        self.asked_again += 1
        return vault_answers(venue(3, 3), venue(3, 3))[: len(calls)]


@pytest.mark.parametrize("missing", [0, 3, 11])
def test_snapshot__revert_that_is_none_when_asked_again__is_read_whole(missing):
    """Was a ValueError that ended the keeper."""
    client = FlakyClient(missing)
    snapshot, state = SnapshotReader(client, deployment()).snapshot(BLOCK)
    assert client.asked_again == 1
    assert snapshot.measurement == state.measurement
    assert state.is_keeper
