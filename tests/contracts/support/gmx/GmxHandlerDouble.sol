// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {GmxV2Keys} from "../../../../contracts/venues/gmx/GmxV2Keys.sol";
import {IGmxCallbacks, IGmxExchangeRouter, IGmxReader} from "../../../../contracts/venues/gmx/IGmxV2.sol";
import {GmxMath} from "./GmxMath.sol";
import {GmxDataStoreDouble, GmxOrderVaultDouble, GmxRoleStoreDouble, WntDouble} from "./GmxStoreDouble.sol";

/// @notice The pool of a market's tokens, which outlives handlers.
contract GmxPoolDouble {
    function pay(address token, address receiver, uint256 amount) external {
        IERC20(token).transfer(receiver, amount);
    }
}

/// @notice Double of GMX's OrderHandler for one market, with the keepers that work for it.
/// @dev Orders are kept here for the parameters, and listed in the DataStore as GMX lists them: a later handler takes over
///      what is listed by `adopt`. USD is 1e30.
contract GmxHandlerDouble {
    struct Kept {
        address account;
        uint256 updatedAt;
        uint256 margin;
        IGmxExchangeRouter.CreateOrderParams params;
    }

    /// @dev Where ether goes that was sent beyond the fee that an order names.
    address private constant HOLDING_ADDRESS = address(0x401d);

    GmxDataStoreDouble public immutable store;
    address public immutable orderVault;
    address public immutable referralStorage = address(0xfef);
    GmxPoolDouble public immutable pool;
    IGmxReader.Market private _market;
    mapping(bytes32 key => Kept order) internal _orders;

    /// @notice Whether callbacks are delivered, and how much of the execution fee keepers use, bps.
    bool public isDeaf;
    uint256 public feeUsedBps = 6000;
    bool public swapFails;

    error InsufficientWntAmountForExecutionFee(uint256 wntAmount, uint256 executionFee);
    error InsufficientExecutionFee(uint256 minExecutionFee, uint256 executionFee);
    error RequestNotYetCancellable(uint256 requestAge, uint256 requestExpirationAge, string requestType);
    error OrderNotFulfillableAtAcceptablePrice(uint256 price, uint256 acceptablePrice);
    error MaxOpenInterestExceeded(uint256 openInterest, uint256 maxOpenInterest);
    error InsufficientReserve(uint256 reservedUsd, uint256 maxReservedUsd);
    error InvalidDecreaseOrderSize(uint256 sizeDeltaUsd, uint256 positionSizeInUsd);
    error PositionNotFound(bytes32 key);
    error InsufficientCollateralUsd(int256 remainingCollateralUsd);
    error UnableToWithdrawCollateral(int256 estimatedRemainingCollateralUsd);
    error PositionShouldNotBeLiquidated(string reason, int256 remaining, int256 minimum, int256 minimumForLeverage);
    error OrderNotFound(bytes32 key);
    error UnsupportedOrderType(uint256 orderType);
    error MaxCallbackGasLimitExceeded(uint256 callbackGasLimit, uint256 maxCallbackGasLimit);
    error Unauthorized(address msgSender, string role);

    event Refused(bytes32 key, bytes reason);

    constructor(GmxDataStoreDouble store_, address orderVault_, GmxPoolDouble pool_, IGmxReader.Market memory market_) {
        (store, orderVault, pool, _market) = (store_, orderVault_, pool_, market_);
    }

    receive() external payable {}

    // --- the script -----------------------------------------------------------------------------------------------

    function setDeaf(bool isDeaf_) external {
        isDeaf = isDeaf_;
    }

    function setFeeUsed(uint256 bps) external {
        feeUsedBps = bps;
    }

    function setSwapFails(bool fails) external {
        swapFails = fails;
    }

    /// @notice A new handler reads the orders from the DataStore; this double takes them from the old one.
    function adopt(GmxHandlerDouble old, bytes32 key) external {
        _orders[key] = old.orderOf(key);
    }

    function orderOf(bytes32 key) external view returns (Kept memory) {
        return _orders[key];
    }

    function freeze(bytes32 key) external {
        store.setBool(GmxV2Keys.ofEntry(key, GmxV2Keys.IS_FROZEN), true);
        _call(key, 2);
    }

    // --- what GMX does --------------------------------------------------------------------------------------------

    function createOrder(address account, IGmxExchangeRouter.CreateOrderParams calldata params)
        external
        returns (bytes32 key)
    {
        _onlyController();
        uint256 fee = params.numbers.executionFee;
        uint256 sent = GmxOrderVaultDouble(orderVault).recordTransferIn(_wnt());
        if (sent < fee) revert InsufficientWntAmountForExecutionFee(sent, fee);
        if (sent > fee) GmxOrderVaultDouble(orderVault).transferOut(_wnt(), HOLDING_ADDRESS, sent - fee);
        bool isIncrease = params.orderType == 2;
        if (!isIncrease && params.orderType != 4) revert UnsupportedOrderType(params.orderType);
        uint256 mostGas = _uint(GmxV2Keys.MAX_CALLBACK_GAS_LIMIT);
        if (params.numbers.callbackGasLimit > mostGas) {
            revert MaxCallbackGasLimitExceeded(params.numbers.callbackGasLimit, mostGas);
        }
        uint256 gas_ = _uint(isIncrease ? GmxV2Keys.INCREASE_ORDER_GAS_LIMIT : GmxV2Keys.DECREASE_ORDER_GAS_LIMIT)
            + params.numbers.callbackGasLimit;
        if (params.decreasePositionSwapType != 0) gas_ += _uint(GmxV2Keys.SINGLE_SWAP_GAS_LIMIT);
        gas_ = Math.mulDiv(gas_, _uint(GmxV2Keys.FEE_MULTIPLIER), 1e30) + _uint(GmxV2Keys.FEE_BASE_AMOUNT) + 3
            * _uint(GmxV2Keys.FEE_PER_ORACLE_PRICE);
        if (fee < gas_ * tx.gasprice) revert InsufficientExecutionFee(gas_ * tx.gasprice, fee);
        key = keccak256(abi.encode(address(store), store.increment("NONCE", 1)));
        Kept storage kept = _orders[key];
        (kept.account, kept.updatedAt, kept.params) = (account, block.timestamp, params);
        if (isIncrease) kept.margin = GmxOrderVaultDouble(orderVault).recordTransferIn(_market.shortToken);
        store.setMember(GmxV2Keys.ORDER_LIST, key, true);
    }

    function cancelOrder(address account, bytes32 key) external {
        _onlyController();
        Kept memory kept = _listed(key);
        if (kept.account != account) revert Unauthorized(account, "account for cancelOrder");
        uint256 age = block.timestamp - kept.updatedAt;
        uint256 wanted = _uint(GmxV2Keys.REQUEST_EXPIRATION_TIME);
        if (age < wanted) revert RequestNotYetCancellable(age, wanted, "Order");
        _cancel(key, kept);
    }

    /// @notice A keeper executes at a price of its choice; what fails is cancelled.
    function execute(bytes32 key, uint256 price) external returns (bool isDone) {
        Kept memory kept = _listed(key);
        try this.run(kept, price) {
            isDone = true;
        } catch (bytes memory reason) {
            emit Refused(key, reason);
            _cancel(key, kept);
            return false;
        }
        _drop(key);
        _call(key, 0);
        _payFee(key, kept);
    }

    function run(Kept memory kept, uint256 price) external {
        require(msg.sender == address(this), "self");
        IGmxExchangeRouter.CreateOrderParams memory p = kept.params;
        if (p.orderType == 2) _increase(kept, price);
        else _decrease(kept.account, p.isLong, p.numbers, price, false);
    }

    /// @notice Deleverages `usd` of a position.
    function deleverage(address account, bool isLong, uint256 usd, uint256 price) external {
        IGmxExchangeRouter.OrderNumbers memory numbers;
        numbers.sizeDeltaUsd = usd;
        numbers.acceptablePrice = isLong ? 0 : type(uint256).max;
        _decrease(account, isLong, numbers, price, true);
        _callSaved(account);
    }

    /// @notice Liquidates what is below GMX's factor.
    function liquidate(address account, bool isLong, uint256 price) external {
        bytes32 k = GmxV2Keys.position(account, _market.marketToken, _market.shortToken, isLong);
        IGmxReader.PositionNumbers memory n = GmxMath.numbersOf(store, k);
        (uint256 borrowing, uint256 funding) =
            GmxMath.fees(store, _market.marketToken, _market.shortToken, isLong, n, 1e24);
        int256 remaining = int256(n.collateralAmount * 1e24) + GmxMath.profitOf(n, price, isLong)
            - int256((borrowing + funding) * 1e24);
        if (n.sizeInUsd == 0) revert PositionNotFound(k);
        int256 minimum = int256(n.sizeInUsd * _uint(GmxV2Keys.liquidationFactor(_market.marketToken)) / 1e30);
        if (remaining >= minimum) revert PositionShouldNotBeLiquidated("", remaining, minimum, minimum);
        if (remaining > 0) pool.pay(_market.shortToken, account, uint256(remaining) * 9 / 10 / 1e24);
        _openInterest(isLong, -int256(n.sizeInUsd), -int256(n.sizeInTokens));
        IGmxReader.PositionNumbers memory none;
        GmxMath.keep(store, k, none);
        _callSaved(account);
    }

    // --- private --------------------------------------------------------------------------------------------------

    function _increase(Kept memory kept, uint256 price) private {
        IGmxExchangeRouter.OrderNumbers memory o = kept.params.numbers;
        bool isLong = kept.params.isLong;
        bytes32 k = GmxV2Keys.position(kept.account, _market.marketToken, _market.shortToken, isLong);
        IGmxReader.PositionNumbers memory n = GmxMath.numbersOf(store, k);
        int256 held = int256(n.sizeInTokens);
        _grow(n, o, price, isLong);
        uint256 paid = _settled(isLong, n) + _positionFee(o.sizeDeltaUsd);
        if (n.collateralAmount + kept.margin <= paid) revert InsufficientCollateralUsd(0);
        n.collateralAmount = n.collateralAmount + kept.margin - paid;
        n.sizeInUsd += o.sizeDeltaUsd;
        uint256 interest = _openInterest(isLong, int256(o.sizeDeltaUsd), int256(n.sizeInTokens) - held);
        uint256 limit = _uint(GmxV2Keys.maxOpenInterest(_market.marketToken, isLong));
        if (interest > limit) revert MaxOpenInterestExceeded(interest, limit);
        _requireReserve(isLong, interest, price);
        GmxMath.keep(store, k, n);
        store.setBool(GmxV2Keys.ofEntry(k, "IS_LONG"), isLong);
        GmxOrderVaultDouble(orderVault).transferOut(_market.shortToken, address(pool), kept.margin);
    }

    /// @dev The impact of an increase is stored, not paid.
    function _grow(
        IGmxReader.PositionNumbers memory n,
        IGmxExchangeRouter.OrderNumbers memory o,
        uint256 price,
        bool isLong
    ) private view {
        (uint256 tokens, int256 impactTokens, IGmxReader.ExecutionPriceResult memory r) =
            GmxMath.increase(store, _market.marketToken, o.sizeDeltaUsd, price, isLong);
        _requireAcceptable(r.executionPrice, o.acceptablePrice, isLong);
        n.sizeInTokens += tokens;
        n.pendingImpactAmount += impactTokens;
    }

    function _requireAcceptable(uint256 price, uint256 acceptable, bool isPurchase) private pure {
        bool isWorse = isPurchase ? price > acceptable : price < acceptable;
        if (isWorse) revert OrderNotFulfillableAtAcceptablePrice(price, acceptable);
    }

    function _decrease(
        address account,
        bool isLong,
        IGmxExchangeRouter.OrderNumbers memory o,
        uint256 price,
        bool isDeleveraging
    ) private {
        bytes32 k = GmxV2Keys.position(account, _market.marketToken, _market.shortToken, isLong);
        IGmxReader.PositionNumbers memory n = GmxMath.numbersOf(store, k);
        if (n.sizeInUsd == 0) revert PositionNotFound(k);
        if (o.sizeDeltaUsd > n.sizeInUsd) revert InvalidDecreaseOrderSize(o.sizeDeltaUsd, n.sizeInUsd);
        if (_leavesTooLittle(n, o, price, isLong)) o.sizeDeltaUsd = n.sizeInUsd;
        IGmxReader.ExecutionPriceResult memory r =
            GmxMath.decrease(store, _market.marketToken, n, o.sizeDeltaUsd, price, isLong);
        if (!isDeleveraging) _requireAcceptable(r.executionPrice, o.acceptablePrice, !isLong);
        int256 left = _left(account, n, r, o.sizeDeltaUsd, price, isLong);
        if (left < 0) revert InsufficientCollateralUsd(left);
        _openInterest(isLong, -int256(o.sizeDeltaUsd), -int256(GmxMath.tokensOf(n, o.sizeDeltaUsd, isLong)));
        _shrink(n, o.sizeDeltaUsd, isLong);
        uint256 out = n.sizeInUsd == 0 ? uint256(left) : _withdrawn(n, uint256(left), o.initialCollateralDeltaAmount);
        n.collateralAmount = uint256(left) - out;
        GmxMath.keep(store, k, n);
        pool.pay(_market.shortToken, account, out);
        _payLater(account, r.priceImpactDiffUsd / 1e24);
    }

    /// @dev Collateral after profit, fees and the whole impact; profit that cannot be swapped leaves in long tokens.
    function _left(
        address account,
        IGmxReader.PositionNumbers memory n,
        IGmxReader.ExecutionPriceResult memory r,
        uint256 usd,
        uint256 price,
        bool isLong
    ) private returns (int256 left) {
        int256 profit = GmxMath.profitOf(n, price, isLong) * int256(GmxMath.tokensOf(n, usd, isLong))
            / int256(n.sizeInTokens);
        left = int256(n.collateralAmount) - int256(_settled(isLong, n) + _positionFee(usd));
        left += _down(r.totalImpactUsd) - int256(r.priceImpactDiffUsd / 1e24);
        if (profit > 0 && swapFails && isLong) pool.pay(_market.longToken, account, uint256(profit) / price);
        else left += _down(profit);
    }

    /// @dev Nothing where what stays would be less than GMX's factor of the position that stays.
    function _withdrawn(IGmxReader.PositionNumbers memory n, uint256 left, uint256 wanted)
        private
        view
        returns (uint256)
    {
        uint256 factor = _uint(GmxV2Keys.minCollateralFactor(_market.marketToken));
        uint256 least = Math.mulDiv(n.sizeInUsd, factor, 1e54, Math.Rounding.Ceil);
        return Math.saturatingSub(left, wanted) < least ? 0 : wanted;
    }

    function _shrink(IGmxReader.PositionNumbers memory n, uint256 usd, bool isLong) private pure {
        n.sizeInTokens -= GmxMath.tokensOf(n, usd, isLong);
        n.pendingImpactAmount -= n.pendingImpactAmount * int256(usd) / int256(n.sizeInUsd);
        n.sizeInUsd -= usd;
    }

    function _payLater(address account, uint256 assets) private {
        if (assets == 0) return;
        uint256 hour = block.timestamp / _uint(GmxV2Keys.TIME_DIVISOR);
        store.increment(
            GmxV2Keys.claimableCollateral(_market.marketToken, _market.shortToken, hour, account), int256(assets)
        );
    }

    function _settled(bool isLong, IGmxReader.PositionNumbers memory n) private view returns (uint256 owed) {
        (address m, address token) = (_market.marketToken, _market.shortToken);
        (uint256 borrowing, uint256 funding) = GmxMath.fees(store, m, token, isLong, n, 1e24);
        n.borrowingFactor = _uint(GmxMath.key(GmxMath.BORROWING, m, isLong));
        n.fundingFeeAmountPerSize = _uint(GmxMath.fundingKey(m, token, isLong));
        return borrowing + funding;
    }

    function _positionFee(uint256 usd) private view returns (uint256) {
        return Math.mulDiv(usd, _uint(GmxV2Keys.positionFeeFactor(_market.marketToken, false)), 1e54);
    }

    function _down(int256 usd) private pure returns (int256 assets) {
        assets = usd / 1e24;
        if (usd % 1e24 < 0) --assets;
    }

    function _openInterest(bool isLong, int256 usd, int256 tokens) private returns (uint256) {
        (address m, address token) = (_market.marketToken, _market.shortToken);
        store.increment(GmxV2Keys.openInterestInTokens(m, token, isLong), tokens);
        return store.increment(GmxV2Keys.openInterest(m, token, isLong), usd);
    }

    /// @dev The index token is the pool's long token, and the collateral is a dollar.
    function _requireReserve(bool isLong, uint256 interest, uint256 price) private view {
        address m = _market.marketToken;
        address token = isLong ? _market.longToken : _market.shortToken;
        uint256 reserved =
            isLong ? _uint(GmxV2Keys.openInterestInTokens(m, _market.shortToken, true)) * price : interest;
        uint256 worth = _uint(GmxV2Keys.poolAmount(m, token)) * (isLong ? price : 1e24);
        uint256 factor =
            Math.min(_uint(GmxV2Keys.reserveFactor(m, isLong)), _uint(GmxV2Keys.openInterestReserveFactor(m, isLong)));
        uint256 most = Math.mulDiv(worth, factor, 1e30);
        if (reserved > most) revert InsufficientReserve(reserved, most);
    }

    /// @dev GMX closes the whole position where less would stay than its least size, or than its least collateral with what
    ///      the rest has gained or lost.
    function _leavesTooLittle(
        IGmxReader.PositionNumbers memory n,
        IGmxExchangeRouter.OrderNumbers memory o,
        uint256 price,
        bool isLong
    ) private view returns (bool) {
        if (o.sizeDeltaUsd == n.sizeInUsd) return false;
        if (n.sizeInUsd - o.sizeDeltaUsd < _uint(GmxV2Keys.MIN_POSITION_SIZE_USD)) return true;
        int256 profit = GmxMath.profitOf(n, price, isLong);
        int256 realised = profit * int256(o.sizeDeltaUsd) / int256(n.sizeInUsd);
        int256 left = int256(n.collateralAmount) * 1e24 + (realised < 0 ? realised : int256(0));
        int256 wanted = int256(o.initialCollateralDeltaAmount) * 1e24;
        uint256 factor = _uint(GmxV2Keys.minCollateralFactor(_market.marketToken));
        // What would leave less than GMX's factor stays in the position.
        if (left - wanted >= int256(Math.mulDiv(n.sizeInUsd - o.sizeDeltaUsd, factor, 1e30))) left -= wanted;
        return left + profit - realised < int256(_uint(GmxV2Keys.MIN_COLLATERAL_USD));
    }

    function _listed(bytes32 key) private view returns (Kept memory) {
        if (!store.containsBytes32(GmxV2Keys.ORDER_LIST, key)) revert OrderNotFound(key);
        return _orders[key];
    }

    function _drop(bytes32 key) private {
        store.setMember(GmxV2Keys.ORDER_LIST, key, false);
        store.setBool(GmxV2Keys.ofEntry(key, GmxV2Keys.IS_FROZEN), false);
    }

    function _cancel(bytes32 key, Kept memory kept) private {
        _drop(key);
        if (kept.margin != 0) {
            GmxOrderVaultDouble(orderVault)
                .transferOut(_market.shortToken, kept.params.addresses.cancellationReceiver, kept.margin);
        }
        _call(key, 1);
        _payFee(key, kept);
    }

    function _payFee(bytes32 key, Kept memory kept) private {
        uint256 fee = kept.params.numbers.executionFee;
        if (fee == 0) return;
        GmxOrderVaultDouble(orderVault).transferOut(_wnt(), address(this), fee);
        WntDouble(_wnt()).withdraw(fee);
        uint256 back = fee - fee * feeUsedBps / 10_000;
        IGmxCallbacks.EventLogData memory nothing;
        address target = kept.params.addresses.callbackContract;
        try IGmxCallbacks(target).refundExecutionFee{value: back, gas: 200_000}(key, nothing) {}
        catch {
            (bool isPaid,) = kept.params.addresses.receiver.call{value: back}("");
            require(isPaid, "not paid");
        }
    }

    function _call(bytes32 key, uint256 kind) private {
        if (isDeaf) return;
        IGmxCallbacks.EventLogData memory nothing;
        IGmxCallbacks target = IGmxCallbacks(_orders[key].params.addresses.callbackContract);
        uint256 gas_ = _orders[key].params.numbers.callbackGasLimit;
        if (kind == 0) try target.afterOrderExecution{gas: gas_}(key, nothing, nothing) {} catch {}
        if (kind == 1) try target.afterOrderCancellation{gas: gas_}(key, nothing, nothing) {} catch {}
        if (kind == 2) try target.afterOrderFrozen{gas: gas_}(key, nothing, nothing) {} catch {}
    }

    function _callSaved(address account) private {
        address target = store.getAddress(keccak256(abi.encode("SAVED_CALLBACK", account, _market.marketToken)));
        if (isDeaf || target == address(0)) return;
        IGmxCallbacks.EventLogData memory nothing;
        try IGmxCallbacks(target).afterOrderExecution{gas: 750_000}("liquidation", nothing, nothing) {} catch {}
    }

    function _uint(bytes32 key) private view returns (uint256) {
        return store.getUint(key);
    }

    function _wnt() private view returns (address) {
        return store.getAddress(GmxV2Keys.WNT);
    }

    function _onlyController() private view {
        bytes32 role = keccak256(abi.encode("CONTROLLER"));
        if (!GmxRoleStoreDouble(store.roleStore()).hasRole(msg.sender, role)) {
            revert Unauthorized(msg.sender, "CONTROLLER");
        }
    }
}
