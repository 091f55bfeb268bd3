// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IOrderTerms} from "../../interfaces/IOrderTerms.sol";
import {IPerpVenue} from "../../interfaces/IPerpVenue.sol";
import {PendingOrders} from "../PendingOrders.sol";
import {GmxV2Keys} from "./GmxV2Keys.sol";
import {GmxV2Market} from "./GmxV2Market.sol";
import {GmxV2Releases} from "./GmxV2Releases.sol";
import {IGmxCallbacks, IGmxExchangeRouter, IGmxOrderHandler, IGmxWnt} from "./IGmxV2.sol";

/// @title Venue adapter of GMX v2.2
/// @notice Purpose. Asks for market orders, which GMX's keepers execute seconds later at a price of Data Streams. A trade past 0
///         is two of GMX's orders, one that closes and one that opens, and one order here: either may fill without the other.
///
///         Parts. GMX keeps one position a side; margin that no position needs waits here as cash, out of a liquidation's reach.
///         Equity is cash, margin on its way with an order, the ether held and on its way for executions, and what `market`
///         says that GMX holds: of each position its collateral, profit, stored price impact and fees accrued; funding that can
///         be claimed, collateral that GMX pays back after a delay, and long tokens that a failed swap left.
///
///         Trust. What an order has come to is read from GMX's DataStore: an order that is listed there is open, and what one
///         that is gone has done is in the position. A callback is believed only to come from GMX, and does no more than
///         anyone's `reconcile`.
///
///         Obligations. A close is GMX's decrease order, which opens nothing, whatever became of the position. What it would
///         close of GMX's USD size is never 0. The limit price holds for what is realised: GMX compares `acceptablePrice` with
///         the price impact before it is capped, so a close is asked for at the limit less what is above the cap, which comes
///         back as delayed collateral.
///
///         Ether. Each of GMX's orders needs ether for its execution, by the gas price of the transaction that asks for it:
///         `ExecutionFeeTooHigh` beyond the governed limit, `EtherTooLow` where the account has too little. Anyone may give it
///         ether; it belongs to the account from then on, and GMX returns here what it does not use.
///
///         Liveness. GMX's keepers alone execute, so `settle` here reverts `OnlyGmxExecutes`. GMX lets no order be cancelled
///         before `REQUEST_EXPIRATION_TIME` (300 s) has passed, not even by a keeper; from then on anyone may. Reconciling and
///         cancelling need neither a price nor a Reader, nor that GMX takes new orders.
///
///         Known limits. Whoever executes chooses among the prices of the window, inside the limit. An increase is
///         set in USD: filled at a better price, its size is larger in the same ratio. GMX keeps no price of a close: it is
///         worked out from what came back, at the fee of the worse side, with fees accrued since it was asked for inside. The
///         execution fee counts whole in `fee`, though a part of it comes back. A deleveraging or a liquidation while a close is
///         open counts as that close's fill. Profit that GMX failed to swap stays in long tokens; only WNT can be used, as ether.
contract GmxV2Venue is PendingOrders, IGmxCallbacks, IOrderTerms {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @dev The open order, and the account as it was when it was taken.
    struct Asked {
        bytes32 closeKey;
        bytes32 openKey;
        uint256 cash; // once the margin is sent, asset units
        uint256 executionFee; // of each of GMX's orders, wei
        bool isPurchase;
        int256 most; // size that a sale can come to at the limit, underlying units
        GmxV2Market.Plan plan;
    }

    uint8 private constant MARKET_INCREASE = 2;
    uint8 private constant MARKET_DECREASE = 4;
    uint8 private constant SWAP_PROFIT_TO_COLLATERAL = 1;
    uint256 private constant USD_TO_WAD = 1e12; // from GMX's 1e30

    /// @dev Most hours whose delayed collateral is followed at a time.
    uint256 private constant MAX_TIME_KEYS = 6;

    /// @inheritdoc IPerpVenue
    address public immutable collateral;

    /// @notice Reads GMX, and keeps its releases and the governed limits.
    GmxV2Market public immutable market;

    address private immutable _marketToken;
    address private immutable _longToken;

    Asked private _asked;
    uint256[] private _timeKeys;
    bytes32 private _lastId;
    uint256 private _orderCount;

    /// @param kind 0 executed, 1 cancelled, 2 frozen, 3 ether returned.
    event OrderHinted(bytes32 indexed key, uint256 kind, bool isReconciled);
    event OrderKeys(bytes32 indexed orderId, bytes32 closeKey, bytes32 openKey);
    /// @param assets Of the collateral; what comes in long tokens is in their own transfers.
    event Claimed(uint256 assets);

    error OnlyController(address caller);
    error OnlyGmxExecutes(bytes32 orderId);
    error CancelTooEarly(uint256 timestamp, uint256 cancellableAt);
    error EtherTooLow(uint256 held, uint256 needed);
    error CashTooLow(uint256 held, uint256 asked);
    error NothingToNote(uint256 timeKey);

    modifier onlyController() {
        if (!market.roleStore().hasRole(msg.sender, GmxV2Keys.CONTROLLER)) revert OnlyController(msg.sender);
        _;
    }

    /// @param vault_ Vault this account belongs to; its asset is the market's short token.
    /// @param market_ Reads GMX.
    constructor(address vault_, GmxV2Market market_) PendingOrders(vault_) {
        market = market_;
        (collateral, _longToken, _marketToken) = (market_.collateral(), market_.longToken(), market_.market());
        _register();
    }

    /// @notice Takes ether for executions. Anyone.
    receive() external payable {}

    // --- the vault's instructions ---------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    function depositMargin(uint256 assets) external onlyVault nonReentrant {
        _asked.cash += assets;
        IERC20(collateral).safeTransferFrom(vault, address(this), assets);
        emit MarginDeposited(assets);
    }

    /// @inheritdoc IPerpVenue
    function withdrawMargin(uint256 assets) external onlyVault nonReentrant {
        uint256 held = _cash();
        if (assets > held) revert CashTooLow(held, assets);
        _asked.cash = Math.saturatingSub(_asked.cash, assets);
        IERC20(collateral).safeTransfer(vault, assets);
        emit MarginWithdrawn(assets);
    }

    /// @inheritdoc IPerpVenue
    /// @dev One measurement is cheap enough to be taken twice.
    function bracketTrade(bool) external view {
        if (msg.sender != vault) revert OnlyVault(msg.sender, vault);
    }

    /// @inheritdoc IPerpVenue
    /// @dev Refuses an order that would not fill at the price of the feed. What a sale opens is set in USD, so it is larger at a
    ///      lower price: it counts as what it is at the limit, and no limit is below half the price.
    function execute(int256 sizeDelta, uint256 limitPrice) external onlyVault nonReentrant returns (Execution memory) {
        if (sizeDelta == 0) revert ZeroSize();
        _requireNoOpenOrder();
        uint256 price = markPrice();
        if (sizeDelta > 0 ? price > limitPrice : price < limitPrice) revert LimitPriceViolated(price, limitPrice);
        if (sizeDelta < 0) {
            limitPrice = Math.max(limitPrice, price / 2);
            _asked.most = sizeDelta * int256(price) / int256(limitPrice) - 1;
        }
        _asked.plan = market.plan(address(this), sizeDelta);
        (_asked.closeKey, _asked.openKey, _asked.isPurchase) = (0, 0, sizeDelta > 0);
        uint256 fee = _request(limitPrice);
        bytes32 orderId = keccak256(abi.encode(address(this), ++_orderCount));
        _lastId = orderId;
        emit OrderKeys(orderId, _asked.closeKey, _asked.openKey);
        return _keepOrder(orderId, sizeDelta, limitPrice, fee, market.expirationTime());
    }

    // --- anyone ---------------------------------------------------------------------------------------------------

    /// @notice Has GMX pay out the funding that this account may claim. Anyone.
    function claimFunding() external {
        (address[] memory markets, address[] memory tokens) = (new address[](2), new address[](2));
        (markets[0], markets[1]) = (_marketToken, _marketToken);
        (tokens[0], tokens[1]) = (collateral, _longToken);
        _claim(abi.encodeCall(IGmxExchangeRouter.claimFundingFees, (markets, tokens, address(this))));
    }

    /// @notice Has GMX pay out the delayed collateral of an hour. Anyone.
    /// @param token Collateral or long token.
    /// @param timeKey Hour as GMX counts it.
    function claimCollateral(address token, uint256 timeKey) external {
        (address[] memory markets, address[] memory tokens) = (new address[](1), new address[](1));
        uint256[] memory timeKeys = new uint256[](1);
        (markets[0], tokens[0], timeKeys[0]) = (_marketToken, token, timeKey);
        _claim(abi.encodeCall(IGmxExchangeRouter.claimCollateral, (markets, tokens, timeKeys, address(this))));
    }

    /// @notice Follows the delayed collateral of an hour until it is claimed. Anyone.
    /// @dev `NothingToNote` where GMX owes none of that hour, or too many are followed.
    /// @param timeKey Hour as GMX counts it: seconds divided by its divisor.
    function noteCollateral(uint256 timeKey) external {
        if (!_note(timeKey)) revert NothingToNote(timeKey);
    }

    /// @notice Makes ether of the wrapped native token that is here. Anyone.
    function unwrap() external nonReentrant {
        address wnt = market.wnt();
        IGmxWnt(wnt).withdraw(IERC20(wnt).balanceOf(address(this)));
    }

    /// @notice Has the newest release call back here for liquidations and deleveraging too. Anyone, after a rotation.
    function registerCallback() external nonReentrant {
        _register();
    }

    // --- GMX's callbacks ------------------------------------------------------------------------------------------

    /// @inheritdoc IGmxCallbacks
    function afterOrderExecution(bytes32 key, EventLogData calldata, EventLogData calldata) external onlyController {
        _hear(key, 0);
    }

    /// @inheritdoc IGmxCallbacks
    function afterOrderCancellation(bytes32 key, EventLogData calldata, EventLogData calldata) external onlyController {
        _hear(key, 1);
    }

    /// @inheritdoc IGmxCallbacks
    function afterOrderFrozen(bytes32 key, EventLogData calldata, EventLogData calldata) external onlyController {
        _hear(key, 2);
    }

    /// @inheritdoc IGmxCallbacks
    /// @dev The ether is taken; nothing else is done, for it comes in the middle of a cancellation too.
    function refundExecutionFee(bytes32 key, EventLogData calldata) external payable onlyController {
        emit OrderHinted(key, 3, false);
    }

    // --- the account ----------------------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    function account() external view nonReentrantView returns (Account memory a) {
        (a.size, a.equity, a.markPrice) = _valued();
        a.indexPrice = a.markPrice;
        _addPending(a);
        // GMX fills no close beyond what there is.
        if (_asked.openKey == 0) {
            a.pendingNegative = SignedMath.max(a.pendingNegative, -SignedMath.max(a.size, 0));
            a.pendingPositive = SignedMath.min(a.pendingPositive, -SignedMath.min(a.size, 0));
        } else if (a.pendingNegative < 0) {
            a.pendingNegative = SignedMath.min(a.pendingNegative, _asked.most);
        }
    }

    /// @inheritdoc IPerpVenue
    function size() external view returns (int256) {
        return market.sizeOf(address(this));
    }

    /// @inheritdoc IPerpVenue
    function position() external view returns (Position memory current) {
        (uint256 margin,) = _onTheirWay();
        return market.positionOf(address(this), _cash() + margin);
    }

    /// @inheritdoc IPerpVenue
    function equity() external view returns (int256 low, int256 high) {
        (, low,) = _valued();
        high = low;
    }

    /// @inheritdoc IPerpVenue
    /// @dev Cash alone: what backs a position comes back by closing it.
    function freeCollateral() external view returns (uint256 assets) {
        return _cash();
    }

    /// @inheritdoc IPerpVenue
    function markPrice() public view returns (uint256) {
        return market.markPrice();
    }

    /// @inheritdoc IPerpVenue
    function indexPrice() external view returns (uint256) {
        return markPrice();
    }

    /// @inheritdoc IPerpVenue
    function fundingRate() external view returns (int256 perDay) {
        return market.fundingRate();
    }

    /// @inheritdoc IPerpVenue
    /// @dev What is borrowed from the pool is not funding.
    function maxFundingRate() external view returns (uint256 perDay) {
        return market.maxFundingRate(address(this));
    }

    /// @inheritdoc IPerpVenue
    function quote(int256 sizeDelta) external view returns (uint256 executionPrice, uint256 fee) {
        if (sizeDelta == 0) revert ZeroSize();
        return market.quote(address(this), sizeDelta);
    }

    /// @inheritdoc IPerpVenue
    function capacity(bool isLong) external view returns (uint256 maxSize) {
        return market.capacity(address(this), isLong);
    }

    /// @notice GMX's keys of the last order asked for; 0 for a part that it did not need.
    function orderKeys() external view returns (bytes32 closeKey, bytes32 openKey) {
        return (_asked.closeKey, _asked.openKey);
    }

    // --- the order ------------------------------------------------------------------------------------------------

    /// @inheritdoc IOrderTerms
    function orderTerms() external view returns (uint256, uint256, uint256, uint256) {
        return market.orderTerms(address(this));
    }

    /// @inheritdoc PendingOrders
    function _progressOf(bytes32, Order memory kept) internal view override returns (Progress memory p) {
        Asked memory a = _asked;
        (bool isCloseOpen, bool isOpenOpen) = (market.isListed(a.closeKey), market.isListed(a.openKey));
        GmxV2Market.Side memory now_ = market.sideOf(address(this), a.isPurchase);
        (uint256 closed, uint256 opened, uint256 notional) = (0, 0, 0); // index tokens, and WAD USD
        bool isWhole = true;
        if (a.closeKey != 0 && !isCloseOpen) {
            (closed, notional, p.fee) = _closeTerms(a, !isOpenOpen && now_.sizeInUsd <= a.plan.opened.sizeInUsd);
            isWhole = closed == a.plan.closeTokens;
        }
        if (a.openKey != 0 && !isOpenOpen) {
            uint256 openUsd = Math.saturatingSub(now_.sizeInUsd, a.plan.opened.sizeInUsd);
            opened = openUsd == 0 ? 0 : Math.saturatingSub(now_.sizeInTokens, a.plan.opened.sizeInTokens);
            notional += openUsd / USD_TO_WAD;
            p.fee += _openFee(a, now_.collateral, openUsd);
            isWhole = isWhole && openUsd >= a.plan.openUsd;
        }
        int256 filled = market.toSize(closed + opened);
        p.filledSizeDelta = a.isPurchase ? filled : -filled;
        if (filled != 0) p.executionPrice = Math.mulDiv(notional, 1e18, uint256(filled));
        if (isCloseOpen || isOpenOpen) {
            bool isFrozen = (isCloseOpen && market.isFrozen(a.closeKey)) || (isOpenOpen && market.isFrozen(a.openKey));
            p.status = filled == 0 ? OrderStatus.Pending : OrderStatus.PartlyFilled;
            if (isFrozen) p.status = OrderStatus.Frozen;
            return p;
        }
        p.status = isWhole ? OrderStatus.Filled : OrderStatus.Cancelled;
        p.fee = Math.min(p.fee + market.etherUsd(_feesWei(a)), kept.maxFee);
    }

    /// @inheritdoc PendingOrders
    function _executeAtVenue(bytes32 orderId, bytes calldata) internal pure override {
        revert OnlyGmxExecutes(orderId);
    }

    /// @inheritdoc PendingOrders
    function _cancelAtVenue(bytes32 orderId) internal override {
        uint256 cancellableAt = order(orderId).expiresAt;
        if (block.timestamp < cancellableAt) revert CancelTooEarly(block.timestamp, cancellableAt);
        IGmxExchangeRouter exchange = IGmxExchangeRouter(_exchange());
        if (market.isListed(_asked.closeKey)) exchange.cancelOrder(_asked.closeKey);
        if (market.isListed(_asked.openKey)) exchange.cancelOrder(_asked.openKey);
    }

    // --- private --------------------------------------------------------------------------------------------------

    /// @dev Margin and ether that an open order has with GMX, asset units and wei.
    function _onTheirWay() private view returns (uint256 margin, uint256 wei_) {
        if (market.isListed(_asked.closeKey)) wei_ = _asked.executionFee;
        if (!market.isListed(_asked.openKey)) return (0, wei_);
        return (_asked.plan.margin, wei_ + _asked.executionFee);
    }

    function _cash() private view returns (uint256) {
        return IERC20(collateral).balanceOf(address(this));
    }

    /// @dev What GMX holds, what is here and what is on its way.
    function _valued() private view returns (int256 held, int256 total, uint256 price) {
        (uint256 margin, uint256 wei_) = _onTheirWay();
        (held, total, price) = market.valueOf(address(this), _timeKeys, _cash() + margin, address(this).balance + wei_);
    }

    /// @dev Asks GMX; returns the most that it may cost, WAD USD.
    function _request(uint256 limitPrice) private returns (uint256 maxFee) {
        Asked memory a = _asked;
        a.executionFee = market.checkedExecutionFee(a.plan.closeUsd != 0, a.plan.openUsd != 0);
        if (a.plan.closeUsd != 0) a.closeKey = _create(a, false, limitPrice);
        if (a.plan.openUsd != 0) a.openKey = _create(a, true, limitPrice);
        a.cash = _cash();
        _asked = a;
        return market.etherUsd(_feesWei(a)) + market.highestFee(a.plan.closeUsd + a.plan.openUsd);
    }

    function _feesWei(Asked memory a) private pure returns (uint256) {
        return a.executionFee * ((a.closeKey == 0 ? 0 : 1) + (a.openKey == 0 ? 0 : 1));
    }

    /// @dev One of GMX's orders, by a multicall of its router.
    function _create(Asked memory a, bool isIncrease, uint256 limitPrice) private returns (bytes32) {
        uint8 orderType = isIncrease ? MARKET_INCREASE : MARKET_DECREASE;
        GmxV2Releases.Release memory release = market.usable(orderType);
        address orderVault = IGmxOrderHandler(release.orderHandler).orderVault();
        if (address(this).balance < a.executionFee) revert EtherTooLow(address(this).balance, a.executionFee);
        bytes[] memory calls = new bytes[](isIncrease ? 3 : 2);
        calls[0] = abi.encodeCall(IGmxExchangeRouter.sendWnt, (orderVault, a.executionFee));
        if (isIncrease) {
            IERC20(collateral).forceApprove(market.router(), a.plan.margin);
            calls[1] = abi.encodeCall(IGmxExchangeRouter.sendTokens, (collateral, orderVault, a.plan.margin));
        }
        calls[calls.length - 1] = abi.encodeCall(IGmxExchangeRouter.createOrder, (_params(a, isIncrease, limitPrice)));
        bytes[] memory results = IGmxExchangeRouter(release.exchangeRouter).multicall{value: a.executionFee}(calls);
        return abi.decode(results[results.length - 1], (bytes32));
    }

    function _params(Asked memory a, bool isIncrease, uint256 limitPrice)
        private
        view
        returns (IGmxExchangeRouter.CreateOrderParams memory params)
    {
        address here = address(this);
        params.addresses =
            IGmxExchangeRouter.OrderAddresses(here, here, here, address(0), _marketToken, collateral, new address[](0));
        params.numbers.acceptablePrice = market.acceptablePrice(limitPrice, a.isPurchase, !isIncrease, a.plan);
        params.numbers.executionFee = a.executionFee;
        params.numbers.callbackGasLimit = market.callbackGas();
        params.isLong = isIncrease == a.isPurchase;
        if (isIncrease) {
            params.orderType = MARKET_INCREASE;
            params.numbers.sizeDeltaUsd = a.plan.openUsd;
            params.numbers.initialCollateralDeltaAmount = a.plan.margin;
            return params;
        }
        params.orderType = MARKET_DECREASE;
        params.decreasePositionSwapType = SWAP_PROFIT_TO_COLLATERAL;
        params.numbers.sizeDeltaUsd = a.plan.closeUsd;
        params.numbers.initialCollateralDeltaAmount = a.plan.released; // of a whole position GMX pays out all there is
    }

    /// @dev What was closed, index tokens, its notional and its fee, WAD USD, from what it brought in.
    /// @param isBack Whether the margin of the other part has come back, if it has one.
    function _closeTerms(Asked memory a, bool isBack)
        private
        view
        returns (uint256 closed, uint256 notional, uint256 fee)
    {
        GmxV2Market.Side memory now_ = market.sideOf(address(this), !a.isPurchase);
        closed = Math.saturatingSub(a.plan.closed.sizeInTokens, now_.sizeInTokens);
        closed = Math.min(closed, a.plan.closeTokens);
        if (closed == 0) return (0, 0, 0);
        int256 gained = market.toUsd(_cash() + now_.collateral) - market.toUsd(a.cash + a.plan.closed.collateral);
        if (isBack) gained -= market.toUsd(a.plan.margin);
        uint256 usd = Math.mulDiv(a.plan.closeUsd, closed, a.plan.closeTokens);
        fee = market.highestFee(usd);
        int256 profit = gained + a.plan.owedFees + fee.toInt256();
        int256 value = (usd / USD_TO_WAD).toInt256() + (a.isPurchase ? -profit : profit);
        if (value > 0) notional = uint256(value);
    }

    /// @dev Fee of what was opened, from the collateral that is missing.
    function _openFee(Asked memory a, uint256 collateralNow, uint256 openUsd) private view returns (uint256) {
        uint256 missing = Math.saturatingSub(a.plan.opened.collateral + a.plan.margin, collateralNow);
        return Math.min(uint256(market.toUsd(missing)), market.highestFee(openUsd));
    }

    /// @dev A hint: whatever it says, the same is done.
    function _hear(bytes32 key, uint256 kind) private {
        _note(market.hour());
        bool isDone;
        try this.reconcile(_lastId) returns (OrderStatus) {
            isDone = true;
        } catch {
            isDone = false;
        }
        emit OrderHinted(key, kind, isDone);
    }

    /// @dev Follows an hour from now on, if GMX owes anything of it.
    function _note(uint256 timeKey) private returns (bool) {
        if (!_isOwed(timeKey)) return false;
        uint256 count = _timeKeys.length;
        for (uint256 i = 0; i < count; ++i) {
            if (_timeKeys[i] == timeKey) return true;
        }
        if (count == MAX_TIME_KEYS) return false;
        _timeKeys.push(timeKey);
        return true;
    }

    function _isOwed(uint256 timeKey) private view returns (bool) {
        return market.owedOf(address(this), collateral, timeKey) != 0
            || market.owedOf(address(this), _longToken, timeKey) != 0;
    }

    function _register() private {
        IGmxExchangeRouter(_exchange()).setSavedCallbackContract(_marketToken, address(this));
    }

    /// @dev What a claim brings is no proceeds of an order.
    function _claim(bytes memory request) private whileVaultRests nonReentrant {
        uint256 cash = _cash();
        Address.functionCall(_exchange(), request);
        uint256 gained = _cash() - cash;
        _asked.cash += gained;
        emit Claimed(gained);
        for (uint256 i = _timeKeys.length; i > 0; --i) {
            if (_isOwed(_timeKeys[i - 1])) continue;
            _timeKeys[i - 1] = _timeKeys[_timeKeys.length - 1];
            _timeKeys.pop();
        }
    }

    function _exchange() private view returns (address) {
        return market.standing().exchangeRouter;
    }
}
