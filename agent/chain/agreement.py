"""What a quorum of servers agrees on, request by request; reverts are compared by what they mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from agent.chain.failures import RevertedError
from agent.chain.reverts import UNKNOWN_REVERT, decode_revert
from agent.chain.transport import Answer

Key = Callable[[Any], Hashable]
"""Returns what of a result must be the same for two servers to agree."""


def plain_key(result: Any) -> Hashable:
    """Return a result as it is, but for the case of hexadecimal digits and the order of fields."""
    return json.dumps(result, sort_keys=True).lower()


def revert_key(reverted: RevertedError) -> Hashable | None:
    """Return what a revert means: the error's name and arguments; None where a server keeps the reason to itself."""
    meaning = decode_revert(reverted.data, reverted.message)
    if meaning.name == UNKNOWN_REVERT and meaning.arguments["data"] == "0x":
        return None
    return meaning.name, json.dumps(meaning.arguments, sort_keys=True, default=str)


def most_agreed(answers: Sequence[Answer], key: Key = plain_key) -> tuple[Answer, int, list[int]]:
    """Return the answer that most servers give, how many do, and the positions of those that contradict it.

    Clients word reverts in different ways, and some keep the reason to themselves: such a revert agrees with any.
    """
    bare = [index for index, answer in enumerate(answers) if _is_bare(answer)]
    votes: dict[Hashable, list[int]] = {}
    for index, answer in enumerate(answers):
        if index not in bare:
            votes.setdefault(_key_of(answer, key), []).append(index)
    reverts = [indices for indices in votes.values() if isinstance(answers[indices[0]].failure, RevertedError)]
    for indices in reverts:
        indices.extend(bare)
    most = max((*votes.values(), *([] if reverts or not bare else [bare])), key=len)
    return answers[most[0]], len(most), [index for index in range(len(answers)) if index not in most]


def agreed_batch(batches: Sequence[Sequence[Answer]], quorum: int, key: Key = plain_key) -> list[Answer] | None:
    """Return the answers of a batch that a quorum gives to each request, None while one of them has no quorum."""
    verdicts: list[Answer] = []
    for answers in zip(*batches, strict=True):
        answer, count, _ = most_agreed(answers, key)
        if count < quorum:
            return None
        verdicts.append(answer)
    return verdicts


def contradicting(batches: Sequence[Sequence[Answer]], key: Key = plain_key) -> set[int]:
    """Return the positions of the servers that contradict what most say, to any request."""
    return {index for answers in zip(*batches, strict=True) for index in most_agreed(answers, key)[2]}


def _is_bare(answer: Answer) -> bool:
    return isinstance(answer.failure, RevertedError) and revert_key(answer.failure) is None


def _key_of(answer: Answer, key: Key) -> Hashable:
    if isinstance(answer.failure, RevertedError):
        return "reverted", revert_key(answer.failure)
    return "result", key(answer.result)
