"""What the mutants of each contract are judged by."""

from __future__ import annotations

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
CURIE = ChainTests(
    "contracts/venues/curie/CurieVenue.sol",
    (
        "tests/integration/test_curie_venue_quote.py",
        "tests/integration/test_curie_venue.py",
        "tests/integration/test_curie_venue_account.py",
        "tests/integration/test_curie_venue_bracket.py",
        "tests/integration/test_curie_venue_equity.py",
        f"{DEPOSITS}::test_weth_for_the_adapter__any_position__no_part_of_equity",
        f"{DEPOSITS}::test_usdc_sent_to_the_adapter_itself__margin_moves__counts_for_nothing",
    ),
)
LYRA = ChainTests("contracts/book/LyraOptions.sol", ("tests/integration/test_lyra_options.py",))

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
    "contracts/venues/curie/CurieVenue.sol": CURIE,
    "contracts/venues/curie/CurieAccount.sol": CURIE,
    "contracts/venues/curie/CurieSwap.sol": CURIE,
    "contracts/book/LyraOptions.sol": LYRA,
}
"""The contracts that hold money come first: a run that ends early has judged them."""
