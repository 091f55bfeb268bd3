"""HEDGE-639: the keeper's loop trades options of the real Lyra, beside a scripted perp, and keeps its books."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from agent.backtest.price_series import PriceSeries
from agent.chain.abi import Event, load_abi
from agent.cli.ledger import app as ledger_commands
from agent.demo import replay
from agent.demo.scenario import Scenario
from agent.execution.settlement import Timer
from agent.execution.submit import Executor
from agent.files.book_file import load_kept_book
from agent.keeper.alerts import AlertEvent
from agent.keeper.keeper import Keeper
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.records import IntentState, OptionEventKind, Purpose
from agent.report.attribution import OPTIONS as OPTION_GAIN
from agent.report.attribution import attribute_replay
from agent.settings import load_settings
from agent.units import WAD, Seconds
from agent.venues.protocol import FundingEvent, MaintenanceView, VenueProtocol
from agent.venues.registry import VENUE_PROTOCOLS
from tests.support.lyra_keeper import OPTIONS, write_book, write_settings
from tests.support.lyra_vault import CAPS, CASH_USD, NAV_USD, LyraVault, Order, afresh, open_lyra_vault

pytestmark = pytest.mark.chain

MAX_ERROR_BPS = 1.0
EXECUTION_CAP = 3_000_000
"""As the networks' files have it: too little for a trade of options."""
SCRIPTED = "scripted"
CENT_USD = 0.01
REFUSING_CODE = "0x5f5ffd"
"""PUSH0 PUSH0 REVERT."""


@pytest.fixture(scope="module")
def opened() -> Iterator[LyraVault]:
    with open_lyra_vault(has_perp=True) as vault:
        yield vault


@pytest.fixture
def vault(opened: LyraVault, monkeypatch: pytest.MonkeyPatch) -> Iterator[LyraVault]:
    """Afresh; the agent knows the scripted perp as a protocol whose funding never settles."""
    never = Event.from_abi(
        {
            "name": "NeverSettled",
            "inputs": [
                {"name": "account", "type": "address", "indexed": True},
                {"name": "paid", "type": "int256", "indexed": False},
            ],
        }
    )
    own_vault = load_abi("IPerpVenue").function("vault")
    monkeypatch.setitem(
        VENUE_PROTOCOLS,
        SCRIPTED,
        VenueProtocol(
            title="Scripted",
            adapter="ScriptedVenue",
            adapter_addresses=(),
            funding=FundingEvent(never, own_vault, "account", "paid"),
            maintenance=MaintenanceView((), own_vault, 1),
            account_events=(),
        ),
    )
    with afresh(opened):
        yield opened


@contextmanager
def keeper_of(vault: LyraVault, directory: Path, *, is_shadow: bool = False, **options: object) -> Iterator[Keeper]:
    """A keeper of the vault, on the ledger in the directory."""
    path = write_settings(vault, directory, SCRIPTED, options=OPTIONS | options)
    text = path.read_text().replace("max_gas_units = 10000000", f"max_gas_units = {EXECUTION_CAP}")
    assert str(EXECUTION_CAP) in text
    path.write_text(text)
    timer = Timer(lambda: float(vault.now()), lambda: float(vault.now()), lambda _: vault.mine_waiting())
    book = load_kept_book(write_book(vault, directory))
    with Keeper.build(load_settings(path), book, {}, timer, is_shadow=is_shadow) as keeper:
        yield keeper


def assert_books_agree(result: CycleResult) -> None:
    assert result.nav is not None
    assert result.nav.error_bps < MAX_ERROR_BPS
    assert not result.guard_mirror_mismatch


# HEDGE-639
def test_cycle__short_gamma_book__buys_options_then_decides_on_the_perp(vault, tmp_path) -> None:
    before = vault.risk()
    with keeper_of(vault, tmp_path) as keeper:
        first = keeper.cycle()
        [act] = first.options
        assert act.is_executed, act.words
        assert_books_agree(first)
        after = vault.risk()
        assert after.gamma < before.gamma
        assert abs(after.vega) < abs(before.vega)
        assert (after.held_gamma <= CAPS[0], after.held_vega <= CAPS[1]) == (True, True)
        assert first.view is not None
        assert first.view.held, "the perp is decided on a book that has the options"
        [ended] = keeper.ledger.closed_errands(5, Purpose.OPTION)
        assert ended.state is IntentState.EXECUTED
        assert keeper.ledger.closed_errands(5, Purpose.ORDER) == []
        [signed] = keeper.ledger.transactions_of(ended.intent_id)
        assert (signed.purpose, EXECUTION_CAP < signed.gas_limit <= 8_000_000) == (Purpose.OPTION, True)
        events = keeper.ledger.option_events()
        assert {event.intent_id for event in events} == {ended.intent_id}
        vault.mine_one()
        second = keeper.cycle()
        assert_books_agree(second)


# HEDGE-639
def test_cycle__killed_after_sending__the_next_one_goes_on_and_trades_once(vault, tmp_path) -> None:
    class Killed(BaseException):
        """The process ends here."""

    with keeper_of(vault, tmp_path) as keeper, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Executor, "_wait", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            keeper.cycle()
        assert len(keeper.ledger.open_intents()) == 1
    with keeper_of(vault, tmp_path) as keeper:
        result = keeper.cycle()
        assert result.resumed is IntentState.EXECUTED
        assert_books_agree(result)
        intents = {event.intent_id for event in keeper.ledger.option_events()}
        again = {ended.intent_id for ended in keeper.ledger.closed_errands(5, Purpose.OPTION)}
        assert intents == again
        assert keeper.ledger.open_intents() == []


# HEDGE-639
def test_cycle__trades_revert_in_a_row__rests_tells_and_is_over_with_the_next(vault, tmp_path, caplog) -> None:
    """Simulated they pass, and mined they revert: Lyra's circuit breaker may trip in between."""
    rpc = vault.chain.rpc.request
    with keeper_of(vault, tmp_path) as keeper:
        execution, send = keeper.planner.settings.execution, keeper.planner.client.send_raw
        code = rpc("eth_getCode", vault.venue, "latest")

        def sends_too_late(raw):
            rpc("anvil_setCode", vault.venue, REFUSING_CODE)
            outcome = send(raw)
            vault.mine_waiting()
            rpc("anvil_setCode", vault.venue, code)
            return outcome

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(keeper.planner.client, "send_raw", sends_too_late)
            for _ in range(execution.max_reverts_in_row + 1):
                assert vault.holdings() == []
                result = keeper.cycle()
                vault.pass_time_to(vault.now() + 30)
        assert [act.words for act in result.options] == ["options wait: the last trades of them reverted"]
        assert AlertEvent.OPTION_ERRANDS_REVERT in keeper.alerts.up
        told = f"the last {execution.max_reverts_in_row} trades of options reverted, the newest: "
        assert caplog.text.count(told) == 1
        vault.pass_time_to(vault.now() + execution.revert_rest_seconds + execution.deadline_seconds)
        vault.publish()
        assert keeper.cycle().options[0].is_executed
        vault.mine_one()
        assert_books_agree(keeper.cycle())
        assert AlertEvent.OPTION_ERRANDS_REVERT not in keeper.alerts.up


# HEDGE-639
def test_cycle__reduce_only__buys_nothing_and_sells_what_adds_risk(vault, tmp_path) -> None:
    near = vault.near_the_money(0)
    vault.trade(Order(near, True, 3 * WAD), Order(near, False, 3 * WAD))
    vault.act(vault.guardian, vault.vault, "setReduceOnly()")
    with keeper_of(vault, tmp_path) as keeper:
        result = keeper.cycle()
    assert_books_agree(result)
    [act] = result.options
    assert act.view is not None
    assert act.view.sells_only
    assert all(held.size <= 3 * WAD for held in vault.holdings())


# HEDGE-639
def test_cycle__vault_paused__trades_no_option(vault, tmp_path) -> None:
    vault.act(vault.guardian, vault.vault, "pause()")
    with keeper_of(vault, tmp_path) as keeper:
        result = keeper.cycle()
    assert [act.words for act in result.options] == ["options: the vault is paused, and trades no option"]
    assert vault.holdings() == []


# HEDGE-639
def test_cycle__shadow__plans_and_sends_nothing(vault, tmp_path) -> None:
    with keeper_of(vault, tmp_path, is_shadow=True) as keeper:
        result = keeper.cycle()
        assert keeper.ledger.closed_errands(5, Purpose.OPTION) == []
    [act] = result.options
    assert act.words.endswith("; a shadow sends nothing")
    assert vault.holdings() == []


# HEDGE-639
def test_cycle__gas_limit_of_options_too_low__hedges_on_and_says_why(vault, tmp_path) -> None:
    with keeper_of(vault, tmp_path, max_gas_units=5_000_000) as keeper:
        result = keeper.cycle()
    [act] = result.options
    assert "not sent: GasLimitExceeded" in act.words
    assert result.outcome in (Outcome.HELD, Outcome.EXECUTED)
    assert vault.holdings() == []


# HEDGE-639
@pytest.mark.parametrize("spot_usd", [1_900.0, 1_600.0])
def test_cycle__options_expired__are_settled_before_anything_is_planned(vault, tmp_path, spot_usd) -> None:
    with keeper_of(vault, tmp_path) as keeper:
        assert keeper.cycle().options[0].is_executed
        held = vault.holdings()
        idle = vault.balance(vault.vault)
        vault.pass_time_to(vault.expiry() + 3_600)
        vault.publish(spot_usd)
        result = keeper.cycle()
        settled = [act for act in result.options if act.words.startswith("settle ")]
        assert (len(settled), all(act.is_executed for act in settled)) == (len(held), True)
        assert_books_agree(result)
        kinds = [event.kind for event in keeper.ledger.option_events()]
        assert kinds.count(OptionEventKind.BROUGHT_HOME) == kinds.count(OptionEventKind.SETTLED) == len(held)
    assert vault.holdings() == []
    assert vault.balance(vault.vault) > idle


# HEDGE-637
def test_cycle__cash_wanted_at_the_venue__is_sent_once_nothing_else_is_due(vault, tmp_path) -> None:
    spent, wanted = CASH_USD * WAD, 45_000
    with keeper_of(vault, tmp_path, cash_usd=wanted) as keeper:
        for _ in range(6):
            result = keeper.cycle()
            assert_books_agree(result)
            vault.pass_time_to(vault.now() + 600)
            vault.publish()
            if vault.cash() > spent:
                break
    assert "so that options can be bought" in result.reason
    assert vault.cash() == pytest.approx(wanted * WAD, rel=1e-9)


# HEDGE-638
def test_ledger_options__after_a_cycle__tells_what_was_paid_and_is_held(vault, tmp_path) -> None:
    with keeper_of(vault, tmp_path) as keeper:
        assert keeper.cycle().options[0].is_executed
    told = CliRunner().invoke(ledger_commands, ["options", "--network", str(tmp_path / "lyra.toml"), "--json"])
    assert told.exit_code == 0, told.output
    rows = json.loads(told.stdout)
    assert sum(row["paid_usd"] for row in rows) == pytest.approx(CASH_USD - vault.cash() / WAD)
    assert [row["held"] for row in rows] == [held.size / WAD for held in vault.holdings()]


# HEDGE-638
def test_report__bought_moved_and_expired__options_have_their_line_to_the_cent(vault, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(replay, "provenance", lambda scenario, world, bounds: {})
    path = PriceSeries("ETHUSD", np.array([vault.now()]), np.array([vault.spot_usd]), Seconds(3_600), "scripted", None)
    with keeper_of(vault, tmp_path) as keeper:
        scenario = Scenario("Lyra", path, keeper.planner.book, "scripted", 0, float(NAV_USD))
        recorder = replay.Recorder(scenario, keeper, 18, float, {})
        assert recorder.record(keeper.cycle()).options is None, "a step tells what was there before its own trade"
        for spot_usd, at_unix in ((1_800.0, vault.now() + 3_600), (1_900.0, vault.expiry() + 3_600)):
            vault.pass_time_to(at_unix)
            vault.publish(spot_usd)
            recorder.record(keeper.cycle())
        report = recorder.report(None, 1.0)
        assert vault.holdings() == []
    gains, found = report.options, attribute_replay(report)
    assert gains is not None
    assert (gains.premium_paid_usd > 0.0, gains.payoff_usd > 0.0, gains.value_usd) == (True, True, 0.0)
    assert found.hedge_usd(OPTION_GAIN) == pytest.approx(gains.total_usd, abs=CENT_USD)
    nav_change_usd = report.summary.vault_nav_usd - NAV_USD
    causes = [found.hedge_usd(cause) for cause in found.causes if cause != "gas"]
    assert sum(causes) == pytest.approx(nav_change_usd, abs=CENT_USD)
    assert report.unexplained_usd == pytest.approx(0.0, abs=CENT_USD)
