"""Two keepers of one vault on one ledger: one is at work, the other stands by, and the vault is hedged once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from agent.keeper.keeper import Keeper
from agent.keeper.result import Outcome
from agent.ledger import schema
from agent.ledger.lease import Lease, LeaseHeldError
from agent.observability.heartbeat import ServiceManager, StartStandby
from agent.units import Address
from tests.support.keeper_world import KeeperWorld

pytestmark = pytest.mark.chain


@pytest.fixture
def world(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield fresh


def let_the_lease_lapse(keeper: Keeper) -> None:
    """Make it long ago that a keeper renewed its lease, as if it had been stopped since."""
    with keeper._database.engine.begin() as connection:
        connection.execute(update(schema.leases).values(renewed_at=schema.leases.c.renewed_at - 1_000.0))


def test_keeper__stopped_and_replaced__comes_back_and_hedges_once(world: KeeperWorld):
    with world.keeper() as first:
        assert first.cycle().outcome is Outcome.EXECUTED
        let_the_lease_lapse(first)
        with world.keeper() as second:
            assert second.cycle().outcome is Outcome.HELD
            world.step(3_400.0)
            traded = second.cycle()
            assert traded.outcome is Outcome.EXECUTED
            with pytest.raises(LeaseHeldError, match="is in use by another keeper"):
                first.cycle()
        again = first.cycle()
        assert again.outcome is Outcome.HELD
        assert again.nav.error_bps <= 1.0
        assert_booked_once(world, first)
    assert len(world.events("Rebalanced")) == 2


def test_keeper__replaced_after_it_looked__tells_no_nav_break(world: KeeperWorld, caplog, monkeypatch):
    with world.keeper() as first:
        assert first.cycle().outcome is Outcome.EXECUTED
        see = first.planner.see

        def replaced_meanwhile(head):
            sight = see(head)
            let_the_lease_lapse(first)
            with world.keeper() as second:
                world.step(3_400.0)
                assert second.cycle().outcome is Outcome.EXECUTED
            return sight

        monkeypatch.setattr(first.planner, "see", replaced_meanwhile)
        with pytest.raises(LeaseHeldError):
            first.cycle()
    assert "nav_break" not in caplog.text


def assert_booked_once(world: KeeperWorld, keeper: Keeper) -> None:
    """Compare the ledger's fills with what the vault has reported."""
    legs = [leg for leg in world.events("LegExecuted") if leg["requestedSizeDelta"] != 0]
    fills = keeper.ledger.fills()
    reported = [(Address(leg["venue"]).lower(), leg["filledSizeDelta"]) for leg in legs]
    assert [(fill.venue.lower(), fill.size_delta) for fill in fills] == reported


def test_build__standing_by__waits_for_the_holder_to_end(world: KeeperWorld, monkeypatch: pytest.MonkeyPatch):
    asked = threading.Event()
    acquire = Lease.acquire

    def noticed(lease: Lease) -> None:
        try:
            acquire(lease)
        except LeaseHeldError:
            asked.set()
            raise

    with ThreadPoolExecutor(1) as threads:
        with world.keeper():
            monkeypatch.setattr(Lease, "acquire", noticed)
            waiting = threads.submit(
                Keeper.build, world.settings(), world.book(), {}, standby=StartStandby(ServiceManager({}), print)
            )
            assert asked.wait(60)
            assert not waiting.done()
        with waiting.result() as successor:
            assert successor.cycle().outcome is Outcome.EXECUTED
