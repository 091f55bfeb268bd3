// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../interfaces/IPerpVenue.sol";
import {PendingOrders} from "../PendingOrders.sol";
import {SynthetixV2Account} from "./SynthetixV2Account.sol";
import {ISynthetixResolver, ISynthetixV2Market} from "./ISynthetixV2.sol";

/// @title Venue adapter of Synthetix Perps V2 that trades at once
/// @notice Purpose. Trades at the price on chain in the same transaction, so that every order is Filled and none is ever
///         pending: leavers can close their part here.
///
///         Known limits. Synthetix asks far more for it than for delayed orders, to keep away who knows better than its price
///         on chain; on the last live markets 30 % of the notional, more than any sensible guard lets through. `quote` has it.
contract SynthetixV2AtomicVenue is SynthetixV2Account {
    /// @dev Trades at once as Synthetix numbers the kinds of order, for its fees.
    uint8 private constant ATOMIC = 0;

    /// @param vault_ Vault this account belongs to.
    /// @param market_ Proxy of the market.
    /// @param resolver_ Synthetix's address resolver.
    constructor(address vault_, ISynthetixV2Market market_, ISynthetixResolver resolver_)
        SynthetixV2Account(vault_, market_, resolver_)
    {}

    /// @inheritdoc IPerpVenue
    function execute(int256 sizeDelta, uint256 limitPrice)
        external
        onlyVault
        nonReentrant
        returns (Execution memory execution)
    {
        if (sizeDelta == 0) revert ZeroSize();
        (uint256 price,) = market.fillPrice(sizeDelta);
        _requireWithin(price, sizeDelta, limitPrice);
        ISynthetixV2Market.Position memory before = _position();
        int256 funding = _fundingOf(before);
        market.modifyPosition(sizeDelta, price);
        uint256 fee = _charged(before, funding, _latestFunding(), price, _toInt(_position().margin));
        execution = Execution(OrderStatus.Filled, 0, sizeDelta, price, fee);
        emit Executed(sizeDelta, price, fee);
    }

    /// @inheritdoc SynthetixV2Account
    function _orderType() internal pure override returns (uint8) {
        return ATOMIC;
    }

    // --- no order is ever kept, so nobody gets here ------------------------------------------------------------------

    /// @inheritdoc PendingOrders
    function _progressOf(bytes32, Order memory kept) internal pure override returns (Progress memory) {
        return Progress(kept.status, 0, 0, 0);
    }

    /// @inheritdoc PendingOrders
    function _executeAtVenue(bytes32 orderId, bytes calldata) internal pure override {
        if (orderId != 0) revert UnknownOrder(orderId);
    }

    /// @inheritdoc PendingOrders
    function _cancelAtVenue(bytes32 orderId) internal pure override {
        if (orderId != 0) revert UnknownOrder(orderId);
    }

    function _deposited() internal pure override returns (int256) {
        return 0;
    }
}
