"""An executor on a scripted chain."""

from __future__ import annotations

import pytest

from agent.execution.submit import Executor
from agent.ledger.database import Database
from agent.ledger.records import VaultIdentity
from tests.support.scripted_execution import VAULT, FakeChain, FakeScanner, FakeTime, block, executor_of


@pytest.fixture
def chain() -> FakeChain:
    return FakeChain()


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime()


@pytest.fixture
def scanner() -> FakeScanner:
    return FakeScanner()


@pytest.fixture
def ledger(tmp_path):
    with Database.open(f"sqlite:///{tmp_path}/ledger.sqlite", "vault", "key") as database:
        yield database.vault(VaultIdentity(31_337, VAULT, 1, block(1).hash))


@pytest.fixture
def executor(chain, ledger, scanner, clock) -> Executor:
    return executor_of(chain, ledger, clock, scanner)
