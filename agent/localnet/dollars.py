"""The test dollar of the local chain, which anybody may mint."""

from __future__ import annotations

from dataclasses import dataclass

from agent.localnet.codec import encode_call
from agent.localnet.evm import PUBLISHER_TIP_WEI, Transaction
from agent.units import Address, AssetUnits

_MINT_GAS = 200_000


@dataclass(frozen=True, slots=True)
class TestDollar:
    """Minted by whoever gets it."""

    address: Address
    decimals: int

    def mint(self, to: Address, units: AssetUnits) -> Transaction:
        """Return what gives an account ``units`` of it."""
        mint = encode_call("mint(address,uint256)", to, units)
        return Transaction("mint", to, self.address, mint, _MINT_GAS, PUBLISHER_TIP_WEI)
