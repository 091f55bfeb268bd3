"""Who trades on the local market: each turns a wish into transactions of its own account."""

from __future__ import annotations

from dataclasses import dataclass

from agent.localnet.codec import encode_call
from agent.localnet.curie.contracts import MAX_UINT256, CurieAddresses
from agent.localnet.curie.pool_math import LiquidityRange
from agent.localnet.evm import DEFAULT_TIP_WEI, PUBLISHER_TIP_WEI, TRADER_TIP_WEI, Transaction
from agent.units import Address, AssetUnits

_UNLIMITED_SIZE = 10**30
"""Size the arbitrageur asks for, WAD; its price limit is what stops it."""
_POKER_SIZE = 10**15
"""Position that lets the poker settle funding, WAD: 0.001 underlying."""
_OPEN_POSITION = "openPosition((address,bool,bool,uint256,uint256,uint256,uint160,bytes32))"
_ADD_LIQUIDITY = "addLiquidity((address,uint256,uint256,int24,int24,uint256,uint256,bool,uint256))"
_PRICE_TOO_FAR = "EX_OPLAS"
_NOTHING_TO_SWAP = "CH_F0S"
_PRICE_PASSED_BY_ANOTHER = "SPL"
_NO_REFERRAL = b"\x00" * 32


@dataclass(frozen=True, slots=True)
class Arbitrageur:
    """Trades the pool to the index."""

    account: Address
    curie: CurieAddresses

    def trade_to(self, sqrt_target_x96: int, sqrt_pool_x96: int) -> list[Transaction]:
        """Trade until the pool's price is the target; nothing when it is there already.

        The pool is left where it is when the venue finds the target too far from its price of 15 seconds ago, when not
        a wei lies between them, or when another's trade of the same block went past the target.
        """
        if sqrt_target_x96 == sqrt_pool_x96:
            return []
        sell = sqrt_target_x96 < sqrt_pool_x96
        order = (self.curie.base_token, sell, True, _UNLIMITED_SIZE, 0, MAX_UINT256, sqrt_target_x96, _NO_REFERRAL)
        data = encode_call(_OPEN_POSITION, order)
        house = self.curie.clearing_house
        accepted = (_PRICE_TOO_FAR, _NOTHING_TO_SWAP, _PRICE_PASSED_BY_ANOTHER)
        return [
            Transaction("arbitrage", self.account, house, data, 3_000_000, TRADER_TIP_WEI, accepted_reverts=accepted)
        ]


@dataclass(frozen=True, slots=True)
class LiquidityMaker:
    """Holds one wide range in the pool."""

    account: Address
    curie: CurieAddresses

    def provide(self, position: LiquidityRange) -> list[Transaction]:
        """Add liquidity."""
        bounds = (position.lower_tick, position.upper_tick, 0, 0, False, MAX_UINT256)
        data = encode_call(_ADD_LIQUIDITY, (self.curie.base_token, position.base, position.quote, *bounds))
        return [Transaction("liquidity", self.account, self.curie.clearing_house, data, 3_000_000, TRADER_TIP_WEI)]


@dataclass(frozen=True, slots=True)
class FundingPoker:
    """Settles funding regularly.

    Curie applies the latest premium to all the time since the last settlement, so a market nobody touches for an hour
    would charge that hour at whatever the premium happens to be at its end. Only a position can be settled: it holds
    one.
    """

    account: Address
    curie: CurieAddresses

    def open(self) -> list[Transaction]:
        """Open the position that makes settling possible."""
        order = (self.curie.base_token, True, True, _POKER_SIZE, 0, MAX_UINT256, 0, _NO_REFERRAL)
        data = encode_call(_OPEN_POSITION, order)
        return [
            Transaction("poker's position", self.account, self.curie.clearing_house, data, 3_000_000, DEFAULT_TIP_WEI)
        ]

    def poke(self) -> list[Transaction]:
        """Settle funding now, which also starts the venue's next 15-second price window."""
        data = encode_call("settleAllFunding(address)", self.account)
        return [Transaction("funding poke", self.account, self.curie.clearing_house, data, 1_000_000, DEFAULT_TIP_WEI)]


def record_price(publisher: Address, curie: CurieAddresses) -> Transaction:
    """Have Curie's price feed record the published price."""
    return Transaction("feed update", publisher, curie.price_feed, encode_call("update()"), 300_000, PUBLISHER_TIP_WEI)


def deposit_margin(account: Address, usdc: Address, margin_vault: Address, assets: AssetUnits) -> list[Transaction]:
    """Mint ``assets`` of the test dollar to an account and deposit them as its margin."""
    mint = encode_call("mint(address,uint256)", account, assets)
    minted = Transaction("mint", account, usdc, mint, 200_000, PUBLISHER_TIP_WEI)
    return [minted, *put_margin(account, usdc, margin_vault, assets)]


def put_margin(account: Address, usdc: Address, margin_vault: Address, assets: AssetUnits) -> list[Transaction]:
    """Deposit ``assets`` that an account holds as its margin."""
    approve = encode_call("approve(address,uint256)", margin_vault, assets)
    deposit = encode_call("deposit(address,uint256)", usdc, assets)
    return [
        Transaction("approval", account, usdc, approve, 200_000, PUBLISHER_TIP_WEI),
        Transaction("margin deposit", account, margin_vault, deposit, 500_000, PUBLISHER_TIP_WEI),
    ]
