"""What moves a Synthetix market: the prices that Pyth publishes, and the dollars that people hold."""

from __future__ import annotations

from collections.abc import Sequence

from eth_abi.abi import encode as abi_encode

from agent.localnet.codec import encode_call
from agent.localnet.evm import LocalChain, Transaction
from agent.localnet.price_feed import PRICE_FEED_DECIMALS
from agent.localnet.synthetix.contracts import PYTH_FEED_ID, SynthetixAddresses
from agent.units import WAD, Address, AssetUnits, Seconds

_GAS = 1_000_000
_ISSUER_BALANCE_WEI = 100 * WAD


def pyth_update(answer: AssetUnits, publish_time: Seconds) -> bytes:
    """Return an update as the double of Pyth takes it: a price in the decimals of the feed, published at a time."""
    price = (int(answer), 0, -PRICE_FEED_DECIMALS, int(publish_time))
    return abi_encode(["bytes32", "(int64,uint64,int32,uint256)"], [PYTH_FEED_ID, price])


def settle_data(updates: Sequence[bytes]) -> bytes:
    """Return updates as the adapter's ``settle`` takes them."""
    return abi_encode(["bytes[]"], [list(updates)])


def issue_susd(chain: LocalChain, synthetix: SynthetixAddresses, to: Address, units: int) -> None:
    """Issue dollars to an account as Synthetix's issuer does, in a block of its own."""
    issuer, rpc = synthetix.issuer, chain.rpc
    rpc.request("anvil_setBalance", issuer, hex(_ISSUER_BALANCE_WEI))
    rpc.request("anvil_impersonateAccount", issuer)
    try:
        issue = encode_call("issue(address,uint256)", to, units)
        chain.mine([Transaction("issue of sUSD", issuer, synthetix.synth, issue, _GAS)])
    finally:
        rpc.request("anvil_stopImpersonatingAccount", issuer)
