"""A vault's status to be watched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.budgets import Available
from agent.status.records import KeeperStatus, ModeStatus, OracleStatus, ShareStatus, VaultStatus
from agent.units import Address, AssetUnits, Seconds, Wei
from agent.venues.maintenance import Maintenance
from tests.support.decision_builders import held, snapshot_of, wad

ADDRESS = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")


def status_of(**changes) -> VaultStatus:
    snapshot = snapshot_of(held(50.0))
    now = snapshot.block.timestamp
    status = VaultStatus(
        network="localnet",
        chain_id=31_337,
        vault=ADDRESS,
        asset_decimals=6,
        block=snapshot.block,
        shares=ShareStatus("Vault", *map(AssetUnits, (4, 4, 1, 3, 1)), None),
        modes=ModeStatus(None, False, False),
        bounds=snapshot.bounds,
        budget_left=Available(wad(200_000), wad(3_000)),
        is_breaker_tripped=False,
        measurement=snapshot.measurement,
        book_delta=(wad(-1), wad(0)),
        book_sources=1,
        venue_names=tuple("one" for _ in snapshot.venues),
        markets=tuple(None for _ in snapshot.venues),
        maintenance=tuple(Maintenance(0.0625) for _ in snapshot.venues),
        oracle=OracleStatus(wad(3_000), Seconds(now - 15), 3_600, ()),
        keepers=(KeeperStatus(ADDRESS, True, Wei(10**17), 12, None, Available(wad(100_000), wad(2_000))),),
        scheduled=(),
    )
    return replace(status, **changes)


@pytest.fixture
def status_builder():
    return status_of
