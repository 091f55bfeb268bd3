"""What tells a pooler that lends sessions by transaction from one that keeps them, and from the server itself."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from agent.errors import DataError
from agent.ledger.pooler import require_own_session

URL = "postgresql+psycopg://anne:hunter2@db/ledger"


class Engine:
    """Connections whose server process a function tells, by who asks and whether a transaction of ours is over."""

    def __init__(self, announced: int | None, process: Callable[[int, int], int]) -> None:
        self.url = make_url(URL)
        self.announced, self.process = announced, process
        self.open, self.opened = 0, 0

    def connect(self) -> Connection:
        self.opened += 1
        return Connection(self, self.opened - 1)


class Connection:
    def __init__(self, engine: Engine, number: int) -> None:
        self._engine, self._number, self._asked = engine, number, 0

    def __enter__(self) -> Connection:
        self._engine.open += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.open -= 1

    @property
    def connection(self) -> Any:
        announced = self._engine.announced
        driver = None if announced is None else SimpleNamespace(info=SimpleNamespace(backend_pid=announced))
        return SimpleNamespace(driver_connection=driver)

    def execute(self, statement: Any) -> Any:
        assert str(statement) == "SELECT pg_backend_pid()"
        self._asked += 1
        process = self._engine.process(self._number, self._asked)
        return SimpleNamespace(scalar_one=lambda: process)

    def commit(self) -> None:
        """End the transaction: a pooler may lend the session to another from here on."""


def test_require_own_session__server_itself__asks_nobody_else():
    engine = Engine(7, lambda number, asked: 7)
    require_own_session(engine)
    assert (engine.opened, engine.open) == (1, 0)


def test_require_own_session__no_driver_that_tells__is_taken():
    engine = Engine(None, lambda number, asked: 7)
    require_own_session(engine)
    assert engine.opened == 1


def test_require_own_session__pooler_that_keeps_sessions__is_taken():
    engine = Engine(1, lambda number, asked: 100 + number)
    require_own_session(engine)
    assert (engine.opened, engine.open) == (5, 0)


def lent_to(other: int) -> Callable[[int, int], int]:
    """Our session, 100, is lent to one of the others; we get a free one afterwards."""
    return lambda number, asked: 100 if number in (0, other) else 100 + number


@pytest.mark.parametrize("other", [1, 2, 3, 4])
def test_require_own_session__another_gets_our_session__is_refused(other):
    engine = Engine(1, lent_to(other))
    with pytest.raises(DataError, match="pool_mode = transaction; name the server itself") as caught:
        require_own_session(engine)
    assert "hunter2" not in str(caught.value)
    assert (engine.opened, engine.open) == (1 + other, 0)


def test_require_own_session__we_get_another_session__is_refused():
    engine = Engine(1, lambda number, asked: 100 if (number, asked) == (0, 1) else 200 + number)
    with pytest.raises(DataError, match="gives every transaction another session"):
        require_own_session(engine)
    assert engine.open == 0
