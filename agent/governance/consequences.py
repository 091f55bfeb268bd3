"""What each function of a governor or guardian would allow at worst, in one line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from agent.governance.decoding import VAULT_GOVERNOR, DecodedCall
from agent.venues.registry import VENUE_PROTOCOLS

ROLES = {0: "governor", 1: "keeper", 2: "guardian", 3: "relay"}
"""Roles of `VaultAccess`."""


class Effect(Enum):
    """Which way an act goes."""

    TIGHTENS = "tightens"
    LOOSENS = "loosens"
    DEPENDS = "depends"
    """On its arguments: its parameters are compared one by one."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an act allows. ``line`` may name arguments in braces."""

    effect: Effect
    line: str


UNKNOWN = "anything that the target lets VaultAccess or the governor do"
"""What a call that nobody knows would allow."""
_T, _L, _D = Effect.TIGHTENS, Effect.LOOSENS, Effect.DEPENDS
_BOOK_LOOSER = "the guard measures another book delta: a false one lets keepers build the hedge it asks for"

CONSEQUENCES: dict[tuple[str, str], Consequence] = {
    key: Consequence(effect, line)
    for key, effect, line in (
        (("RebalanceGuard", "setBounds"), _D, "keepers may do what the new bounds allow; all fields are replaced"),
        (("RebalanceGuard", "tightenBounds"), _T, "keepers may do less"),
        (("RebalanceGuard", "bindVault"), _L, "the bound vault is believed about everything; binds once"),
        (("PriceOracle", "setPriceLimits"), _D, "worse prices may be believed; all fields are replaced"),
        (("PriceOracle", "tightenPriceLimits"), _T, "fewer prices are believed"),
        (("PriceOracle", "setSources"), _L, "the new sources say the price: false ones open every bound and exit"),
        (("HedgeVault", "setDepositCap"), _D, "members may put in more"),
        (("HedgeVault", "lowerDepositCap"), _T, "members may put in less"),
        (("HedgeVault", "setShareLock"), _D, "members wait as long after a deposit before they may leave"),
        (("HedgeVault", "setRedemptionQueue"), _L, "the queue holds the shares that wait; set once and for good"),
        (("HedgeVault", "setShareFees"), _L, "the fee contract may mint shares to its recipient; set once for good"),
        (("HedgeVault", "pause"), _T, "trades and deposits stop for 3 days"),
        (("HedgeVault", "endPause"), _L, "the pause ends early; the vault stays reduce-only"),
        (("HedgeVault", "setReduceOnly"), _T, "no position grows, no deposit is taken"),
        (("HedgeVault", "resume"), _L, "pause and reduce-only end: keepers trade within the bounds again"),
        (("HedgeVault", "startWindDown"), _L, "for good: every position may be closed whatever the delta rule says"),
        (("HedgeVault", "bringMarginHome"), _D, "{assets} units of margin come back to the vault"),
        (("HedgeVault", "sweep"), _L, "tokens in the vault other than its asset go to {receiver}"),
        (("VenueRegistry", "bindVault"), _L, "binds the registry to its vault, once"),
        (
            ("VenueRegistry", "addVenue"), _L,
            "keepers may move margin to {venue}, which is believed about what it holds; its cap begins unlimited",
        ),
        (("VenueRegistry", "removeVenue"), _L, "the venue, empty, is used no more"),
        (
            ("VenueRegistry", "forceRemoveVenue"), _L,
            "what the venue keeps leaves NAV at once, which leavers pay; deposits are to stay closed until it is home",
        ),
        (("VenueRegistry", "closeVenue"), _T, "the position on the venue may only shrink"),
        (("VenueRegistry", "reopenVenue"), _L, "the position on the venue may grow again"),
        (("VenueRegistry", "setVenueCap"), _D, "as much equity may be lost with the venue"),
        (("VenueRegistry", "lowerVenueCap"), _T, "less equity may be on the venue"),
        (("DeltaBook", "addSource"), _L, _BOOK_LOOSER),
        (("DeltaBook", "removeSource"), _L, _BOOK_LOOSER),
        (("DeltaBook", "replaceSource"), _L, _BOOK_LOOSER),
        (("OptionBook", "addLegs"), _L, _BOOK_LOOSER),
        (("OptionBook", "setQuantity"), _L, _BOOK_LOOSER),
        (("OptionBook", "removeLeg"), _L, _BOOK_LOOSER),
        (("OptionBook", "setIvInterval"), _L, _BOOK_LOOSER),
        (("OptionBook", "setSettlementWindow"), _L, "expired legs count longer or shorter"),
        (("OptionBook", "setIvReporter"), _L, "{reporter} moves the implied volatilities inside their limits"),
        (("OptionBook", "dismissIvReporter"), _T, "nobody reports implied volatilities"),
        (("OptionBook", "setIvLimits"), _L, "the reporter may move implied volatilities as far as that"),
        (("UniswapV3Positions", "setPriceTolerance"), _L, "the pool's price may be as far from the oracle's"),
        (("UniswapV3Positions", "addPosition"), _L, _BOOK_LOOSER),
        (("UniswapV3Positions", "removePosition"), _L, _BOOK_LOOSER),
        (("LyraOptions", "setLimits"), _L, "Lyra's implied volatility is believed as far as that"),
        (("LyraOptions", "addPosition"), _L, _BOOK_LOOSER),
        (("LyraOptions", "removePosition"), _L, _BOOK_LOOSER),
        (("LyraOptionVenue", "setCaps"), _L, "keepers may buy options and lose on them within the new caps"),
        (("LyraOptionVenue", "tightenCaps"), _T, "keepers may buy fewer options and lose less on them"),
        (("LyraOptionVenue", "bindSource"), _L, "the source tells the book the delta of options held; binds once"),
        (("SignedReports", "setAnchor"), _L, _BOOK_LOOSER),
        (("SignedReports", "addSigner"), _L, "{signer} counts toward the quorum that states a delta"),
        (("SignedReports", "removeSigner"), _T, "{signer} signs no more"),
        (("SignedReports", "setThreshold"), _L, "as many signers state a delta"),
        (("SignedReports", "setLimits"), _L, "reports may move the delta as far as that"),
        (("SignedReports", "revokeReport"), _T, "the last report counts no more"),
        (("MemberGate", "addMember"), _L, "{account} may hold shares: the hedge without the book is open to it"),
        (("MemberGate", "removeMember"), _T, "{account} may be given no more shares"),
        (("ShareFees", "setFees"), _L, "fees are taken in shares, to {recipient}"),
        (("ShareFees", "lowerFees"), _T, "fees fall"),
        (("RescueDesk", "setTerms"), _L, "anyone may rebalance in a silent keeper's stead on these terms"),
        (("RescueDesk", "tightenTerms"), _T, "rescue is narrowed"),
        (("RescueDesk", "rescue"), _D, "trades as the guard allows a keeper; the tank pays its gas"),
        (("RescueDesk", "withdraw"), _L, "ether of the rescue desk goes to {receiver}"),
        (("VaultAccess", "dismissKeeper"), _T, "{account} trades no more"),
        (("VaultAccess", "dismissRelay"), _T, "{account} brings no more rebalances"),
        (("VaultAccess", "renounceRole"), _T, "the caller gives up a role"),
        (("GovernanceToken", "delegate"), _D, "the sender's votes count as those of {delegatee}"),
        ((VAULT_GOVERNOR, "setVotingDelay"), _L, "the DAO has as long to notice a proposal"),
        ((VAULT_GOVERNOR, "setVotingPeriod"), _L, "the DAO has as long to vote"),
        ((VAULT_GOVERNOR, "setProposalThreshold"), _L, "as many votes propose"),
        ((VAULT_GOVERNOR, "updateQuorumNumerator"), _L, "as few votes decide"),
    )
} | {
    (one.contract, one.function): Consequence(_T if one.tightens else _L, one.line)
    for protocol in VENUE_PROTOCOLS.values()
    for one in protocol.governed
}  # fmt: skip

_GRANTS = {
    "governor": "{account} may schedule everything that this governor may, once it is appointed",
    "keeper": "{account} trades within the bounds: one stolen key costs lossBounds().keeperKey in 24 hours",
    "guardian": "{account} cancels what is scheduled, pauses and tightens; it can hold governance up for two delays",
    "relay": "{account} brings rebalances in any keeper's name: unless it checks signatures it spends every budget",
}
_REVOCATIONS = {
    "governor": "{account} governs no more",
    "keeper": "{account} trades no more: the last keeper's leaving leaves the book unhedged",
    "guardian": "{account} vetoes no more: without another guardian nobody cancels what a governor schedules",
    "relay": "{account} brings no more rebalances",
}


def consequence_of(decoded: DecodedCall) -> Consequence | None:
    """Return what a call that carries no other would allow; None where nobody knows."""
    if decoded.contract is None or decoded.function is None:
        return None
    if decoded.contract == "VaultAccess" and decoded.function in ("grantRole", "revokeRole"):
        return _role(decoded)
    found = CONSEQUENCES.get((decoded.contract, decoded.function))
    return None if found is None else Consequence(found.effect, _filled(found.line, decoded))


def worst_lines(decoded: DecodedCall) -> tuple[str, ...]:
    """Return what all that runs in a call would allow at worst, whatever stands today; a line a call."""
    found = [consequence_of(leaf) for leaf in decoded.leaves()]
    return tuple(UNKNOWN if consequence is None else consequence.line for consequence in found)


def _role(decoded: DecodedCall) -> Consequence:
    values = decoded.values
    role = ROLES.get(values.get("roleId", -1))
    if role is None:
        return Consequence(_L, "a role that cannot be told; VaultAccess knows no others than 0 to 3")
    is_grant = decoded.function == "grantRole"
    line = (_GRANTS if is_grant else _REVOCATIONS)[role]
    is_tighter = not is_grant and role in ("keeper", "relay")
    return Consequence(_T if is_tighter else _L, _filled(line, decoded))


def _filled(line: str, decoded: DecodedCall) -> str:
    return line.format_map(_Texts((argument.name, argument.text) for argument in decoded.arguments))


class _Texts(dict[str, str]):
    """Arguments by name; of a call that cannot be decoded none is known."""

    def __missing__(self, name: str) -> str:
        return f"an unknown {name}"
