"""What the mutants of each contract are judged by."""

from __future__ import annotations

from pathlib import Path

from agent.localnet.registry import DEFAULT_KINDS
from agent.venues.registry import VENUE_PROTOCOLS
from scripts.mutation_judges import ChainTests, ForgeTests, Judge

VAULT = ForgeTests(
    (
        "Attacks.t.sol",
        "Breaker.t.sol",
        "FailingSource.t.sol",
        "FaultTable.t.sol",
        "GovernanceDelay.t.sol",
        "GuardianVeto.t.sol",
        "HedgeVault*.t.sol",
        "IntentRelay.t.sol",
        "RebalanceGuard.t.sol",
        "RedemptionQueue.t.sol",
        "RescueDesk.t.sol",
        "RolesMatrix.t.sol",
        "ShareFees.t.sol",
        "SharePermit.t.sol",
        "StolenKeeper.t.sol",
        "VaultAccess.t.sol",
        "VenueMeasurement.t.sol",
        "attacks/*.t.sol",
        "orders/*.t.sol",
    )
)
SHARES = ForgeTests(
    (
        "HedgeVaultExits.t.sol",
        "HedgeVaultMembers.t.sol",
        "HedgeVaultShares.t.sol",
        "RedemptionQueue.t.sol",
        "RolesMatrix.t.sol",
        "ShareFees.t.sol",
        "SharePermit.t.sol",
    )
)
ACCESS = ForgeTests(
    (
        "GovernanceDelay.t.sol",
        "GuardianVeto.t.sol",
        "HedgeVaultMembers.t.sol",
        "HedgeVaultVenues.t.sol",
        "RebalanceGuard.t.sol",
        "RolesMatrix.t.sol",
        "VaultAccess.t.sol",
    )
)
ORDERS = ForgeTests(("orders/*.t.sol",))
RELAYS = ForgeTests(("GovernanceDelay.t.sol", "IntentRelay.t.sol", "RescueDesk.t.sol"))
GUARD = ForgeTests(
    (
        "Breaker.t.sol",
        "GovernanceDelay.t.sol",
        "HedgeVaultIntents.t.sol",
        "HedgeVaultRebalance.t.sol",
        "HedgeVaultRecovery.t.sol",
        "RebalanceGuard.t.sol",
    )
)
RULES = ForgeTests(("GuardRules*.t.sol", "GuardVectors.t.sol"))
BOUNDS = ForgeTests(("Breaker.t.sol", "RebalanceGuard.t.sol"))
MEASURED = ForgeTests(("Breaker.t.sol", "ResultTrack.t.sol", "VenueMeasurement.t.sol", "VenueValuation.t.sol"))
BOOK = ForgeTests(("DeltaBook.t.sol", "OptionBook*.t.sol", "SignedReports.t.sol", "Black76.t.sol", "RolesMatrix.t.sol"))
POOL = ForgeTests(("UniswapV3*.t.sol",))
VOTES = ForgeTests(("VaultGovernor.t.sol",))
BLOCKS = ForgeTests(("ChainBlocks.t.sol", "HedgeVaultIntents.t.sol"))
ORACLES = ForgeTests(
    (
        "BoundedCall.t.sol",
        "Chainlink*.t.sol",
        "DecimalScale.t.sol",
        "FaultTable.t.sol",
        "Price*.t.sol",
        "PythSource.t.sol",
        "RolesMatrix.t.sol",
        "UniswapV3TwapSource.t.sol",
    )
)
DEPOSITS = "tests/adversaries/test_deposits_for_the_adapter.py"
DEPOSITS_OF_STRANGERS = (
    f"{DEPOSITS}::test_weth_for_the_adapter__any_position__no_part_of_equity",
    f"{DEPOSITS}::test_usdc_sent_to_the_adapter_itself__margin_moves__counts_for_nothing",
)
LYRA = ForgeTests(("lyra/LyraSource.t.sol",))
"""Judged on the real Lyra, as are the two below: forge creates it from its published artifacts."""
OPTION_PRICES = ForgeTests(("lyra/LyraQuotes.t.sol", "lyra/LyraWorths.t.sol"))
OPTION_VENUE = ForgeTests(("lyra/LyraTrades*.t.sol", "lyra/LyraVenue*.t.sol"))

ROOT = Path(__file__).resolve().parent.parent


def _venues() -> dict[str, Judge]:
    """Return the contracts of each venue's adapter, judged on the real protocol, which no forge test knows.

    One that has forge tests of its own stands on a double there, for the real one runs on no chain of ours. A
    protocol's second adapter has tests of its own, whose name ends with what tells it from the first.
    """
    targets: dict[str, Judge] = {}
    for kind, protocol in VENUE_PROTOCOLS.items():
        folder = Path("contracts", "venues", kind)
        tests = sorted(
            path.relative_to(ROOT).as_posix() for path in ROOT.glob(f"tests/integration/test_{kind}_venue*.py")
        )
        contracts = sorted(path.name for path in (ROOT / folder).glob("*.sol") if not _is_interface(path.name))
        if (ROOT / "tests" / "contracts" / kind).is_dir():
            forge = ForgeTests(("RolesMatrix.t.sol", f"{kind}/*.t.sol"))
            targets |= {(folder / name).as_posix(): forge for name in contracts}
            continue
        second = {
            name: [test for test in tests if Path(test).stem.rpartition("_")[2] in name.lower()]
            for name in contracts
            if name.endswith("Venue.sol") and name != f"{protocol.adapter}.sol"
        }
        first = [test for test in tests if not any(test in own for own in second.values())]
        strangers = DEPOSITS_OF_STRANGERS if kind in DEFAULT_KINDS else ()
        judge = ChainTests((folder / f"{protocol.adapter}.sol").as_posix(), (*first, *strangers))
        targets |= {(folder / name).as_posix(): judge for name in contracts if name not in second}
        targets |= {
            (folder / name).as_posix(): ChainTests((folder / name).as_posix(), tuple(own))
            for name, own in second.items()
        }
    return targets


def _is_interface(name: str) -> bool:
    return name[0] == "I" and name[1].isupper()


TARGETS: dict[str, Judge] = {
    "contracts/HedgeVault.sol": VAULT,
    "contracts/vault/TwoSidedVault.sol": VAULT,
    "contracts/vault/VenueDesk.sol": VAULT,
    "contracts/VenueRegistry.sol": VAULT,
    "contracts/RebalanceGuard.sol": GUARD,
    "contracts/governance/VaultAccess.sol": ACCESS,
    "contracts/governance/Governed.sol": ACCESS,
    "contracts/governance/VaultBound.sol": ACCESS,
    "contracts/vault/MemberGate.sol": ACCESS,
    "contracts/vault/MemberShares.sol": SHARES,
    "contracts/vault/RedemptionQueue.sol": SHARES,
    "contracts/vault/ShareFees.sol": SHARES,
    "contracts/vault/VaultModes.sol": VAULT,
    "contracts/relay/IntentRelay.sol": RELAYS,
    "contracts/relay/RescueDesk.sol": RELAYS,
    "contracts/libraries/GuardRules.sol": RULES,
    "contracts/libraries/BoundsRules.sol": BOUNDS,
    "contracts/libraries/BoundsJudge.sol": BOUNDS,
    "contracts/libraries/UnwindRules.sol": VAULT,
    "contracts/venues/PendingOrders.sol": ORDERS,
    "contracts/libraries/ResultTrack.sol": MEASURED,
    "contracts/libraries/VenueValuation.sol": MEASURED,
    "contracts/book/OptionBook.sol": BOOK,
    "contracts/DeltaBook.sol": BOOK,
    "contracts/book/IvReporting.sol": BOOK,
    "contracts/book/SignedReports.sol": BOOK,
    "contracts/book/TokenHoldings.sol": BOOK,
    "contracts/libraries/Black76.sol": BOOK,
    "contracts/libraries/NormalCdf.sol": BOOK,
    "contracts/types/PackedOptionLeg.sol": BOOK,
    "contracts/book/UniswapV3Positions.sol": POOL,
    "contracts/book/ListedPositions.sol": POOL,
    "contracts/libraries/UniswapV3Math.sol": POOL,
    "contracts/oracles/PriceOracle.sol": ORACLES,
    "contracts/types/Prices.sol": ORACLES,
    "contracts/libraries/PriceRules.sol": ORACLES,
    "contracts/libraries/BoundedCall.sol": ORACLES,
    "contracts/libraries/DecimalScale.sol": ORACLES,
    "contracts/oracles/ChainlinkSource.sol": ORACLES,
    "contracts/oracles/PythSource.sol": ORACLES,
    "contracts/oracles/SequencerFeed.sol": ORACLES,
    "contracts/oracles/UniswapV3TwapSource.sol": ORACLES,
    "contracts/governance/VaultGovernor.sol": VOTES,
    "contracts/governance/GovernanceToken.sol": VOTES,
    "contracts/libraries/ChainBlocks.sol": BLOCKS,
    **_venues(),
    "contracts/book/LyraOptions.sol": LYRA,
    "contracts/venues/lyra/LyraOptionVenue.sol": OPTION_VENUE,
    "contracts/venues/lyra/LyraAccount.sol": OPTION_VENUE,
    "contracts/venues/lyra/LyraOptionJudge.sol": OPTION_VENUE,
    "contracts/venues/lyra/LyraPricing.sol": OPTION_PRICES,
    "contracts/venues/lyra/LyraQuotes.sol": OPTION_PRICES,
    "contracts/libraries/Black76Price.sol": ForgeTests(("Black76Price.t.sol",)),
    "contracts/libraries/OptionBookRisk.sol": ForgeTests(("OptionBookRisk.t.sol",)),
    "contracts/libraries/OptionCapsRules.sol": ForgeTests(("OptionCapsRules.t.sol",)),
}
"""The contracts that hold money come first: a run that ends early has judged them."""
