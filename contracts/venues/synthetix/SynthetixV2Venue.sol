// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IOrderTerms} from "../../interfaces/IOrderTerms.sol";
import {IPerpVenue} from "../../interfaces/IPerpVenue.sol";
import {PendingOrders} from "../PendingOrders.sol";
import {SynthetixV2Account} from "./SynthetixV2Account.sol";
import {
    ISynthetixExchanger,
    ISynthetixResolver,
    ISynthetixV2Market,
    ISynthetixV2OffchainRate,
    ISynthetixV2Settings
} from "./ISynthetixV2.sol";

/// @title Venue adapter of Synthetix Perps V2 by delayed off-chain orders
/// @notice Purpose. Asks for a trade now; anybody has it executed at a price that Pyth published later, within a window of
///         seconds, by `settle` here or at Synthetix itself. `data` of `settle` is an encoded `bytes[]` of Pyth updates; their
///         fee is paid from the ether sent.
///
///         Trust. What an order has come to is read from the account: Synthetix keeps no record of an order that is gone.
///         Nothing but the order's execution, or a liquidation, changes the position while it is open.
///
///         Obligations. An order executed or cancelled through this contract costs no keeper's deposit, for Synthetix gives it
///         back to the account. Price and fee of a fill are exact, but of one kind: a close that somebody else had executed
///         leaves neither, so its fee is taken at the highest rate, and its price so that both together are what the account has
///         changed by, funding of those seconds inside.
///
///         Liveness. Synthetix lets nobody cancel within the window, its owner neither: `cancel` reverts `CancelTooEarly`, for
///         a keeper too. From the expiry on nothing can fill, unless Synthetix lengthens its window meanwhile. Synthetix gives
///         the deposit back only while it has a price and is not suspended; otherwise anybody may cancel at Synthetix itself,
///         and gets the deposit for it.
///
///         Reductions. Synthetix knows no reduce-only orders, but a close cannot open anything here: the position changes only
///         by liquidation while an order is open, and Synthetix drops the order of an account that it flags.
///
///         Known limits. Whoever has an order executed chooses among the prices that Pyth published in the window, and may let
///         it lapse: the limit price bounds what that costs. `maxFee` counts with the fees and the dynamic fee as they are when
///         the order is asked for, and for a sale with a price as far above the present one as Synthetix lets Pyth's be: a sale
///         beyond that brings more than its fee. An order that was filled and whose account was liquidated before anybody
///         looked is called cancelled. Margin cannot come home in the rebalance that leaves an order, nor go in until it is done.
contract SynthetixV2Venue is SynthetixV2Account, IOrderTerms {
    /// @dev Off-chain delayed orders as Synthetix numbers the kinds of them, for its fees.
    uint8 private constant OFFCHAIN = 2;

    /// @dev The account as it was when the open order was taken.
    struct Asked {
        int128 size;
        uint128 margin;
        uint128 lastPrice;
        int128 funding;
        uint128 keeperDeposit;
        uint128 feeRate;
    }

    Asked private _asked;
    uint256 private _orderCount;

    /// @dev The order that this transaction executes or cancels: its deposit comes back.
    bytes32 private transient _actedOn;

    error CancelTooEarly(uint256 timestamp, uint256 cancellableAt);
    error EtherNotTaken(address sender);

    /// @param vault_ Vault this account belongs to.
    /// @param market_ Proxy of the market.
    /// @param resolver_ Synthetix's address resolver.
    constructor(address vault_, ISynthetixV2Market market_, ISynthetixResolver resolver_)
        SynthetixV2Account(vault_, market_, resolver_)
    {}

    /// @notice Takes back what a price update did not cost, and nothing else.
    receive() external payable {
        if (_actedOn == 0) revert EtherNotTaken(msg.sender);
    }

    // --- the vault's instructions ---------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    /// @dev Refuses an order that would not fill at the price on chain.
    function execute(int256 sizeDelta, uint256 limitPrice) external onlyVault nonReentrant returns (Execution memory) {
        if (sizeDelta == 0) revert ZeroSize();
        _requireNoOpenOrder();
        limitPrice = Math.min(limitPrice, type(uint128).max); // Synthetix cuts off what is above
        (uint256 fillPrice,) = market.fillPrice(sizeDelta);
        _requireWithin(fillPrice, sizeDelta, limitPrice);
        ISynthetixV2Settings settings = _settings();
        uint256 feeRate = _highestFeeRate(settings);
        uint256 price = _highestPrice(settings, sizeDelta, limitPrice, fillPrice);
        market.submitOffchainDelayedOrder(sizeDelta, limitPrice);
        uint256 deposit = _keepAccount(feeRate);
        bytes32 orderId = keccak256(abi.encode(address(this), ++_orderCount));
        // One second more than Synthetix executes for: then it may be cancelled.
        uint256 life = settings.offchainDelayedOrderMaxAge(_marketKey) + 1;
        uint256 notional = Math.mulDiv(SignedMath.abs(sizeDelta), price, uint256(WAD), Math.Rounding.Ceil);
        uint256 maxFee = Math.mulDiv(notional, feeRate, uint256(WAD), Math.Rounding.Ceil) + deposit;
        return _keepOrder(orderId, sizeDelta, limitPrice, maxFee, life);
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IOrderTerms
    /// @dev The fixed part is the keeper's deposit.
    function orderTerms()
        external
        view
        returns (uint256 feeRate, uint256 fixedFee, uint256 saleRise, uint256 sizeStep)
    {
        ISynthetixV2Settings settings = _settings();
        return (_highestFeeRate(settings), settings.minKeeperFee(), settings.offchainPriceDivergence(_marketKey), 1);
    }

    // --- the order ------------------------------------------------------------------------------------------------

    /// @inheritdoc PendingOrders
    /// @dev An order too old to fill is Frozen until it is cancelled.
    function _progressOf(bytes32 orderId, Order memory kept) internal view override returns (Progress memory p) {
        if (market.delayedOrders(address(this)).sizeDelta != 0) {
            p.status = block.timestamp + 1 < kept.expiresAt ? OrderStatus.Pending : OrderStatus.Frozen;
            return p;
        }
        bool isOwnAct = _actedOn == orderId;
        Asked memory asked = _asked;
        ISynthetixV2Market.Position memory held = _position();
        // A liquidation takes all margin; a close leaves some.
        bool isTaken = held.size == 0 && held.margin == 0;
        if (isTaken || held.size != asked.size + kept.sizeDelta) {
            p.status = OrderStatus.Cancelled;
        } else {
            p.status = OrderStatus.Filled;
            p.filledSizeDelta = kept.sizeDelta;
            (p.executionPrice, p.fee) = _termsOf(asked, kept.sizeDelta, held, isOwnAct);
        }
        if (!isOwnAct) p.fee += asked.keeperDeposit;
    }

    /// @inheritdoc PendingOrders
    function _executeAtVenue(bytes32 orderId, bytes calldata data) internal override {
        _actedOn = orderId;
        market.executeOffchainDelayedOrder{value: msg.value}(address(this), abi.decode(data, (bytes[])));
    }

    /// @inheritdoc PendingOrders
    function _cancelAtVenue(bytes32 orderId) internal override {
        uint256 cancellableAt = order(orderId).expiresAt;
        if (block.timestamp < cancellableAt) revert CancelTooEarly(block.timestamp, cancellableAt);
        _actedOn = orderId;
        market.cancelOffchainDelayedOrder(address(this));
    }

    // --- inside ---------------------------------------------------------------------------------------------------

    function _orderType() internal pure override returns (uint8) {
        return OFFCHAIN;
    }

    /// @dev Off-chain orders can be suspended by themselves.
    function _isActive() internal view override returns (bool) {
        return super._isActive() && _isMarketActive(_settings().offchainMarketKey(_marketKey));
    }

    function _deposited() internal view override returns (int256) {
        return openOrder() == 0 ? int256(0) : _toInt(_asked.keeperDeposit);
    }

    /// @dev Keeps the account as it is once its order is taken; returns the deposit that this took, USD.
    function _keepAccount(uint256 feeRate) private returns (uint128 deposit) {
        deposit = market.delayedOrders(address(this)).keeperDeposit;
        ISynthetixV2Market.Position memory held = _position();
        _asked = Asked(held.size, held.margin, held.lastPrice, int128(_fundingOf(held)), deposit, uint128(feeRate));
    }

    /// @dev Price and fee of a fill, deposit aside.
    function _termsOf(Asked memory asked, int256 sizeDelta, ISynthetixV2Market.Position memory held, bool isOwnAct)
        private
        view
        returns (uint256 price, uint256 fee)
    {
        int256 marginAfter = _toInt(held.margin);
        if (held.size == 0 && !isOwnAct) return _termsFromMargin(asked, marginAfter - _toInt(asked.margin));
        price = held.size == 0 ? _fillPriceOf(sizeDelta) : held.lastPrice;
        int256 funding = held.size == 0 ? _latestFunding() : _fundingOf(held);
        if (isOwnAct) marginAfter -= _toInt(asked.keeperDeposit);
        ISynthetixV2Market.Position memory before =
            ISynthetixV2Market.Position(0, 0, asked.margin, asked.lastPrice, asked.size);
        fee = _charged(before, asked.funding, funding, price, marginAfter);
    }

    /// @dev Price and fee of a close whose margin alone is known, at the highest fee rate: together they are what it gained.
    function _termsFromMargin(Asked memory asked, int256 gained) private pure returns (uint256 price, uint256 fee) {
        int256 held = asked.size;
        int256 netPerUnit = _toInt(asked.lastPrice) + gained * WAD / held;
        int256 rate = _toInt(asked.feeRate);
        int256 average = netPerUnit * WAD / (held > 0 ? WAD - rate : WAD + rate);
        if (average <= 0) return (0, 0);
        price = uint256(average);
        int256 charged = held * (average - _toInt(asked.lastPrice)) / WAD - gained;
        fee = charged > 0 ? uint256(charged) : 0;
    }

    /// @dev What a trade that was just executed at Pyth's latest price filled at: the mean of the premiums before and after it,
    ///      rounded as Synthetix does.
    function _fillPriceOf(int256 sizeDelta) private view returns (uint256) {
        address rate = resolver.getAddress("PerpsV2ExchangeRate");
        (uint256 latest,) = ISynthetixV2OffchainRate(rate).resolveAndGetLatestPrice(_asset);
        (int256 price, int256 skew) = (_toInt(latest), market.marketSkew());
        int256 scale = _toInt(_settings().skewScale(_marketKey));
        int256 priceBefore = price + price * ((skew - sizeDelta) * WAD / scale) / WAD;
        int256 priceAfter = price + price * (skew * WAD / scale) / WAD;
        return uint256((priceBefore + priceAfter) / 2);
    }

    /// @dev Highest rate that the trade may be charged at, as the rates are now.
    function _highestFeeRate(ISynthetixV2Settings settings) private view returns (uint256 rate) {
        ISynthetixExchanger exchanger = ISynthetixExchanger(resolver.getAddress("Exchanger"));
        (rate,) = exchanger.dynamicFeeRateForExchange(SUSD, _asset);
        rate += Math.max(
            settings.takerFeeOffchainDelayedOrder(_marketKey), settings.makerFeeOffchainDelayedOrder(_marketKey)
        );
    }

    /// @dev Highest price that the trade may be charged at.
    function _highestPrice(ISynthetixV2Settings settings, int256 sizeDelta, uint256 limitPrice, uint256 fillPrice)
        private
        view
        returns (uint256)
    {
        if (sizeDelta > 0) return limitPrice;
        uint256 above = Math.mulDiv(fillPrice, settings.offchainPriceDivergence(_marketKey), uint256(WAD));
        return Math.max(limitPrice, fillPrice + above);
    }
}
