"""Which token pays for gas on the chains that are known here."""

from __future__ import annotations

GAS_TOKENS = {
    1: "ETH",
    10: "ETH",
    56: "BNB",
    100: "XDAI",
    137: "POL",
    998: "HYPE",
    999: "HYPE",
    8_453: "ETH",
    31_337: "ETH",
    42_161: "ETH",
    43_114: "AVAX",
    84_532: "ETH",
    421_614: "ETH",
    11_155_111: "ETH",
    11_155_420: "ETH",
}
"""What pays for gas by chain id, EIP-155; source: the chains' own documentation."""
