"""What waits on the access manager: the latest scheduling of each operation, while the contract says that it stands."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode

from agent.chain.abi import Call, Log, load_abi
from agent.chain.block_id import BlockId
from agent.chain.deployment import Deployment
from agent.chain.operations import EXPIRATION_SECONDS, Operation, scheduled_operations
from agent.domain import BlockRef
from agent.units import Address, BlockHash, Seconds, Wei

ACCESS = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
GOVERNOR = Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
TARGET = Address("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512")
BLOCK = BlockRef(90, BlockHash("0x" + "90" * 32), Seconds(1_000), Wei(1))
DEPLOYMENT = Deployment.model_validate(
    {
        "chain_id": 31_337,
        "network": "localnet",
        "block": 7,
        "asset": {"address": TARGET, "decimals": 6, "symbol": "USDC"},
        "contracts": {"VaultAccess": ACCESS},
        "venues": [],
        "roles": {},
        "governor_delay_seconds": 86_400,
    }
)
FIRST, SECOND, THIRD = (bytes([number]) * 32 for number in (1, 2, 3))


def scheduled(operation: bytes, ready_at: int, data: bytes = b"\x12\x34", nonce: int = 1) -> Log:
    event = load_abi("VaultAccess").event("OperationScheduled")
    values = {
        "operationId": operation,
        "nonce": nonce,
        "schedule": ready_at,
        "caller": GOVERNOR,
        "target": TARGET,
        "data": data,
    }
    indexed = [(name, kind) for name, kind, is_indexed in event.parameters if is_indexed]
    plain = [(name, kind) for name, kind, is_indexed in event.parameters if not is_indexed]
    topics = (event.topic, *("0x" + encode((kind,), (values[name],)).hex() for name, kind in indexed))
    content = "0x" + encode([kind for _, kind in plain], [values[name] for name, _ in plain]).hex()
    return Log(ACCESS, topics, content, 8, BlockHash("0x08"), "0x08", 0)


class FakeClient:
    """Has logs, and what the contract says of each operation; None where the call reverts."""

    def __init__(self, logs: list[Log], schedule: dict[bytes, int | None]) -> None:
        self._logs = logs
        self._schedule = schedule

    def logs(self, emitters: Any, topics: Any, first: int, last: BlockId, anchor: Any) -> list[Log]:
        event = load_abi("VaultAccess").event("OperationScheduled")
        assert (emitters, topics, first, last, anchor) == ([ACCESS], [event.topic], 7, BlockId.of(BLOCK), None)
        return self._logs

    def read_or_none(self, calls: list[Call], block: BlockRef) -> list[tuple[int] | None]:
        asked = load_abi("VaultAccess").function("getSchedule")
        answers: list[tuple[int] | None] = []
        for call in calls:
            [operation] = [one for one in self._schedule if asked.at(ACCESS, one) == call]
            said = self._schedule[operation]
            answers.append(None if said is None else (said,))
        assert block == BLOCK
        return answers


def operations(logs: list[Log], schedule: dict[bytes, int | None]) -> tuple[Operation, ...]:
    return scheduled_operations(FakeClient(logs, schedule), DEPLOYMENT, BLOCK)


def test_scheduled_operations__those_that_stand__the_first_to_be_ready_in_front():
    logs = [scheduled(FIRST, 3_000), scheduled(SECOND, 2_000), scheduled(THIRD, 4_000)]
    found = operations(logs, {FIRST: 3_000, SECOND: 2_000, THIRD: 0})
    assert found == (
        Operation("0x" + SECOND.hex(), GOVERNOR, TARGET, b"\x12\x34", Seconds(2_000)),
        Operation("0x" + FIRST.hex(), GOVERNOR, TARGET, b"\x12\x34", Seconds(3_000)),
    )
    assert found[0].expires_at == 2_000 + EXPIRATION_SECONDS == 2_000 + 7 * 86_400


def test_scheduled_operations__scheduled_again__is_one_with_its_latest_time():
    logs = [scheduled(FIRST, 2_000), scheduled(FIRST, 9_000, nonce=2)]
    assert [one.ready_at for one in operations(logs, {FIRST: 9_000})] == [9_000]


def test_scheduled_operations__contract_cannot_say__stands_as_it_was_scheduled():
    never = 2**48 - 1
    assert [one.ready_at for one in operations([scheduled(FIRST, never)], {FIRST: None})] == [never]


@pytest.mark.parametrize("logs", [[], None])
def test_scheduled_operations__nothing_scheduled__none(logs):
    assert operations(logs, {}) == ()
