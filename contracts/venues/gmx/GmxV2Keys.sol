// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Keys of GMX's DataStore
/// @notice Each is the hash of a name, alone or with what it is asked for, as GMX's own `Keys` makes it.
library GmxV2Keys {
    // solhint-disable gas-small-strings
    // GMX gives them these names.

    bytes32 internal constant WNT = keccak256(abi.encode("WNT"));
    bytes32 internal constant ORDER_LIST = keccak256(abi.encode("ORDER_LIST"));
    bytes32 internal constant INCREASE_ORDER_GAS_LIMIT = keccak256(abi.encode("INCREASE_ORDER_GAS_LIMIT"));
    bytes32 internal constant DECREASE_ORDER_GAS_LIMIT = keccak256(abi.encode("DECREASE_ORDER_GAS_LIMIT"));
    bytes32 internal constant SINGLE_SWAP_GAS_LIMIT = keccak256(abi.encode("SINGLE_SWAP_GAS_LIMIT"));
    bytes32 internal constant FEE_BASE_AMOUNT = keccak256(abi.encode("ESTIMATED_GAS_FEE_BASE_AMOUNT_V2_1"));
    bytes32 internal constant FEE_PER_ORACLE_PRICE = keccak256(abi.encode("ESTIMATED_GAS_FEE_PER_ORACLE_PRICE"));
    bytes32 internal constant FEE_MULTIPLIER = keccak256(abi.encode("ESTIMATED_GAS_FEE_MULTIPLIER_FACTOR"));
    bytes32 internal constant MAX_CALLBACK_GAS_LIMIT = keccak256(abi.encode("MAX_CALLBACK_GAS_LIMIT"));
    bytes32 internal constant MIN_COLLATERAL_USD = keccak256(abi.encode("MIN_COLLATERAL_USD"));
    bytes32 internal constant MIN_POSITION_SIZE_USD = keccak256(abi.encode("MIN_POSITION_SIZE_USD"));
    bytes32 internal constant REQUEST_EXPIRATION_TIME = keccak256(abi.encode("REQUEST_EXPIRATION_TIME"));
    bytes32 internal constant TIME_DIVISOR = keccak256(abi.encode("CLAIMABLE_COLLATERAL_TIME_DIVISOR"));

    bytes32 internal constant IS_FROZEN = keccak256(abi.encode("IS_FROZEN"));
    bytes32 internal constant SIZE_IN_USD = keccak256(abi.encode("SIZE_IN_USD"));
    bytes32 internal constant SIZE_IN_TOKENS = keccak256(abi.encode("SIZE_IN_TOKENS"));
    bytes32 internal constant COLLATERAL_AMOUNT = keccak256(abi.encode("COLLATERAL_AMOUNT"));
    bytes32 internal constant PENDING_IMPACT_AMOUNT = keccak256(abi.encode("PENDING_IMPACT_AMOUNT"));

    bytes32 internal constant CONTROLLER = keccak256(abi.encode("CONTROLLER"));
    bytes32 internal constant ROUTER_PLUGIN = keccak256(abi.encode("ROUTER_PLUGIN"));

    bytes32 private constant OPEN_INTEREST = keccak256(abi.encode("OPEN_INTEREST"));
    bytes32 private constant OPEN_INTEREST_IN_TOKENS = keccak256(abi.encode("OPEN_INTEREST_IN_TOKENS"));
    bytes32 private constant POOL_AMOUNT = keccak256(abi.encode("POOL_AMOUNT"));
    bytes32 private constant RESERVE_FACTOR = keccak256(abi.encode("RESERVE_FACTOR"));
    bytes32 private constant OPEN_INTEREST_RESERVE_FACTOR = keccak256(abi.encode("OPEN_INTEREST_RESERVE_FACTOR"));
    bytes32 private constant MAX_OPEN_INTEREST = keccak256(abi.encode("MAX_OPEN_INTEREST"));
    bytes32 private constant POSITION_FEE_FACTOR = keccak256(abi.encode("POSITION_FEE_FACTOR"));
    bytes32 private constant MIN_COLLATERAL_FACTOR = keccak256(abi.encode("MIN_COLLATERAL_FACTOR"));
    bytes32 private constant LIQUIDATION_FACTOR = keccak256(abi.encode("MIN_COLLATERAL_FACTOR_FOR_LIQUIDATION"));
    bytes32 private constant CREATE_ORDER_DISABLED = keccak256(abi.encode("CREATE_ORDER_FEATURE_DISABLED"));
    bytes32 private constant PRICE_FEED = keccak256(abi.encode("PRICE_FEED"));
    bytes32 private constant PRICE_FEED_MULTIPLIER = keccak256(abi.encode("PRICE_FEED_MULTIPLIER"));
    bytes32 private constant SAVED_FUNDING = keccak256(abi.encode("SAVED_FUNDING_FACTOR_PER_SECOND"));
    bytes32 private constant MAX_FUNDING = keccak256(abi.encode("MAX_FUNDING_FACTOR_PER_SECOND"));
    bytes32 private constant CLAIMABLE_FUNDING = keccak256(abi.encode("CLAIMABLE_FUNDING_AMOUNT"));
    bytes32 private constant CLAIMABLE_COLLATERAL = keccak256(abi.encode("CLAIMABLE_COLLATERAL_AMOUNT"));
    bytes32 private constant CLAIMED_COLLATERAL = keccak256(abi.encode("CLAIMED_COLLATERAL_AMOUNT"));
    bytes32 private constant COLLATERAL_REDUCTION = keccak256(abi.encode("CLAIMABLE_COLLATERAL_REDUCTION_FACTOR"));

    /// @dev Of a position or order: `field` is one of the names above.
    function ofEntry(bytes32 entry, bytes32 field) internal pure returns (bytes32) {
        return keccak256(abi.encode(entry, field));
    }

    function position(address account, address market, address token, bool isLong) internal pure returns (bytes32) {
        return keccak256(abi.encode(account, market, token, isLong));
    }

    function openInterest(address market, address token, bool isLong) internal pure returns (bytes32) {
        return keccak256(abi.encode(OPEN_INTEREST, market, token, isLong));
    }

    function openInterestInTokens(address market, address token, bool isLong) internal pure returns (bytes32) {
        return keccak256(abi.encode(OPEN_INTEREST_IN_TOKENS, market, token, isLong));
    }

    function poolAmount(address market, address token) internal pure returns (bytes32) {
        return keccak256(abi.encode(POOL_AMOUNT, market, token));
    }

    function reserveFactor(address market, bool isLong) internal pure returns (bytes32) {
        return _ofSide(RESERVE_FACTOR, market, isLong);
    }

    function openInterestReserveFactor(address market, bool isLong) internal pure returns (bytes32) {
        return _ofSide(OPEN_INTEREST_RESERVE_FACTOR, market, isLong);
    }

    function maxOpenInterest(address market, bool isLong) internal pure returns (bytes32) {
        return _ofSide(MAX_OPEN_INTEREST, market, isLong);
    }

    function positionFeeFactor(address market, bool isBalanceImproved) internal pure returns (bytes32) {
        return _ofSide(POSITION_FEE_FACTOR, market, isBalanceImproved);
    }

    function minCollateralFactor(address market) internal pure returns (bytes32) {
        return keccak256(abi.encode(MIN_COLLATERAL_FACTOR, market));
    }

    function liquidationFactor(address market) internal pure returns (bytes32) {
        return keccak256(abi.encode(LIQUIDATION_FACTOR, market));
    }

    function createOrderDisabled(address handler, uint256 orderType) internal pure returns (bytes32) {
        return keccak256(abi.encode(CREATE_ORDER_DISABLED, handler, orderType));
    }

    function priceFeed(address token) internal pure returns (bytes32) {
        return keccak256(abi.encode(PRICE_FEED, token));
    }

    function priceFeedMultiplier(address token) internal pure returns (bytes32) {
        return keccak256(abi.encode(PRICE_FEED_MULTIPLIER, token));
    }

    function savedFunding(address market) internal pure returns (bytes32) {
        return keccak256(abi.encode(SAVED_FUNDING, market));
    }

    function maxFunding(address market) internal pure returns (bytes32) {
        return keccak256(abi.encode(MAX_FUNDING, market));
    }

    function claimableFunding(address market, address token, address account) internal pure returns (bytes32) {
        return keccak256(abi.encode(CLAIMABLE_FUNDING, market, token, account));
    }

    function claimableCollateral(address market, address token, uint256 timeKey, address account)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(CLAIMABLE_COLLATERAL, market, token, timeKey, account));
    }

    function claimedCollateral(address market, address token, uint256 timeKey, address account)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(CLAIMED_COLLATERAL, market, token, timeKey, account));
    }

    function collateralReduction(address market, address token, uint256 timeKey, address account)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(COLLATERAL_REDUCTION, market, token, timeKey, account));
    }

    /// @dev Of a side of a market, or of trades that improve its balance and of others.
    function _ofSide(bytes32 name, address market, bool flag) private pure returns (bytes32) {
        return keccak256(abi.encode(name, market, flag));
    }
}
