"""A vault without a chain: every contract at an address of its own, parameters as configured."""

from __future__ import annotations

import json
from pathlib import Path

from eth_utils.address import to_checksum_address

from agent.chain.deployment import AssetEntry, Deployment, VenueEntry
from agent.governance.calls import GovernedCall
from agent.governance.decoding import VAULT_GOVERNOR, AddressBook
from agent.governance.desk import GovernanceDesk
from agent.governance.governors import Governor, GovernorKind, Step
from agent.governance.safe_file import safe_batch
from agent.governance.state import configured
from agent.settings import load_settings
from agent.units import Address

CONTRACTS = (
    "VaultAccess", "ChainlinkSource", "PriceOracle", "OptionBook", "TokenHoldings", "DeltaBook", "RebalanceGuard",
    "MemberGate", "VenueRegistry", "HedgeVault",
)  # fmt: skip
REPOSITORY = Path(__file__).resolve().parents[2]


def address(number: int) -> Address:
    return Address(to_checksum_address(f"0x{number:040x}"))


GOVERNOR, GUARDIAN, KEEPER, STRANGER, VENUE = (address(number) for number in (0xA1, 0xA2, 0xA3, 0xA4, 0xA5))


def deployment(chain_id: int = 31_337) -> Deployment:
    return Deployment(
        chain_id=chain_id,
        network="localnet",
        block=1,
        asset=AssetEntry(address=address(0xAA), decimals=6, symbol="USDC"),
        contracts={name: address(0x10 + number) for number, name in enumerate(CONTRACTS)},
        venues=(VenueEntry(name="curie", kind="curie", address=VENUE),),
        roles={"governor": GOVERNOR, "guardian": GUARDIAN, "keeper": KEEPER},
        governor_delay_seconds=86_400,
    )


def safe_file() -> bytes:
    """A batch that ends a pause, as a Safe would import it."""
    resume = GovernedCall(deployment().contract("HedgeVault"), bytes.fromhex("046f7da2"))
    return json.dumps(safe_batch([Step("resume", GOVERNOR, resume)], 31_337, "", "name", "why", 1), indent=1).encode()


def desk(kind: GovernorKind = GovernorKind.ACCOUNT, own_delay: int = 0) -> GovernanceDesk:
    settings, deployed = load_settings(REPOSITORY / "config" / "localnet.toml", {}), deployment()
    names = {GovernorKind.VOTES: VAULT_GOVERNOR, GovernorKind.TIMELOCK: "TimelockController"}
    book = AddressBook(deployed, {GOVERNOR: names[kind]} if kind in names else None)
    state = configured(settings, deployed, GOVERNOR)
    return GovernanceDesk(settings, deployed, Governor(GOVERNOR, kind, own_delay), state, book, None)
