"""Whatever the chain replaces, the ledger ends with the events of the chain that is left."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from eth_abi.abi import encode
from sqlalchemy import select

from agent.chain.abi import Event, Log, load_abi
from agent.chain.block_id import BlockId
from agent.chain.deployment import Deployment
from agent.chain.log_pages import AnchorReplacedError, LogPage
from agent.domain import BlockRef
from agent.errors import DataError, TransientError
from agent.ledger import schema
from agent.ledger.database import Database
from agent.ledger.records import CashFlowKind, VaultIdentity
from agent.ledger.scan import EventScanner
from agent.units import Address, BlockHash, IntentId, Seconds, Wad, Wei
from agent.venues.protocol import AccountEventKind
from agent.venues.registry import VENUE_PROTOCOLS

VAULT = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
VENUE = Address("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512")
CLEARING_HOUSE = Address("0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0")
STRANGER = Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
INTENT = b"\x11" * 32
FIRST_BLOCK = 3
ASSET = STRANGER


def deployment(kind: str = "curie") -> Deployment:
    return Deployment.model_validate(
        {
            "chain_id": 31_337,
            "network": "localnet",
            "block": FIRST_BLOCK,
            "asset": {"address": STRANGER, "decimals": 6, "symbol": "USDC"},
            "contracts": {"HedgeVault": VAULT},
            "venues": [{"name": "curie", "kind": kind, "address": VENUE}],
            "roles": {},
            "governor_delay_seconds": 86_400,
        }
    )


def emitted(event: Event, emitter: Address, **values: object) -> tuple[Address, tuple[str, ...], str]:
    indexed = [(name, kind) for name, kind, is_indexed in event.parameters if is_indexed]
    plain = [(name, kind) for name, kind, is_indexed in event.parameters if not is_indexed]
    topics = (event.topic, *("0x" + encode((kind,), (values[name],)).hex() for name, kind in indexed))
    data = "0x" + encode([kind for _, kind in plain], [values[name] for name, _ in plain]).hex()
    return emitter, topics, data


def leg(
    size: int,
    margin: int = 0,
    price: int = 3_000 * 10**18,
    fee: int = 10**18,
    emitter: Address = VAULT,
    requested: int | None = None,
):
    return emitted(
        load_abi("HedgeVault").event("LegExecuted"),
        emitter,
        intentId=INTENT,
        venue=VENUE,
        requestedSizeDelta=size if requested is None else requested,
        filledSizeDelta=size,
        executionPrice=price,
        fee=fee,
        marginDelta=margin,
    )


def venue_event(kind: AccountEventKind, trader: Address = VENUE, emitter: Address = CLEARING_HOUSE, **values: object):
    """One of Curie's account events; parameters that do not matter are 0."""
    (event,) = [one.event for one in VENUE_PROTOCOLS["curie"].account_events if one.kind is kind]
    plain = {name: STRANGER if of_type == "address" else 0 for name, of_type, _ in event.parameters}
    return emitted(event, emitter, **{**plain, "trader": trader, **values})


def position_changed(size: int, notional: int, fee: int = 0, **more):
    values = {"exchangedPositionSize": size, "exchangedPositionNotional": notional, "fee": fee}
    return venue_event(AccountEventKind.TRADE, **values, **more)


def deposit(assets: int):
    event = load_abi("HedgeVault").event("Deposit")
    return emitted(event, VAULT, sender=STRANGER, owner=STRANGER, assets=assets, shares=assets)


def funding(paid: int, trader: Address = VENUE, emitter: Address = CLEARING_HOUSE):
    event = VENUE_PROTOCOLS["curie"].funding.event
    return emitted(event, emitter, trader=trader, baseToken=STRANGER, fundingPayment=paid)


class FakeChain:
    """Blocks with events; cutting it back and growing it anew is a reorganisation."""

    def __init__(self) -> None:
        self.blocks: list[tuple[BlockHash, list[Log]]] = []
        self.branch = 0
        self.ranges: list[int] = []
        self.page_blocks = 10_000
        self.refused: set[int] = set()
        while len(self.blocks) < FIRST_BLOCK:
            self.grow()

    def grow(self, *events) -> BlockRef:
        number = len(self.blocks)
        block_hash = BlockHash(f"0x{self.branch:032x}{number:032x}")
        logs = [
            Log(emitter, topics, data, number, block_hash, f"0x{number:064x}", index)
            for index, (emitter, topics, data) in enumerate(events)
        ]
        self.blocks.append((block_hash, logs))
        return self.head()

    def cut(self, blocks: int) -> None:
        del self.blocks[len(self.blocks) - blocks :]
        self.branch += 1

    def head(self) -> BlockRef:
        number = len(self.blocks) - 1
        return BlockRef(number, self.blocks[number][0], Seconds(number), Wei(1))

    def sizes(self) -> list[int]:
        event = load_abi("HedgeVault").event("LegExecuted")
        vault_logs = [log for _, logs in self.blocks for log in logs if log.emitter == VAULT]
        return [event.decode(log)["filledSizeDelta"] for log in vault_logs if log.topics[0] == event.topic]

    # --- what the scanner asks of a client ---

    def read(self, calls, block):
        return [(CLEARING_HOUSE.lower(),) for _ in calls]

    def canonical_hashes(self, numbers: Sequence[int]):
        return [self.blocks[number][0] if number < len(self.blocks) else None for number in numbers]

    @property
    def log_reader(self):
        return self

    def pages(self, query, first, last, anchor):
        if self.canonical_hashes([last.number]) != [last.hash]:
            raise TransientError("replaced while its logs were read")
        while first <= last.number:
            if anchor is not None and self.canonical_hashes([anchor.number]) != [anchor.hash]:
                raise AnchorReplacedError("replaced")
            end = min(first + self.page_blocks - 1, last.number)
            self.ranges.append(end - first + 1)
            if len(self.ranges) in self.refused:
                raise TransientError("429")
            found = [log for _, logs in self.blocks[first : end + 1] for log in logs]
            anchor = BlockId(end, self.blocks[end][0])
            yield LogPage(
                anchor, tuple(log for log in found if log.emitter in query.addresses and log.topics[0] in query.topics)
            )
            first = end + 1


@pytest.fixture
def chain() -> FakeChain:
    return FakeChain()


@pytest.fixture
def ledger(ledger_url, chain):
    identity = VaultIdentity(31_337, VAULT, FIRST_BLOCK, chain.head().hash)
    with Database.open(ledger_url, "vault", "key") as database:
        yield database.vault(identity)


@pytest.fixture
def scanner(chain, ledger) -> EventScanner:
    return EventScanner(chain, ledger, deployment(), chain.head())


def test_scan__leg_with_trade_and_margin__is_booked_on_both_sides(chain, ledger, scanner):
    scanner.scan(chain.grow(deposit(100), leg(5, margin=40), leg(0, margin=-10, price=0, fee=0)))
    assert [fill.size_delta for fill in ledger.fills()] == [5]
    flows = [(flow.kind, flow.venue, flow.assets) for flow in ledger.cash_flows()]
    assert flows == [
        (CashFlowKind.DEPOSIT, None, 100),
        (CashFlowKind.MARGIN, VENUE, 40),
        (CashFlowKind.MARGIN, VENUE, -10),
    ]
    assert ledger.accounts.idle_assets == 70
    assert ledger.accounts.venues[VENUE].margin_assets == 30


def vault_event(name: str, **values: object):
    return emitted(load_abi("HedgeVault").event(name), VAULT, **values)


def test_scan__rebalance_accepted__every_number_is_in_its_place(chain, ledger, scanner):
    numbers = {
        "price": 3_000, "worstNetDeltaBefore": 7, "worstNetDeltaAfter": 2, "navBefore": 90, "navAfter": 89
    }  # fmt: skip
    event = load_abi("HedgeVault").event("Rebalanced")
    plain = {name: STRANGER if kind == "address" else 0 for name, kind, _ in event.parameters}
    block = chain.grow(emitted(event, VAULT, **{**plain, "intentId": INTENT, **numbers}))
    scanner.scan(block)
    [seen] = ledger.rebalances()
    assert (seen.at.block, seen.at.log_index, seen.intent_id) == (BlockId.of(block), 0, "0x" + INTENT.hex())
    assert (seen.price, seen.worst_net_delta_before, seen.worst_net_delta_after) == (3_000, 7, 2)
    assert (seen.nav_before, seen.nav_after) == (90, 89)
    assert ledger.rebalance_of(seen.intent_id) == seen


def test_scan__collateral_leaves_and_margin_comes_home__are_booked_with_their_signs(chain, ledger, scanner):
    withdrawal = vault_event("Withdraw", sender=STRANGER, receiver=STRANGER, owner=STRANGER, assets=30, shares=30)
    event = load_abi("HedgeVault").event("MarginBroughtHome")
    plain = {name: STRANGER if kind == "address" else 0 for name, kind, _ in event.parameters}
    home = emitted(event, VAULT, **{**plain, "venue": VENUE, "assets": 15})
    scanner.scan(chain.grow(deposit(100), leg(0, margin=40, price=0, fee=0), withdrawal, home))
    assert [(flow.kind, flow.venue, flow.assets) for flow in ledger.cash_flows()] == [
        (CashFlowKind.DEPOSIT, None, 100),
        (CashFlowKind.MARGIN, VENUE, 40),
        (CashFlowKind.WITHDRAWAL, None, -30),
        (CashFlowKind.MARGIN, VENUE, -15),
    ]
    assert (ledger.accounts.idle_assets, ledger.accounts.venues[VENUE].margin_assets) == (45, 25)


def test_scan__fill__has_what_was_asked_what_came_and_what_it_cost(chain, ledger, scanner):
    scanner.scan(chain.grow(leg(-5, requested=-8, price=2_999, fee=3)))
    [fill] = ledger.fills()
    assert (fill.intent_id, fill.venue, fill.size_delta, fill.requested_size_delta) == (
        "0x" + INTENT.hex(), VENUE, -5, -8
    )  # fmt: skip
    assert (fill.execution_price, fill.fee) == (2_999, 3)
    assert ledger.fills_of(fill.intent_id) == [fill]
    assert ledger.fills_of(IntentId("0x" + "22" * 32)) == []


def test_book__receipt_of_others_too__takes_our_own_alone(chain, ledger, scanner):
    block = chain.grow(leg(5), leg(7, emitter=STRANGER))
    chain.blocks[-1], logs = (chain.blocks[-1][0], []), chain.blocks[-1][1]
    scanner.scan(block)
    bare = replace(logs[0], topics=())
    odd = replace(logs[0], topics=("0x" + "99" * 32,))
    scanner.book(BlockId.of(block), [*logs, bare, odd])
    assert [fill.size_delta for fill in ledger.fills()] == [5]


@pytest.mark.parametrize("filled", [5, 0])
def test_scan__venue_fills_less_than_was_asked__what_was_filled_is_held(chain, ledger, scanner, filled):
    scanner.scan(chain.grow(leg(filled, requested=8)))
    [fill] = ledger.fills()
    assert (fill.requested_size_delta, fill.size_delta) == (8, filled)
    assert ledger.accounts.venues[VENUE].size == filled


def test_scan__events_of_strangers__are_not_ours(chain, ledger, scanner):
    others_funding = funding(9, trader=STRANGER)
    forged_funding = funding(9, emitter=STRANGER)
    scanner.scan(chain.grow(leg(5, emitter=STRANGER), others_funding, forged_funding, funding(-3)))
    assert ledger.fills() == []
    assert [(payment.venue, payment.paid) for payment in ledger.funding()] == [(VENUE, -3)]


def test_scan__own_trades_and_margin__are_booked_once(chain, ledger, scanner):
    margin_in = venue_event(AccountEventKind.DEPOSIT, collateralToken=ASSET, amount=40)
    scanner.scan(chain.grow(leg(5, margin=40), margin_in, position_changed(5, -15_000), position_changed(-2, 6_000)))
    (other,) = ledger.account_events()
    assert (other.kind, other.size_delta, other.cash) == (AccountEventKind.TRADE, -2, 6_000)
    assert ledger.accounts.venues[VENUE].size == 3


def test_scan__own_trade_that_drops_dust__is_still_our_own(chain, ledger, scanner):
    scanner.scan(chain.grow(leg(5_000), position_changed(5_009, -15_000)))
    scanner.scan(chain.grow(leg(5_000), position_changed(5_011, -15_000)))
    assert [event.size_delta for event in ledger.account_events()] == [5_011]


def test_scan__two_trades_alike_and_one_our_own__books_the_other(chain, ledger, scanner):
    scanner.scan(chain.grow(leg(5), position_changed(5, -7), position_changed(5, -7)))
    assert len(ledger.account_events()) == 1


@pytest.mark.parametrize(
    ("event", "size", "cash"),
    [
        (position_changed(-4, 90, 3), -4, 87),
        (venue_event(AccountEventKind.LIQUIDATION, positionSize=4, liquidationFee=11), 0, -11),
        (venue_event(AccountEventKind.CLOSED, closedPositionSize=-4, closedPositionNotional=-90), 4, -90),
        (venue_event(AccountEventKind.DEPOSIT, collateralToken=ASSET, amount=7), 0, 7 * 10**12),
        (venue_event(AccountEventKind.DEPOSIT, collateralToken=VAULT, amount=7), 0, 0),
        (
            venue_event(AccountEventKind.COLLATERAL_SOLD, repaidSettlementWithoutInsuranceFundFeeX10_S=7),
            0,
            7 * 10**12,
        ),
        (venue_event(AccountEventKind.BAD_DEBT, amount=7), 0, 7 * 10**12),
    ],
)
def test_scan__act_of_others__is_told_and_then_booked(chain, ledger, scanner, event, size, cash):
    told = []
    scanner.on_account_events = lambda ones: told.extend((one, list(ledger.account_events())) for one in ones)
    scanner.scan(chain.grow(event))
    ((seen, recorded_by_then),) = told
    assert recorded_by_then == []
    assert ledger.account_events() == [seen]
    assert (seen.size_delta, seen.cash) == (size, cash)
    account = ledger.accounts.venues[VENUE]
    assert (account.size, account.others_cash) == (size, cash)
    assert account.worth(Wad(10**18), Wad(0), 6) == size + cash


def test_scan__act_on_another_account__is_no_matter_of_ours(chain, ledger, scanner):
    scanner.scan(
        chain.grow(position_changed(5, -7, trader=STRANGER), position_changed(5, -7, emitter=STRANGER), leg(1))
    )
    assert ledger.account_events() == []


def test_scan__liquidation_reorganised_away__counts_no_more(chain, ledger, scanner):
    scanner.scan(chain.grow(leg(5)))
    scanner.scan(chain.grow(position_changed(-5, 90)))
    assert ledger.accounts.venues[VENUE].size == 0
    chain.cut(1)
    chain.grow()
    scanner.scan(chain.grow())
    assert ledger.account_events() == []
    assert ledger.accounts.venues[VENUE].size == 5


def test_scan__page_after_page__marks_begin_where_the_last_one_ended(chain, ledger, scanner):
    chain.page_blocks = 3
    for number in range(10):
        block = chain.grow(leg(number + 1))
    scanner.scan(block)
    with ledger._engine.connect() as connection:
        marks = connection.execute(
            select(schema.scans.c.from_block, schema.scans.c.block_number).order_by(schema.scans.c.id)
        ).all()
    assert marks[0].from_block == FIRST_BLOCK
    assert [mark.from_block for mark in marks[1:]] == [mark.block_number + 1 for mark in marks[:-1]]
    assert marks[-1].block_number == block.number
    assert len(marks) == 4


def test_scan__blocks_without_events__are_not_read_again_by_the_same_process(chain, ledger, scanner):
    for _ in range(3):
        scanner.scan(chain.grow())
    scanner.scan(chain.head())
    assert chain.ranges == [1, 1, 1]


def test_scan__restarted_after_quiet_blocks__misses_nothing(chain, ledger, scanner):
    scanner.scan(chain.grow(leg(5)))
    scanner.scan(chain.grow())
    chain.grow(leg(7))
    EventScanner(chain, ledger, deployment(), chain.head()).scan(chain.head())
    assert [fill.size_delta for fill in ledger.fills()] == [5, 7]


def test_scan__chain_is_shorter__undoes_what_is_above_it_once_another_branch_shows(chain, ledger, scanner):
    scanner.scan(chain.grow(leg(5)))
    scanner.scan(chain.grow(leg(7)))
    chain.cut(1)
    with pytest.raises(TransientError, match="the ledger knows block 4, and the servers are not there yet"):
        scanner.scan(chain.head())
    scanner.scan(chain.grow())
    assert [fill.size_delta for fill in ledger.fills()] == [5]
    assert ledger.accounts.venues[VENUE].size == 5


def test_scan__head_older_than_the_ledger__is_refused_though_the_servers_have_all(chain, ledger, scanner):
    older = chain.grow(leg(5))
    scanner.scan(chain.grow(leg(7)))
    with pytest.raises(TransientError, match="the ledger knows block 4, and the servers are not there yet"):
        scanner.scan(older)
    scanner.reach(older)
    assert [fill.size_delta for fill in ledger.fills()] == [5, 7]


def test_reach__not_there_yet__reads_on(chain, ledger, scanner):
    scanner.reach(chain.grow(leg(5)))
    scanner.reach(chain.grow(leg(7)))
    assert [fill.size_delta for fill in ledger.fills()] == [5, 7]


def test_scan__servers_behind_a_load_balancer_flap__nothing_is_undone(chain, ledger, scanner):
    for size in (5, 7, 9):
        scanner.scan(chain.grow(leg(size)))
    whole = list(chain.blocks)
    for flap in range(60):
        scanner = EventScanner(chain, ledger, deployment(), chain.head()) if flap % 3 == 0 else scanner
        chain.blocks = whole[: -1 - flap % 2]
        with pytest.raises(TransientError, match="they lag behind"):
            scanner.scan(chain.head())
        chain.blocks = list(whole)
        scanner.scan(chain.head())
        assert [fill.size_delta for fill in ledger.fills()] == [5, 7, 9]
    assert ledger._void == set()


def test_store__more_replaced_blocks_than_a_statement_has_variables__is_still_read(chain, ledger, scanner):
    scanner.scan(chain.grow(leg(5)))
    ledger.void([BlockId(10 + number, BlockHash(f"0xff{number:062x}")) for number in range(40_000)])
    assert ledger.last_scan() == BlockId.of(chain.head())
    assert ledger.open_intents() == []
    assert ledger.closed_intents(3) == []


def test_scan__refused_at_every_fifth_request__comes_to_the_end(chain, ledger, scanner):
    for number in range(200):
        chain.grow(leg(1 + number))
    chain.page_blocks, chain.refused = 10, set(range(5, 1_000, 5))
    scans = 0
    while [fill.size_delta for fill in ledger.fills()] != chain.sizes():
        scans += 1
        try:
            scanner.scan(chain.head())
        except TransientError:
            scanner = EventScanner(chain, ledger, deployment(), chain.head())  # the process died of it
    assert len(chain.ranges) == 20 + scans - 1  # each page once, and once more after each refusal


def test_book__receipt_that_the_log_search_missed__is_recorded_once(chain, ledger, scanner):
    block = chain.grow(leg(5))
    logs = chain.blocks[-1][1]
    chain.blocks[-1] = (chain.blocks[-1][0], [])
    scanner.scan(block)
    assert ledger.fills() == []
    for _ in range(2):
        scanner.book(BlockId.of(block), logs)
        assert [fill.size_delta for fill in ledger.fills()] == [5]
        assert ledger.accounts.venues[VENUE].size == 5


def test_scan__block_of_the_same_height_replaced__takes_the_new_one(chain, ledger, scanner):
    scanner.scan(chain.grow(leg(5)))
    chain.cut(1)
    scanner.scan(chain.grow(leg(6)))
    assert [fill.size_delta for fill in ledger.fills()] == [6]


def test_scan__old_branch_comes_back__counts_again(chain, ledger, scanner):
    scanner.scan(chain.grow(leg(5)))
    old = list(chain.blocks)
    chain.cut(1)
    scanner.scan(chain.grow(leg(6)))
    chain.blocks = old
    scanner.scan(chain.head())
    assert [fill.size_delta for fill in ledger.fills()] == [5]
    assert ledger.accounts.venues[VENUE].size == 5


@pytest.mark.parametrize("seed", range(8))
def test_scan__reorganisations_at_random__leave_the_events_of_the_chain_that_is_left(chain, ledger, scanner, seed):
    draw = random.Random(seed)
    for _ in range(40):
        if draw.random() < 0.25 and len(chain.blocks) > FIRST_BLOCK + 1:
            chain.cut(draw.randint(1, min(64, len(chain.blocks) - FIRST_BLOCK - 1)))
        for _ in range(draw.randint(0, 4)):
            chain.grow(*(leg(draw.randint(1, 10**20)) for _ in range(draw.randint(0, 2))))
        if draw.random() < 0.1:
            scanner = EventScanner(chain, ledger, deployment(), chain.head())
        if len(chain.blocks) > FIRST_BLOCK:
            try:
                scanner.scan(chain.head())
            except TransientError:  # shorter than what was seen, and no other branch to show for it yet
                continue
            assert [fill.size_delta for fill in ledger.fills()] == chain.sizes()
            booked = ledger.accounts.venues
            assert (booked[VENUE].size if VENUE in booked else 0) == sum(chain.sizes())
            assert ledger.last_scan() is None or ledger.last_scan() in [
                BlockId(number, block_hash) for number, (block_hash, _) in enumerate(chain.blocks)
            ]


def test_event_scanner__venue_of_an_unknown_kind__is_refused(chain, ledger):
    known = "curie, gmx, hyperevm, synthetix"
    with pytest.raises(DataError, match=f"is of kind 'dydx', which is not one of {known}; mend its kind"):
        EventScanner(chain, ledger, deployment("dydx"), chain.head())
