"""A status tells what is, in words on 80 columns and in numbers, and says so where the chain could not tell."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from eth_abi.abi import encode

from agent.budgets import Available
from agent.chain.abi import load_abi
from agent.governance.calls import GovernedCall
from agent.governance.decoding import decode_call
from agent.option_venue import HeldOption
from agent.status.document import as_document
from agent.status.reading import DEPOSIT_BLOCKS, FAULTS
from agent.status.records import (
    KeeperStatus,
    ModeStatus,
    OracleStatus,
    ScheduledChange,
    ShareStatus,
    VaultStatus,
    VenueMarket,
)
from agent.status.scheduled import call_text
from agent.status.screen import WIDTH, as_lines
from agent.units import Address, AssetUnits, Seconds, Wad, Wei
from agent.venues.maintenance import Maintenance
from tests.support.decision_builders import held, snapshot_of, wad
from tests.support.governance import STRANGER, desk

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
        shares=ShareStatus(
            "Vault", *map(AssetUnits, (400_000_000_000, 401_000_000_000, 1_000_000, 300 * 10**9, 10**9)), None
        ),
        modes=ModeStatus(None, False, False),
        bounds=snapshot.bounds,
        budget_left=Available(wad(200_000), wad(3_000)),
        is_breaker_tripped=False,
        measurement=snapshot.measurement,
        book_delta=(wad(-1), wad(0)),
        book_sources=1,
        venue_names=tuple("one" for _ in snapshot.venues),
        markets=tuple(VenueMarket(wad(3_000), wad(3_001), wad("0.001"), AssetUnits(10**9)) for _ in snapshot.venues),
        maintenance=tuple(Maintenance(0.0625) for _ in snapshot.venues),
        oracle=OracleStatus(wad(3_000), Seconds(now - 15), 3_600, ()),
        keepers=(KeeperStatus(ADDRESS, True, Wei(10**17), 12, None, Available(wad(100_000), wad(2_000))),),
        scheduled=(),
    )
    return replace(status, **changes)


def screen(**changes) -> str:
    lines = as_lines(status_of(**changes))
    assert max(map(len, lines)) <= WIDTH
    return "\n".join(lines)


def silent():
    measurement = status_of().measurement
    venue = replace(measurement.venues[0], is_silent=True, size_low=Wad(0), size_high=wad(50), notional=Wad(0))
    return replace(measurement, venues=(venue,))


def dead_feed():
    oracle = OracleStatus(Wad(0), Seconds(0), 3_600, ("no answer",))
    return {"measurement": replace(status_of().measurement, price=Wad(0)), "book_delta": None, "oracle": oracle}


def test_as_lines__all_is_well__one_screen_of_words():
    shown = screen()
    for words in ("deposits open", "inside the band", "faults: none", "Scheduled  nothing"):
        assert words in shown
    assert "for 12 rebalances" in shown
    assert shown.count("\n") < 24


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (dead_feed(), ["no price", "faults: no answer", "book not to be told, there is no price"]),
        ({"book_delta": None}, ["book not to be told, a source does not answer"]),
        ({"book_delta": (Wad(0), Wad(0))}, ["book empty, hedge "]),
        ({"measurement": silent(), "markets": (None,)}, ["one: DOES NOT ANSWER; taken to hold 0.00 to 50.00"]),
        ({"is_breaker_tripped": True}, ["TRIPPED: positions may only be closed"]),
        ({"modes": ModeStatus(None, True, True)}, ["mode: winding down"]),
        ({"modes": ModeStatus(Seconds(1_722_500_000), True, False)}, ["paused until 2024-08-01 08:13, reduce-only"]),
        ({"keepers": ()}, ["the manifest names none"]),
    ],
)
def test_as_lines__something_is_wrong__says_so(changes, words):
    shown = screen(**changes)
    for part in words:
        assert part in shown
    json.dumps(as_document(status_of(**changes)), allow_nan=False)


def test_as_lines__options_held__one_by_one_with_their_worth_and_what_expired():
    now = status_of().block.timestamp
    call = HeldOption(7, 12, True, wad(5), wad(1_750), Seconds(now + 60), wad(1_000), wad(1_200))
    put = HeldOption(8, 12, False, wad(2), wad(1_750), now, wad(0), wad(0))
    shown = screen(options=(call, put))
    assert "1750-C-12: 5.0000 until 2024-08-01 08:14 UTC" in shown
    assert "worth $1,000 to $1,200" in shown
    assert shown.count("EXPIRED, to be settled") == 1
    told = as_document(status_of(options=(call, put)))["options"]
    assert [(one["name"], one["worth_high_usd"]) for one in told] == [("1750-C-12", 1_200.0), ("1750-P-12", 0.0)]
    assert "none held" in screen(options=())
    assert "Options" not in screen()


def test_as_lines__scheduled_change__says_what_and_when():
    now = status_of().block.timestamp
    change = ScheduledChange(
        "0x01",
        ADDRESS,
        "HedgeVault",
        "resume()",
        Seconds(now - 60),
        Seconds(now + 600_000),
        ("keepers trade again",),
        ("bytes are hidden in it",),
    )
    assert "HedgeVault.resume()\n" in screen(scheduled=(change,))
    for words in ("at worst: keepers trade again", "! bytes are hidden in it"):
        assert words in screen(scheduled=(change,))
    assert "ready since" in screen(scheduled=(change,))
    assert as_document(status_of(scheduled=(change,)))["scheduled"][0]["ready_at_unix"] == now - 60


def scheduled_text(contract: str | None, data: bytes) -> str:
    own = desk()
    target = STRANGER if contract is None else own.deployment.contract(contract)
    return call_text(decode_call(GovernedCall(target, data), own.book))


def test_call_text__function_of_a_contract__is_decoded():
    function = load_abi("VenueRegistry").function("setVenueCap")
    data = function.selector + encode(function.inputs, (ADDRESS, 5))
    assert scheduled_text("VenueRegistry", data) == f"setVenueCap({ADDRESS}, 5)"
    assert scheduled_text(None, bytes.fromhex("12345678") + bytes(32)) == "0x12345678, 36 bytes"


def test_call_text__data_cut_short__is_no_failure():
    data = load_abi("VenueRegistry").function("setVenueCap").selector + bytes(20)
    assert scheduled_text("VenueRegistry", data) == "setVenueCap()"


def test_faults__bits__are_those_of_the_contract(repository):
    source = (repository / "contracts" / "types" / "Prices.sol").read_text(encoding="utf-8")
    named = [line.split()[3] for line in source.splitlines() if " = 1 << " in line]
    assert len(FAULTS) == len(named)
    for name, words in zip(named, FAULTS, strict=True):
        assert ("STALE" in name) == ("too old" in words)
        assert ("SEQUENCER" in name) == ("sequencer" in words)
        assert name.startswith("COLLATERAL") == words.startswith("collateral")


def test_deposit_blocks__reasons__are_those_of_the_contract(repository):
    source = (repository / "contracts" / "interfaces" / "IHedgeVault.sol").read_text(encoding="utf-8")
    members = source.split("enum DepositBlock {")[1].split("}")[0].strip().splitlines()
    assert len(DEPOSIT_BLOCKS) == len(members)
