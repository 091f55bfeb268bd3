"""What a quorum of servers agrees on, request by request; reverts are compared by what they mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from agent.chain import shapes
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


def receipt_key(receipt: Any) -> Hashable:
    """Return what of a receipt every client tells in the same way."""
    if receipt is None:
        return None
    numbers = tuple(int(receipt[name], 16) for name in ("blockNumber", "status", "gasUsed", "effectiveGasPrice"))
    return receipt["blockHash"].lower(), numbers, tuple(shapes.logs(receipt["logs"]))


def confirmed(told: Sequence[int], quorum: int) -> int | None:
    """Return the highest number that a quorum says is reached, None while too few have told theirs."""
    return sorted(told, reverse=True)[quorum - 1] if len(told) >= quorum else None


def middle_estimate(answers: Sequence[Answer], quorum: int) -> Answer | None:
    """Return the middle one of a quorum's estimates, or the revert that a quorum meets; None while there is neither."""
    told = sorted((answer for answer in answers if answer.failure is None), key=lambda answer: int(answer.result))
    if len(told) >= quorum:
        return told[len(told) // 2]
    reverted = [answer for answer in answers if answer.failure is not None]
    return reverted[0] if len(reverted) >= quorum else None


def _is_bare(answer: Answer) -> bool:
    return isinstance(answer.failure, RevertedError) and revert_key(answer.failure) is None


def _key_of(answer: Answer, key: Key) -> Hashable:
    if isinstance(answer.failure, RevertedError):
        return "reverted", revert_key(answer.failure)
    return "result", key(answer.result)
