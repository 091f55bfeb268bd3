// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IDeltaSource} from "../interfaces/IDeltaSource.sol";
import {DecimalScale} from "../libraries/DecimalScale.sol";

/// @title Delta source: a token balance
/// @notice Purpose. One token that is the underlying one for one (WETH for ETH), held by one account.
///
///         Known limits. The holder moves the delta by moving tokens, and so does anyone who sends it some; both are real
///         changes of the exposure to hedge. A token that is not one for one (wstETH) needs a source of its own.
contract TokenHoldings is IDeltaSource {
    /// @notice Token that is the underlying.
    IERC20Metadata public immutable token;

    /// @notice Account whose balance counts.
    address public immutable holder;

    /// @notice Decimals of `token`.
    uint8 public immutable tokenDecimals;

    error HolderIsZero();

    constructor(IERC20Metadata token_, address holder_) {
        if (holder_ == address(0)) revert HolderIsZero();
        token = token_;
        holder = holder_;
        tokenDecimals = DecimalScale.requireSupported(token_.decimals());
    }

    /// @inheritdoc IDeltaSource
    /// @dev One point for tokens of at most 18 decimals; at most 1 wei of delta wide beyond. The price plays no part.
    function deltaInterval(uint256) external view returns (int256 low, int256 high) {
        uint256 balance = token.balanceOf(holder);
        low = SafeCast.toInt256(DecimalScale.scaleDown(balance, tokenDecimals, DecimalScale.WAD_DECIMALS));
        high = SafeCast.toInt256(DecimalScale.scaleUp(balance, tokenDecimals, DecimalScale.WAD_DECIMALS));
    }
}
