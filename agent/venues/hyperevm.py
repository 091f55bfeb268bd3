"""Hyperliquid through HyperEVM: orders and margin that HyperCore moves seconds later, without an event of either.

HyperCore tells nobody on HyperEVM of funding, fills or liquidations: the adapter works out what an order came to, and
the rest is what the account is worth. Margin goes over a bridge leg by leg, by anyone's hand, and nothing is opened
before a canary order has come back.
"""

from __future__ import annotations

from agent.chain.abi import Function
from agent.units import WAD, Seconds
from agent.venues.protocol import BoundView, GovernedFunction, MaintenanceView, UntoldFunding, VenueProtocol

_MARKET = "HyperEvmMarket"
_ONE_USD = (WAD,)
"""The maintenance margin of the first tier is the same part of any notional in it."""


def _function(name: str, inputs: tuple[str, ...] = (), *outputs: str) -> Function:
    return Function.from_abi(
        {
            "name": name,
            "inputs": [{"name": "", "type": kind} for kind in inputs],
            "outputs": [{"name": "", "type": kind} for kind in outputs],
        }
    )


HYPEREVM = VenueProtocol(
    title="Hyperliquid",
    adapter="HyperEvmVenue",
    adapter_addresses=("market",),
    funding=UntoldFunding(Seconds(3_600), slack_bps=100),
    maintenance=MaintenanceView(
        holder=(_function("market", (), "address"),),
        ratio=BoundView(_function("maintenanceMargin", ("uint256",), "uint256"), _ONE_USD),
        scale=WAD,
    ),
    account_events=(),
    fills_later=True,
    governed=(
        GovernedFunction(_MARKET, "setLimits", "orders may be as large, on as little margin, and count as cheap"),
        GovernedFunction(_MARKET, "setTiers", "positions count as safe as the new margin table says"),
        GovernedFunction(_MARKET, "setDepositWallet", "margin for HyperCore goes to {wallet}, which is believed"),
        GovernedFunction(
            _MARKET,
            "writeOffLate",
            "what is late on the bridge counts in no price; who deposits has a part in what still comes",
        ),
        GovernedFunction(
            _MARKET, "distrust", "nothing is opened there before a canary order has come back again", tightens=True
        ),
    ),
    waits_for_margin=frozenset({"MarginTooLow", "CanaryMissing"}),
    errands=(_function("advance"), _function("canary")),
)
