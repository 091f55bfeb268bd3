"""The double of HyperCore at Hyperliquid's own addresses of a local chain, with an adapter whose vault is a stand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agent.localnet.codec import decode, encode_call
from agent.units import WAD, Address
from benchmarks.evm import ARTIFACTS, BenchmarkChain, compile_sources, local_chain
from tests.support.synthetix_market import ACCOUNT, GAS, ORDER, Account, Order

DOUBLES = "tests/contracts/hyperevm"
STAGE = f"{DOUBLES}/HyperStage.sol"
TOKENS = "tests/contracts/support/Tokens.sol"
SYSTEM = f"{DOUBLES}/HyperSystemDouble.sol"
VENUE = "contracts/venues/hyperevm/HyperEvmVenue.sol"
MARKET = "contracts/venues/hyperevm/HyperEvmMarket.sol"

CORE = Address("0x9999999999999999999999999999999999999999")
"""Where the double of HyperCore is; not an address of Hyperliquid's."""
CORE_WRITER = Address("0x3333333333333333333333333333333333333333")
PRECOMPILES = tuple(Address(f"0x{number:040x}") for number in range(0x800, 0x814))
ASSET = 1
PX = 200_000
"""2,000 USD, in hundredths: four decimals of size leave two of price."""
SETTLE_SECONDS, LATE_SECONDS = 60, 1_800
TAKER_FEE = WAD * 45 // 100_000
LIMITS = (TAKER_FEE, WAD // 5, WAD // 100, 1_000 * WAD, SETTLE_SECONDS, LATE_SECONDS)
TIERS = ((0, 25), (100_000_000 * WAD, 15))
NO_ONE = "0x" + "00" * 20


class HyperEvmMarket:
    """One market of the double, the adapter as its vault sees it, and HyperCore as a test orders it."""

    def __init__(self, evm: BenchmarkChain) -> None:
        self.evm, self.chain = evm, evm.chain
        self.chain.use_deterministic_time()
        accounts = self.chain.accounts()
        self.stranger, self.owner = accounts["attacker"], accounts["deployer"]
        self._place_doubles()
        self.token = evm.deploy(TOKENS, "TokenDouble", "(uint8)", 6)
        self.vault = evm.deploy(STAGE, "HyperVaultStand", "(address)", self.token)
        self.wallet = evm.deploy(SYSTEM, "CoreDepositWalletDouble", "(address)", self.token)
        terms = (ASSET, 4, 25, 55, False, PX, PX, PX, PX, 450)
        market = "(uint32,uint8,uint8,uint32,bool,uint64,uint64,uint64,uint64,uint64)"
        self.core(f"open({market},address)", terms, self.wallet)
        limits, tiers = "(uint64,uint64,uint128,uint128,uint32,uint32)", "(uint128,uint8)[]"
        self.market = evm.deploy(
            MARKET,
            "HyperEvmMarket",
            f"(address,uint32,address,{limits},{tiers})",
            self.vault,
            ASSET,
            self.wallet,
            LIMITS,
            TIERS,
        )
        self.venue = evm.deploy(VENUE, "HyperEvmVenue", "(address,address)", self.vault, self.market)
        (self.keeper,) = self.chain.call(self.vault, "keeper()", returns="(address)")
        for account in (self.vault, self.keeper):
            self.chain.rpc.request("anvil_setBalance", account, hex(1_000 * WAD))
            self.chain.rpc.request("anvil_impersonateAccount", account)
        self.core("give(address,uint64)", self.venue, 0)

    def _place_doubles(self) -> None:
        self._place(CORE, "HyperCoreDouble.sol", "HyperCoreDouble")
        self._place(CORE_WRITER, "HyperSystemDouble.sol", "CoreWriterDouble")
        for address in PRECOMPILES:
            self._place(address, "HyperSystemDouble.sol", "HyperPrecompileDouble")

    def _place(self, address: Address, file: str, contract: str) -> None:
        artifact = json.loads((ARTIFACTS / file / f"{contract}.json").read_text(encoding="utf-8"))
        self.chain.rpc.request("anvil_setCode", address, artifact["deployedBytecode"]["object"])

    # --- transactions, each in a block of its own --------------------------------------------------------------------

    def send(self, to: Address, signature: str, *arguments: object, sender: Address, after: int = 1) -> None:
        """Send a call in a block some seconds later; `RpcError` with the revert data when it reverts."""
        self._queue(to, signature, *arguments, sender=sender)
        self._mine(after)
        receipt = self.chain.rpc.request("eth_getTransactionReceipt", self._hash)
        if receipt["status"] != "0x1":
            self.chain.rpc.request("eth_call", self._call, "latest")
            raise AssertionError(f"{signature} failed, and does not when it is called again")

    def _queue(self, to: Address, signature: str, *arguments: object, sender: Address) -> None:
        self.chain.rpc.request("evm_setAutomine", False)
        self._call = {"from": sender, "to": to, "data": encode_call(signature, *arguments), "gas": hex(GAS)}
        self._hash = self.chain.rpc.request("eth_sendTransaction", self._call)

    def _mine(self, after: int) -> None:
        self.chain.rpc.request("evm_setNextBlockTimestamp", self.chain.head().timestamp + after)
        self.chain.rpc.request("evm_mine")

    def core(self, signature: str, *arguments: object) -> None:
        """Order something of the double of HyperCore."""
        self.send(CORE, signature, *arguments, sender=self.owner)

    def step(self, after: int = 1) -> None:
        """Begin another block: HyperCore does what is due, and pays out."""
        self.send(CORE, "step()", sender=self.owner, after=after)

    def as_vault(self, signature: str, *arguments: object) -> None:
        """Send what the vault alone may."""
        self.send(self.venue, signature, *arguments, sender=self.vault)

    def as_stranger(self, signature: str, *arguments: object) -> None:
        """Send what anyone may."""
        self.send(self.venue, signature, *arguments, sender=self.stranger)

    def as_keeper(self, signature: str, *arguments: object) -> None:
        """Send what a keeper may."""
        self.send(self.venue, signature, *arguments, sender=self.keeper)

    # --- what is done often -----------------------------------------------------------------------------------------

    def deposit(self, usd: int) -> None:
        """Give the vault dollars and have it put them into the account, where they stay as cash."""
        self.send(self.token, "mint(address,uint256)", self.vault, usd * 10**6, sender=self.owner)
        self.send(self.token, "approve(address,uint256)", self.venue, usd * 10**6, sender=self.vault)
        self.as_vault("depositMargin(uint256)", usd * 10**6)

    def advance(self) -> None:
        """Take a leg, and let HyperCore do it."""
        self.as_stranger("advance()")
        self.step()

    def fly_canary(self) -> None:
        """Buy, sell, and confirm."""
        for _ in range(3):
            self.as_keeper("canary()")
            self.step()

    def ask(self, size_delta: int, limit_price: int) -> bytes:
        """Ask for a trade; returns the id of the order that is open now."""
        self.as_vault("execute(int256,uint256)", size_delta, limit_price)
        return bytes(self.view("openOrder()", returns="(bytes32)")[0])

    def with_step_in_one_block(self, size_delta: int, limit_price: int) -> None:
        """Ask for a trade in the block in which HyperCore works: what is sent in a block is done in a later one."""
        self._queue(self.venue, "execute(int256,uint256)", size_delta, limit_price, sender=self.vault)
        self._queue(CORE, "step()", sender=self.owner)
        self._mine(1)

    def view(self, signature: str, *arguments: object, returns: str) -> tuple[Any, ...]:
        """Result of a view of the adapter at the head."""
        call = {"to": self.venue, "data": encode_call(signature, *arguments), "gas": hex(GAS)}
        return decode(returns, self.chain.rpc.request("eth_call", call, "latest"))

    def account(self) -> Account:
        """The account as the vault is told it."""
        return Account(*self.view("account()", returns=ACCOUNT))

    def order(self, order_id: bytes) -> Order:
        """An order as the position tells it now."""
        return Order(*self.view("order(bytes32)", order_id, returns=ORDER))

    def free(self) -> int:
        """Cash, asset units."""
        return int(self.view("freeCollateral()", returns="(uint256)")[0])


@contextmanager
def open_market() -> Iterator[HyperEvmMarket]:
    """Put up a chain with the double and an adapter without a dollar."""
    compile_sources(STAGE, SYSTEM, TOKENS, VENUE, MARKET)
    with local_chain() as evm:
        yield HyperEvmMarket(evm)
