"""What the mutants of each contract are judged by: patterns of tests/contracts, and the contracts that they judge."""

from __future__ import annotations

VAULT = (
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
RULES = ("GuardRules*.t.sol", "GuardVectors.t.sol")
BOUNDS = (*RULES, "Breaker.t.sol", "HedgeVault*.t.sol", "RebalanceGuard.t.sol")
BOOK = ("DeltaBook.t.sol", "OptionBook*.t.sol", "SignedReports.t.sol", "Black76.t.sol", "RolesMatrix.t.sol")
POOL = ("UniswapV3*.t.sol",)
VOTES = ("VaultGovernor.t.sol",)
ORACLES = ("Chainlink*.t.sol", "FaultTable.t.sol", "Price*.t.sol", "PythSource.t.sol", "UniswapV3TwapSource.t.sol")

TARGETS = {
    "contracts/HedgeVault.sol": VAULT,
    "contracts/vault/TwoSidedVault.sol": VAULT,
    "contracts/vault/VenueDesk.sol": VAULT,
    "contracts/VenueRegistry.sol": VAULT,
    "contracts/RebalanceGuard.sol": VAULT,
    "contracts/governance/VaultAccess.sol": VAULT,
    "contracts/governance/Governed.sol": VAULT,
    "contracts/governance/VaultBound.sol": VAULT,
    "contracts/vault/MemberGate.sol": VAULT,
    "contracts/vault/MemberShares.sol": VAULT,
    "contracts/vault/RedemptionQueue.sol": VAULT,
    "contracts/vault/ShareFees.sol": VAULT,
    "contracts/vault/VaultModes.sol": VAULT,
    "contracts/relay/IntentRelay.sol": VAULT,
    "contracts/relay/RescueDesk.sol": VAULT,
    "contracts/libraries/GuardRules.sol": RULES,
    "contracts/libraries/BoundsRules.sol": BOUNDS,
    "contracts/libraries/ResultTrack.sol": BOUNDS,
    "contracts/libraries/VenueValuation.sol": BOUNDS,
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
    "contracts/libraries/ChainBlocks.sol": ("ChainBlocks.t.sol", "HedgeVaultIntents.t.sol"),
}
"""The contracts that hold money come first: a run that ends early has judged them."""

ELSEWHERE = {
    "contracts/book/LyraOptions.sol": "tests/integration/test_lyra_options.py",
}
"""Contracts judged on the real protocol alone, in Python on a local chain, as all of contracts/venues is: not here."""

SKIPPED = ("test_codeFitsTheSizeLimitOfAChain",)
"""Tests of what the optimiser makes, which is off here."""
