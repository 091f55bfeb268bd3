// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice One option leg in one storage slot. From the lowest bit:
///         id 40, ivLow 16, ivHigh 16, isCall 8, expiry 40, quantity 64 (signed), ln(strike) 72 (signed).
/// @dev The strike is kept as its logarithm, which is what the delta needs; `OptionBook` checks at the door that the
///      logarithm gives the strike back exactly. Fields must fit: the packer does not mask.
type PackedOptionLeg is uint256;

using {
    lnStrike,
    quantitySteps,
    expiry,
    isCall,
    ivHighSteps,
    ivLowSteps,
    id,
    withQuantity,
    withIvInterval
} for PackedOptionLeg global;

/// @param lnStrike_ WAD.
/// @param quantitySteps_ Signed, in `OptionBook.QUANTITY_STEP`.
/// @param expiry_ Unix seconds.
/// @param ivLowSteps_ In `OptionBook.IV_STEP`.
/// @param ivHighSteps_ In `OptionBook.IV_STEP`.
function packOptionLeg(
    uint256 id_,
    int256 lnStrike_,
    int256 quantitySteps_,
    uint256 expiry_,
    bool isCall_,
    uint256 ivLowSteps_,
    uint256 ivHighSteps_
) pure returns (PackedOptionLeg) {
    uint256 call_ = isCall_ ? 1 : 0;
    return PackedOptionLeg.wrap(
        uint256(lnStrike_) << 184 | uint256(uint64(int64(quantitySteps_))) << 120 | expiry_ << 80 | call_ << 72
            | ivHighSteps_ << 56 | ivLowSteps_ << 40 | id_
    );
}

function lnStrike(PackedOptionLeg leg) pure returns (int256) {
    return int256(PackedOptionLeg.unwrap(leg)) >> 184;
}

function quantitySteps(PackedOptionLeg leg) pure returns (int256) {
    return int64(uint64(PackedOptionLeg.unwrap(leg) >> 120));
}

function expiry(PackedOptionLeg leg) pure returns (uint256) {
    return uint40(PackedOptionLeg.unwrap(leg) >> 80);
}

function isCall(PackedOptionLeg leg) pure returns (bool) {
    return uint8(PackedOptionLeg.unwrap(leg) >> 72) != 0;
}

function ivHighSteps(PackedOptionLeg leg) pure returns (uint256) {
    return uint16(PackedOptionLeg.unwrap(leg) >> 56);
}

function ivLowSteps(PackedOptionLeg leg) pure returns (uint256) {
    return uint16(PackedOptionLeg.unwrap(leg) >> 40);
}

function id(PackedOptionLeg leg) pure returns (uint256) {
    return uint40(PackedOptionLeg.unwrap(leg));
}

function withQuantity(PackedOptionLeg leg, int256 quantitySteps_) pure returns (PackedOptionLeg) {
    return packOptionLeg(
        leg.id(), leg.lnStrike(), quantitySteps_, leg.expiry(), leg.isCall(), leg.ivLowSteps(), leg.ivHighSteps()
    );
}

function withIvInterval(PackedOptionLeg leg, uint256 ivLowSteps_, uint256 ivHighSteps_) pure returns (PackedOptionLeg) {
    return
        packOptionLeg(
            leg.id(), leg.lnStrike(), leg.quantitySteps(), leg.expiry(), leg.isCall(), ivLowSteps_, ivHighSteps_
        );
}
