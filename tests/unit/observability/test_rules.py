"""Which figures are an alert, from when, and that each alert is one that the runbook explains."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from agent.chain.artifacts import load_artifact
from agent.domain import BlockRef
from agent.errors import RejectedError
from agent.observability.alerts import Alert, AlertName, Severity
from agent.observability.board import AlertBoard
from agent.observability.figures import VaultFigures, VenueFigures, figures_of_status
from agent.observability.rules import OutsideTimer, blind_alerts, vault_alerts
from agent.settings.observability import ObservabilitySettings
from agent.units import Address, BlockHash, Seconds, Wei
from tests.support.decision_builders import wad

LIMITS = ObservabilitySettings(max_outside_seconds=600, min_rebalances_left=20, max_leverage_share_bps=9_000)


def at(seconds: int) -> BlockRef:
    return BlockRef(seconds, BlockHash("0x" + "ab" * 32), Seconds(seconds), Wei(1))


INSIDE = VaultFigures(
    block=at(1_000),
    worst=wad(5),
    band=wad(5),
    oracle_age_seconds=15,
    oracle_faults=(),
    venues=(VenueFigures("one", False, 2.0, 4.0),),
    rebalances_left=20,
    dismissed=(),
    stopped_by=(),
)
OUTSIDE = replace(INSIDE, worst=wad("5.000000000000000001"))


def names(figures: VaultFigures, outside_seconds: int = 0) -> set[AlertName]:
    return {name for name, _ in vault_alerts(figures, outside_seconds, LIMITS)}


def test_vault_alerts__all_at_its_limit__is_no_alert():
    assert names(INSIDE, 0) == set()


@pytest.mark.parametrize(
    ("figures", "outside_seconds", "expected"),
    [
        (OUTSIDE, 599, None),
        (OUTSIDE, 600, AlertName.OUTSIDE_BAND),
        (replace(INSIDE, worst=None), 0, AlertName.DELTA_UNKNOWN),
        (replace(INSIDE, band=None), 0, AlertName.DELTA_UNKNOWN),
        (replace(INSIDE, oracle_faults=("too old",)), 0, AlertName.ORACLE_UNHEALTHY),
        (replace(INSIDE, venues=(VenueFigures("one", True, 9.0, 4.0),)), 0, AlertName.VENUE_SILENT),
        (replace(INSIDE, venues=(VenueFigures("one", False, 3.59, 4.0),)), 0, None),
        (replace(INSIDE, venues=(VenueFigures("one", False, 3.6, 4.0),)), 0, AlertName.LEVERAGE_HIGH),
        (replace(INSIDE, venues=(VenueFigures("one", False, float("inf"), 4.0),)), 0, AlertName.LEVERAGE_HIGH),
        (replace(INSIDE, venues=(VenueFigures("one", False, 1.0, 4.0, 0.1),)), 0, None),
        (replace(INSIDE, venues=(VenueFigures("one", False, 1.0, 4.0, 0.0999),)), 0, AlertName.LIQUIDATION_NEAR),
        (replace(INSIDE, rebalances_left=19), 0, AlertName.GAS_MONEY_LOW),
        (replace(INSIDE, rebalances_left=None), 0, None),
        (replace(INSIDE, dismissed=("0xabc",)), 0, AlertName.KEEPER_DISMISSED),
        (replace(INSIDE, stopped_by=("paused",)), 0, AlertName.VAULT_STOPPED),
    ],
)
def test_vault_alerts__one_thing_beyond_its_limit__is_that_alert(figures, outside_seconds, expected):
    assert names(figures, outside_seconds) == ({expected} if expected else set())


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (replace(INSIDE, oracle_faults=("too old",)), ("too old", "15 s old")),
        (replace(INSIDE, worst=None, oracle_faults=("too old",)), ("no price (too old)",)),
        (replace(INSIDE, band=None), ("no price (no source answers)",)),
        (replace(INSIDE, worst=None), ("a source of the book does not answer",)),
        (
            replace(INSIDE, venues=(VenueFigures("one", False, 1.0, 4.0, 0.062),)),
            ("one liquidates 6.2% against", "wanted 10.0%"),
        ),
        (replace(INSIDE, rebalances_left=19, poorest=Address("0xabc")), ("0xabc", "19", "20", "send it more")),
        (replace(INSIDE, dismissed=("0xabc",)), ("0xabc", "evenkeel key grant")),
        (replace(INSIDE, stopped_by=("paused", "reduce-only")), ("paused, reduce-only",)),
        (replace(INSIDE, venues=(VenueFigures("one", True, 9.0, 4.0),)), ("one", "does not answer")),
    ],
)
def test_vault_alerts__what_is_told__names_what_and_where(figures, words):
    told = " ".join(text for _, text in vault_alerts(figures, 0, LIMITS))
    assert all(word in told for word in words), told


@pytest.mark.parametrize(
    ("rejection", "expected"),
    [
        ("PriceStale", AlertName.ORACLE_UNHEALTHY),
        ("PricesDisagree", AlertName.ORACLE_UNHEALTHY),
        ("SecondaryPriceNotAnswered", AlertName.ORACLE_UNHEALTHY),
        ("SequencerGrace", AlertName.ORACLE_UNHEALTHY),
        ("SourceFailed", AlertName.DELTA_UNKNOWN),
        ("SourceAlreadyRegistered", None),
        (None, None),
    ],
)
def test_blind_alerts__vault_cannot_be_read__price_or_book_is_named(rejection, expected):
    refused = None if rejection is None else RejectedError(rejection, {"ageSeconds": 3_742})
    told = dict(blind_alerts(refused))
    assert set(told) == ({expected} if expected else set())
    assert all("ageSeconds=3742" in text for text in told.values())


def test_blind_alerts__every_fault_that_refuses_a_price__is_told():
    refusals = {entry["name"] for entry in load_artifact("PriceOracle")["abi"] if entry["type"] == "error"}
    setters = {"PriceSourceRepeated", "PriceLimitOutsideHardLimit", "PriceLimitLooser"}
    of_the_price = {name for name in refusals - setters if re.search("Price|Sequencer|Collateral", name)}
    assert len(of_the_price) > 10
    assert all(dict(blind_alerts(RejectedError(name))) for name in of_the_price)


def test_outside_timer__without_a_break__counts_chain_time():
    timer = OutsideTimer()
    assert timer.seconds(replace(INSIDE, block=at(1_000))) == 0
    assert timer.seconds(replace(OUTSIDE, block=at(1_010))) == 0
    assert timer.seconds(replace(OUTSIDE, block=at(1_300))) == 290
    assert timer.seconds(replace(INSIDE, worst=None, block=at(1_400))) == 390  # not known: time runs on
    assert timer.seconds(replace(OUTSIDE, block=at(1_005))) == 0  # a reorganisation goes back, not below 0
    assert timer.seconds(replace(INSIDE, block=at(1_500))) == 0
    assert timer.seconds(replace(OUTSIDE, block=at(1_600))) == 0


class PagerDouble:
    """Writes down what it is told, and repeats nothing."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Severity]] = []

    def tell(self, alert: Alert) -> bool:
        self.told.append((alert.name, alert.severity))
        return True

    def resolve(self, name: str, text: str) -> None:
        self.told.append((name, Severity.RESOLVED))


def test_board__alert_goes__is_resolved_and_others_stay():
    pager = PagerDouble()
    board = AlertBoard(pager)
    both = {AlertName.OUTSIDE_BAND: "W", AlertName.GAS_MONEY_LOW: "gas"}
    board.show(both, [AlertName.OUTSIDE_BAND, AlertName.GAS_MONEY_LOW])
    board.show({}, [AlertName.OUTSIDE_BAND])
    assert board.up == {AlertName.GAS_MONEY_LOW}
    board.show({}, [AlertName.OUTSIDE_BAND, AlertName.INTENT_STUCK])
    assert pager.told == [
        ("outside_band", Severity.CRITICAL),
        ("gas_money_low", Severity.WARNING),
        ("outside_band", Severity.RESOLVED),
    ]


def test_figures_of_status__vault_that_trades__are_its_own(status_builder):
    status = status_builder()
    figures = figures_of_status(status)
    assert figures.block == status.block
    assert figures.oracle_age_seconds == 15
    assert figures.rebalances_left == 12
    assert figures.is_outside is (figures.worst > figures.band)
    assert figures.dismissed == figures.stopped_by == ()


def test_figures_of_status__no_price__is_not_known(status_builder):
    figures = figures_of_status(status_builder(book_delta=None))
    assert figures.worst is None
    assert figures.is_outside is None
    assert figures.worst_over_band_ratio is None


def test_runbook__every_alert__has_its_section_and_severity(repository):
    page = (repository / "docs" / "runbook.md").read_text(encoding="utf-8")
    alerts = page.partition("## Alerts")[2]
    sections = dict(re.findall(r"^### (\w+)\n\*(\w+)\.\*", alerts, re.MULTILINE))
    assert sections == {name.value: Alert.of(name, "").severity.value.capitalize() for name in AlertName}


def test_runbook__every_limit__stands_with_its_default(repository):
    page = (repository / "docs" / "runbook.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", page, re.MULTILINE))
    fields = ObservabilitySettings.model_fields
    assert {name: float(value) for name, value in table.items()} == {name: fields[name].default for name in fields}
