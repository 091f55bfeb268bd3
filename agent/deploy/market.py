"""A market that stands in for a live one: the real protocol from its published artifacts, with a maker of test dollars.

It follows a real price feed. Nobody but its owner trades there: it is for trying a vault out, and worth nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from eth_utils.crypto import keccak

from agent.chain.client import ChainClient
from agent.deploy.checks import read_feed
from agent.deploy.deployer_key import deployer_key
from agent.deploy.inputs import MarketManifest, market_path
from agent.deploy.manifest import write_whole
from agent.deploy.market_chain import MarketChain
from agent.deploy.network import Network
from agent.deploy.state import ChainState
from agent.errors import DataError, FatalError
from agent.input_file import read_input
from agent.localnet import artifacts
from agent.localnet.deployer import Deployer
from agent.localnet.dollars import TestDollar
from agent.localnet.evm import Transaction
from agent.localnet.market import MarketOpening
from agent.localnet.price_feed import feed_answer
from agent.localnet.registry import MARKET_PROTOCOLS
from agent.localnet.world import USDC_DECIMALS
from agent.units import Address, from_wad

HISTORY_SECONDS = 1_900
"""The mark price reads 30 minutes of pool history; before that nobody can trade."""
_NO_NEW_ANSWER = "CPF_NU"
_ORDERS = "getOpenOrderIds(address,address)"


@dataclass(frozen=True, slots=True)
class MarketRound:
    """What one run did to the market: ``deployed``, ``opened`` or ``followed`` the feed's price."""

    action: str
    asset: Address
    price_usd: float
    market_price_usd: float


def run_market(network: Network, client: ChainClient, environment: Mapping[str, str]) -> MarketRound:
    """Put the market up; the next time, half an hour later, open it; from then on trade it to its feed.

    Raises
    ------
    DataError
        ``[venue] deploy`` is not set, the feed or the deployer is not written, another chain answers, or the pool is
        too young to open.

    """
    kind = network.venue.deploy
    if kind is None:
        raise DataError(f"config/{network.network}.toml: [venue] deploy is not set: this network has live venues")
    feed, account = (_written(network, key) for key in ("price_feed", "deployer"))
    client.require_chain()
    state = ChainState(client)
    chain = MarketChain(client, account, deployer_key(environment, account, state))
    price_usd = from_wad(read_feed(state, feed).price)
    opening = MarketOpening(
        answer=feed_answer(price_usd),
        start_price_usd=price_usd,
        depth_size_underlying=50.0,
        depth_slippage_bps=20.0,
        low_ratio=0.25,
        high_ratio=4.0,
        exchange_fee_bps=10.0,
    )
    path, protocol = market_path(network), MARKET_PROTOCOLS[kind]
    if not path.exists():
        deployer = Deployer(chain, account, _salt(account, chain.nonce(account)))
        code = artifacts.project("UsdcDouble")
        asset = deployer.create("UsdcDouble", code, "(uint8)", USDC_DECIMALS)
        addresses = protocol.deploy(chain, deployer, asset, feed, opening)
        made = MarketManifest(kind=kind, asset=asset, price_feed=feed, addresses=dict(addresses))
        write_whole(path, made.model_dump(mode="json"))
        return MarketRound("deployed", asset, price_usd, price_usd)
    found = MarketManifest.model_validate_json(read_input(path))
    standing = {name: Address(address) for name, address in found.addresses.items()}
    market = protocol.market(chain, chain.accounts(), standing)
    action = "followed"
    base = standing["base_token"]
    (orders,) = chain.call(standing["order_book"], _ORDERS, account, base, returns="(bytes32[])")
    if not orders:
        _require_history(chain, standing["pool"])
        dollar = TestDollar(Address(found.asset), USDC_DECIMALS)
        chain.mine(_tolerant(protocol.populate(chain.accounts(), standing, dollar, opening)))
        action = "opened"
    chain.mine(_tolerant([*market.follow(opening.answer), *market.settle()]))
    return MarketRound(action, Address(found.asset), price_usd, market.price_usd())


def _tolerant(work: Sequence[Transaction]) -> list[Transaction]:
    """Let a feed stay as it is: a live one has no new answer every time it is asked."""
    return [replace(one, accepted_reverts=(*one.accepted_reverts, _NO_NEW_ANSWER)) for one in work]


def _salt(account: Address, nonce: int) -> int:
    """Return where to look for an address that no earlier run, and nobody else, has taken."""
    return int.from_bytes(keccak(text=f"{account}/{nonce}"), "big") >> 1


def _written(network: Network, key: str) -> Address:
    address = getattr(network.deploy, key)
    if not address.startswith("0x"):
        raise DataError(f"config/{network.network}.toml: [deploy] {key} is {address}; write the address")
    return Address(address)


def _require_history(chain: MarketChain, pool: Address) -> None:
    try:
        chain.call(pool, "observe(uint32[])", [HISTORY_SECONDS - 100], returns="(int56[],uint160[])")
    except FatalError as refusal:
        raise DataError(
            f"the pool is younger than {HISTORY_SECONDS // 60} minutes, which its mark price needs; run this later"
        ) from refusal
