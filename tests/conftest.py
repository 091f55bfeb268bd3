"""What every suite shares: where the repository is and where real market data lies."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def market_data() -> Path:
    """Directory of real market data, which stands beside the repository and is never copied into it."""
    directory = REPOSITORY.parent / "shared" / "data"
    if not directory.is_dir():
        pytest.skip("real market data is not beside this checkout (expected ../shared/data)")
    return directory


@pytest.fixture(scope="session")
def postgresql():
    """A real PostgreSQL server; take a `fresh_database` of it in each test."""
    from tests.support.postgresql import postgresql_server  # noqa: PLC0415 - its driver is needed by few suites

    with postgresql_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request, tmp_path: Path) -> str:
    """URL of a ledger that is not there yet, on each kind of database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/not/there/ledger.sqlite"
    return request.getfixturevalue("postgresql").fresh_database()


@pytest.fixture(scope="session")
def keeper_chain(tmp_path_factory):
    """A local chain with a funded vault; take a `fresh` copy of it in each test."""
    from tests.support.keeper_world import keeper_world  # noqa: PLC0415 - suites without a chain need not load the keeper

    with keeper_world(tmp_path_factory.mktemp("keeper")) as world:
        yield world
