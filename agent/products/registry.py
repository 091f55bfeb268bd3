"""One table of kinds: what an entry of a book is, the product that values it, and the contract that verifies its delta.

A new kind is one file beside this one, which declares a `Product`, and one line of ``KINDS``.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.products.european import EUROPEAN_ON_FUTURE, EUROPEAN_ON_SPOT
from agent.products.future import FUTURE, INVERSE_FUTURE
from agent.products.inverse_option import INVERSE_OPTION
from agent.products.perp import INVERSE_PERP, PERP
from agent.products.power_perp import POWER_PERP
from agent.products.product import Product
from agent.products.spot import SPOT
from agent.products.structures import COLLAR, COVERED_CALL, PROTECTIVE_PUT, STRADDLE, STRANGLE
from agent.products.uniswap_v3 import UNISWAP_V3_RANGE


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of position; ``chain_source`` is the contract that deployment puts it into, None while there is none.

    Contracts of other sources (``UniswapV3Positions``, ``LyraOptions``, ``SignedReports``) are the governor's to add.
    """

    product: Product
    chain_source: str | None = None


KINDS: dict[str, Kind] = {
    "option": Kind(EUROPEAN_ON_SPOT, "OptionBook"),
    "holding": Kind(SPOT, "TokenHoldings"),
    "inverse_option": Kind(INVERSE_OPTION),
    "future": Kind(FUTURE),
    "inverse_future": Kind(INVERSE_FUTURE),
    "perp": Kind(PERP),
    "inverse_perp": Kind(INVERSE_PERP),
    "uniswap_v3_position": Kind(UNISWAP_V3_RANGE),
    "power_perp": Kind(POWER_PERP),
}
"""Kinds of positions by their key in a book file."""

_WITHOUT_KIND = (EUROPEAN_ON_FUTURE, PROTECTIVE_PUT, COVERED_CALL, COLLAR, STRADDLE, STRANGLE)

PRODUCTS: dict[str, Product] = {
    product.name: product for product in (*(kind.product for kind in KINDS.values()), *_WITHOUT_KIND)
}
"""Every product by name, those that no entry of a book states included."""


def named_kind(kind: str) -> str:
    """Return a kind in words, with its article."""
    return f"{'an' if kind[0] in 'aeio' else 'a'} {kind.replace('_', ' ')}"


def not_hedgeable(where: str, kind: str) -> str:
    """Return why the keeper refuses a position whose delta no contract verifies, in one line."""
    hedged = " and ".join(f"{name}s" for name, row in KINDS.items() if row.chain_source is not None)
    return (
        f"{where}: the keeper cannot hedge {named_kind(kind)} yet, only {hedged}; leave it out, or value the book with "
        "`evenkeel greeks`"
    )
