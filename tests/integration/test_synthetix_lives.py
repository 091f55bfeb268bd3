"""HEDGE-562: random lives of orders of a vault on the real Synthetix, against books of our own.

EVENKEEL_SYNTHETIX_ORDERS is the number of lives, EVENKEEL_SEED their seed. Funding is switched off, so that the books
can be ours to the last few wei; what Synthetix says of the account is compared to the wei in any case.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from contextlib import suppress

import pytest

from agent.localnet.rpc import RpcError
from agent.units import WAD
from tests.support.curie_market import whole
from tests.support.figures import show_figures
from tests.support.synthetix_market import CANCELLED, FILLED, KEEPER_DEPOSIT, SynthetixMarket, VenueTrade, open_market
from tests.support.synthetix_vault import SynthetixVault, open_vault

pytestmark = pytest.mark.chain

LIVES = int(os.environ.get("EVENKEEL_SYNTHETIX_ORDERS", "150"))
STEPS = max(2 * LIVES, 400)
SEED = int(os.environ.get("EVENKEEL_SEED", "0"))
DEPOSIT_USD, MARGIN_USD = 2_000_000, 800_000
BAND = 3 * WAD
DAY = 86_400
ROUNDING = 12
"""Most that Synthetix's roundings of one life come to, wei."""


class Lives:
    """One vault, and its hedge as we keep it: size, and what was paid for it."""

    def __init__(self, vault: SynthetixVault, generator: random.Random) -> None:
        self.vault = vault
        self.generator = generator
        self.price_usd = 3_000.0
        self.size = 0
        self.cash = MARGIN_USD * WAD
        self.left = 0
        self.in_flight = 0
        self.allowed = 0
        self.ends: Counter[str] = Counter()

    def live(self) -> None:
        """A day with its price, skew and book; an order that centres it; and what becomes of it."""
        vault, draw = self.vault, self.generator
        vault.pass_time(DAY)
        self.price_usd = round(min(max(self.price_usd * draw.uniform(0.99, 1.01), 2_500.0), 3_500.0), 2)
        vault.publish(self.price_usd)
        if draw.random() < 0.3:
            vault.trade_as_stranger(whole(draw.uniform(-60, 60)))
        middle = whole(draw.choice((0.0, *[draw.uniform(-40, 40) for _ in range(5)])))
        vault.write_book(middle)
        self.allowed = max(vault.measure().worst_delta, BAND)
        asked = -middle - self.size
        if asked == 0 or not self._ask(asked):
            self.ends["refused"] += 1
            return
        for step in range(100):
            if self.left == 0:
                break
            self._step(is_last=step > 5)
            self.check()
        assert self.left == 0

    def _ask(self, size_delta: int) -> bool:
        limit = 0 if self.generator.random() < 0.7 else self._limit(size_delta)
        try:
            self.order_id = self.vault.order_of(size_delta, limit_price=limit)
        except RpcError:
            return False
        assert limit in {0, self.vault.order(self.order_id).limit_price}
        self.left, self.in_flight = size_delta, KEEPER_DEPOSIT
        self.cash -= KEEPER_DEPOSIT
        self.check()
        return True

    def _limit(self, size_delta: int) -> int:
        away = self.generator.uniform(0.0005, 0.004)
        return round(self.price_usd * (1 + away if size_delta > 0 else 1 - away) * 10**6) * 10**12

    def _step(self, is_last: bool) -> None:
        kinds = (
            [self._cancel, self._cancel_elsewhere]
            if is_last
            else [
                self._settle,
                self._settle,
                self._settle,
                self._execute_elsewhere,
                self._settle_too_early,
                self._wait,
                self._noise,
                self._cancel,
                self._cancel_elsewhere,
            ]
        )
        self.generator.choice(kinds)()

    def _at(self) -> int:
        """A later second, most often inside the window."""
        return self.vault.now() + self.generator.randrange(2, 9)

    def _pyth_usd(self) -> float:
        return round(self.price_usd * self.generator.uniform(0.994, 1.006), 2)

    def _settle(self) -> None:
        sender = self.generator.choice((self.vault.stranger, self.vault.keeper))
        try:
            self.vault.settle(self.order_id, self._pyth_usd(), self._at(), sender=sender)
        except RpcError:
            self.ends["settlement refused"] += 1
            return
        self._book(self.vault.venue_trade(), KEEPER_DEPOSIT)
        self.ends["settled"] += 1

    def _execute_elsewhere(self) -> None:
        try:
            self.vault.execute_elsewhere(self._pyth_usd(), self._at())
        except RpcError:
            return
        self._book(self.vault.venue_trade(), 0)
        self.ends["executed elsewhere"] += 1

    def _settle_too_early(self) -> None:
        asked_at = self.vault.order(self.order_id).requested_at
        with pytest.raises(RpcError):
            self.vault.settle(self.order_id, self.price_usd, self.vault.now() + 1, asked_at)

    def _wait(self) -> None:
        self.vault.pass_time(self.generator.randrange(1, 20))

    def _noise(self) -> None:
        """Calls that change nothing: of strangers, doubled, and of orders that never were."""
        self.vault.send("reconcile(bytes32)", self.order_id, sender=self.vault.stranger)
        with pytest.raises(RpcError):
            self.vault.send("reconcile(bytes32)", self.generator.randbytes(32), sender=self.vault.stranger)
        if self.vault.now() + 1 < self.vault.order(self.order_id).expires_at:
            with pytest.raises(RpcError):
                self.vault.send("cancel(bytes32)", self.order_id, sender=self.vault.keeper)

    def _cancel(self) -> None:
        order = self.vault.order(self.order_id)
        at = max(order.expires_at, self.vault.now() + 1)
        self.vault.send("cancel(bytes32)", self.order_id, sender=self.vault.stranger, at=at)
        self.cash += KEEPER_DEPOSIT
        self._end(CANCELLED)
        self.ends["cancelled"] += 1

    def _cancel_elsewhere(self) -> None:
        self.vault.cancel_elsewhere()
        self._end(CANCELLED)
        self.ends["cancelled elsewhere"] += 1

    def _book(self, trade: VenueTrade, returned: int) -> None:
        """Book what Synthetix's event tells of a trade."""
        self.size += trade.size_delta
        self.cash += returned - trade.fee - trade.size_delta * trade.price // WAD
        assert trade.size_delta == self.left
        order = self.vault.order(self.order_id)
        if trade.size != 0 or returned:
            assert (order.price, order.fee) == (trade.price, trade.fee + KEEPER_DEPOSIT - returned)
        self._end(FILLED)

    def _end(self, status: int) -> None:
        self.left = self.in_flight = 0
        for _ in range(self.generator.randrange(3)):
            self.vault.send("reconcile(bytes32)", self.order_id, sender=self.vault.stranger)
        order = self.vault.order(self.order_id)
        assert order.status == status
        assert order.fee <= order.max_fee

    def check(self) -> None:
        """The vault's measurement is Synthetix's word to the wei and our books; pending and filled, each once."""
        measured, vault = self.vault.measure(), self.vault
        venue = measured.venue
        assert venue.size_low == self.size + min(self.left, 0)
        assert venue.size_high == self.size + max(self.left, 0)
        assert any(vault.open_order()) == (self.left != 0)
        assert measured.nav == vault.idle() + vault.remaining_margin() + self.in_flight
        own = self.cash + self.in_flight + self.size * measured.price // WAD
        assert abs(venue.equity - own) <= ROUNDING
        self.cash += venue.equity - own
        assert venue.equity_low <= venue.equity <= venue.equity_high
        assert measured.worst_delta <= self.allowed


# HEDGE-556, HEDGE-562
def test_account__random_orders_funding_and_liquidations__is_what_synthetix_says():
    draw = random.Random(SEED)
    ends: Counter[str] = Counter()
    with open_market() as market:
        market.fund_stranger()
        market.as_owner(market.synthetix.futures_market_manager, "addEndorsedAddresses(address[])", [market.stranger])
        for _ in range(STEPS):
            _random_step(market, draw)
            held, flagged, account = market.venue_position()[4], is_flagged(market), market.account()
            asked, deposit = (0, 0) if flagged else (market.venue_order()[1], market.venue_order()[5])
            assert account.size == (0 if flagged else held)
            assert (account.pending_negative, account.pending_positive) == (min(asked, 0), max(asked, 0))
            assert any(market.open_order()) == (asked != 0)
            if flagged:
                assert account.equity == 0
            elif account.equity - deposit > 0:
                assert account.equity == market.remaining_margin() + deposit
            else:
                assert market.remaining_margin() == 0
            if flagged and draw.random() < 0.5:
                liquidate = ("forceLiquidatePosition(address)", market.venue)
                market.send_to(market.synthetix.market, *liquidate, sender=market.stranger)
                ends["liquidated"] += 1
        show_figures(f"{STEPS} steps, seed {SEED}: {dict(ends)}")
        assert ends["liquidated"] > 0


def is_flagged(market: SynthetixMarket) -> bool:
    return bool(market.venue_view("isFlagged(address)", market.venue, returns="(bool)")[0])


def _random_step(market: SynthetixMarket, draw: random.Random) -> None:
    """Do one thing, whether it is refused or not."""
    order_id, at = market.open_order(), market.now() + draw.randrange(2, 40)
    price_usd = round(market.price_usd() * draw.uniform(0.995, 1.005), 2)
    account = market.account()
    held, most = account.size, max(account.equity, WAD) * 30 / WAD / price_usd  # 30 times the equity
    acts = [
        lambda: market.deposit(2_000 if account.equity > 0 else 10_000),
        lambda: market.ask(-held if held and draw.random() < 0.4 else whole(draw.uniform(-most, most))),
        lambda: market.ask(whole(draw.uniform(-most, most))),
        lambda: market.settle(order_id, price_usd, at),
        lambda: market.settle(order_id, price_usd, at),
        lambda: market.execute_elsewhere(price_usd, at),
        lambda: market.send("cancel(bytes32)", order_id, sender=market.stranger, at=at),
        market.cancel_elsewhere,
        lambda: market.publish(round(market.price_usd() * draw.uniform(0.93, 1.07), 2)),
        lambda: market.publish(round(market.price_usd() * draw.uniform(0.93, 1.07), 2)),
        lambda: market.publish(round(market.price_usd() * draw.uniform(0.93, 1.07), 2)),
        lambda: market.trade_as_stranger(whole(draw.uniform(-100, 100))),
        lambda: market.pass_time(draw.choice((5, 600, 6 * 3_600))),
        market.flag,
        market.flag,
    ]
    with suppress(RpcError):
        (acts[0] if account.equity == 0 else draw.choice(acts))()


# HEDGE-562
def test_lives__of_random_orders__nothing_is_forgotten_nor_counted_twice():
    with open_vault() as vault:
        vault.set_parameters(maxFundingVelocity="0", takerFee="0.001", makerFee="0.001")
        vault.fund_stranger()
        vault.join(DEPOSIT_USD)
        vault.pass_time(3_600)
        vault.publish(3_000.0)
        vault.rebalance(MARGIN_USD * WAD, 0)
        lives = Lives(vault, random.Random(SEED))
        for _ in range(LIVES):
            lives.live()
        show_figures(f"{LIVES} lives, seed {SEED}: {dict(lives.ends)}")
        assert lives.ends["refused"] <= LIVES // 5
        assert min(lives.ends[end] for end in ("settled", "executed elsewhere", "cancelled", "cancelled elsewhere")) > 0
