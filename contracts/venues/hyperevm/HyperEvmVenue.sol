// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IOrderTerms} from "../../interfaces/IOrderTerms.sol";
import {IPerpVenue} from "../../interfaces/IPerpVenue.sol";
import {PendingOrders} from "../PendingOrders.sol";
import {HyperCore} from "./HyperCore.sol";
import {HyperEvmLegs, IWindingVault} from "./HyperEvmLegs.sol";
import {HyperEvmMarket} from "./HyperEvmMarket.sol";

/// @title Venue adapter of Hyperliquid perpetuals through HyperEVM
/// @notice Purpose. Asks HyperCore, by `CoreWriter`, for limit orders that fill at once or not at all. HyperCore executes them
///         seconds later, all of it, a part, or nothing, and tells nobody: neither a refusal nor a fill comes back.
///
///         Trust. HyperEVM cannot read what became of an order. It is read from the position: what the position has moved by
///         since the order was asked for, toward its side and up to its size. Nothing else moves a position of this account
///         but a liquidation or a deleveraging: it approves no agent to trade in its name, and has one order at a time.
///
///         Obligations. A trade toward 0 and not past it is reduce-only at HyperCore. Size and limit are in lots and on ticks
///         before they are asked for, the limit never worse. Nothing is opened before a canary order, bought and sold again,
///         has been seen to fill: HyperCore may take no actions of an account, or of any, without a word.
///
///         Liveness. `settle` here reverts `OnlyHyperCoreExecutes`. Nobody, a keeper neither, cancels before the expiry
///         (`CancelTooEarly`): an order that left no trace may still be on its way. From the expiry on anyone may; as long
///         again after it the order counts as expired by itself. A close needs no canary, and no leg of margin to be over.
///
///         Known limits. A deleveraging or a liquidation while an order to the same side is open counts as its fill, and one
///         that outweighs a fill hides it; size and equity are right all the same. A flip whose position is liquidated before it
///         executes opens more than was left pending, by the position at most. What HyperCore executes later than twice the
///         expiry shows in the position alone. Price and fee of a close are split by the governed fee; beside a transfer
///         between spot and perpetuals both are told as the worst that was allowed.
contract HyperEvmVenue is HyperEvmLegs, IOrderTerms {
    using SafeCast for uint256;

    /// @dev The account as it was when the open order was asked for.
    struct Asked {
        HyperEvmMarket.Account held;
        uint256 blockNumber;
        bool isReduction;
        bool isMarginMoving; // a transfer beside it makes its price unknown
    }

    int256 private constant USD_TO_WAD = 1e12; // asset units
    int256 private constant SPOT_TO_WAD = 1e10;
    uint256 private constant CANARY_SLIPPAGE_BPS = 100;
    uint256 private constant BPS = 10_000;

    /// @dev Highest price that a measurement is taken to reach beside a late leg, of mark and index.
    uint256 private constant TOP_BPS = 10_500;

    Asked private _asked;
    bool private transient _isTrading; // of the vault, on this venue
    uint256 private _orderCount;
    bytes32 private _cancelled;

    /// @notice The canary order that was asked for last; 0 where there was none.
    bytes32 public canaryId;
    uint256 private _provenEpoch;

    event OrderSent(bytes32 indexed orderId, uint128 cloid, uint64 limitPx, uint64 coreSize, bool isReduceOnly);
    event CanaryFlown(bytes32 indexed orderId, uint256 trustEpoch);

    error OnlyHyperCoreExecutes(bytes32 orderId);
    error CancelTooEarly(uint256 timestamp, uint256 cancellableAt);
    error CanaryMissing(uint256 trustEpoch);
    error CanaryFlownAlready(uint256 trustEpoch);
    error CanaryInPosition(int256 held, uint256 canarySize);
    error OnlyKeeperOrGuardian(address caller);

    /// @param vault_ Vault this account belongs to; its asset is USDC of HyperEVM.
    /// @param market_ Reads Hyperliquid.
    constructor(address vault_, HyperEvmMarket market_) HyperEvmLegs(vault_, market_) {}

    // --- the vault's instructions ---------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    /// @dev Between the two the account says nothing of what is late: it is no order, and a trade is judged without it.
    function bracketTrade(bool isBeginning) external onlyVault {
        _isTrading = isBeginning;
    }

    /// @inheritdoc IPerpVenue
    /// @dev What opens needs a canary, and margin on HyperCore.
    function execute(int256 sizeDelta, uint256 limitPrice) external onlyVault nonReentrant returns (Execution memory) {
        if (sizeDelta == 0) revert ZeroSize();
        _requireNoOpenOrder();
        HyperEvmMarket.Plan memory p = market.plan(address(this), sizeDelta, limitPrice);
        if (!p.isReduction && !isProven()) revert CanaryMissing(market.trustEpoch());
        return _ask(p);
    }

    // --- the canary -------------------------------------------------------------------------------------------------

    /// @notice Buys the canary's size, sells it again, and then lets orders through: one step a call, each once the one before
    ///         it has filled. A keeper or a guardian, while there is no other position.
    function canary() external whileVaultRests nonReentrant returns (bytes32 orderId) {
        if (!_isKeeperOrGuardian(msg.sender)) revert OnlyKeeperOrGuardian(msg.sender);
        uint256 epoch = market.trustEpoch();
        if (_provenEpoch == epoch) revert CanaryFlownAlready(epoch);
        _requireNoOpenOrder();
        Order memory last = order(canaryId);
        int256 held = size();
        if (held == 0 && last.status == OrderStatus.Filled && last.sizeDelta < 0) {
            _provenEpoch = epoch;
            emit CanaryFlown(canaryId, epoch);
            canaryId = 0;
            return 0;
        }
        uint256 canarySize = market.limits().canarySize;
        if (held < 0 || held > canarySize.toInt256()) revert CanaryInPosition(held, canarySize);
        bool isPurchase = held == 0;
        uint256 limit = Math.mulDiv(
            market.bestPrice(isPurchase), isPurchase ? BPS + CANARY_SLIPPAGE_BPS : BPS - CANARY_SLIPPAGE_BPS, BPS
        );
        orderId = _ask(market.plan(address(this), isPurchase ? canarySize.toInt256() : -held, limit)).orderId;
        canaryId = orderId;
    }

    /// @notice Whether a canary has come back since the guardian last asked for one.
    function isProven() public view returns (bool) {
        return _provenEpoch == market.trustEpoch();
    }

    // --- the account ----------------------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    function account() external view nonReentrantView returns (Account memory a) {
        HyperEvmMarket.Account memory held = market.accountOf(address(this));
        (a.size, a.equity) = (held.size, held.equity + _beside(held.spotUsdc));
        (a.markPrice, a.indexPrice) = (market.markPrice(), market.indexPrice());
        _addPending(a);
        if (_asked.isReduction) {
            // HyperCore fills no close beyond what there is.
            a.pendingNegative = SignedMath.max(a.pendingNegative, -SignedMath.max(a.size, 0));
            a.pendingPositive = SignedMath.min(a.pendingPositive, -SignedMath.min(a.size, 0));
        }
        uint256 lateAssets = _late(held.spotUsdc);
        if (lateAssets != 0 && !_isTrading && !_areDepositsShut()) _addLate(a, lateAssets);
    }

    /// @inheritdoc IPerpVenue
    function size() public view returns (int256) {
        return market.sizeOf(address(this));
    }

    /// @inheritdoc IPerpVenue
    /// @dev Funding is settled each hour; none is outstanding.
    function position() external view returns (Position memory current) {
        HyperEvmMarket.Account memory held = market.accountOf(address(this));
        current.size = held.size;
        uint256 absSize = SignedMath.abs(held.size);
        int256 entry = held.entryNotional.toInt256();
        if (absSize != 0) current.entryPrice = Math.mulDiv(held.entryNotional, 1e18, absSize);
        int256 atMark = held.equity - held.cash;
        if (absSize != 0) current.unrealisedPnl = atMark - (held.size > 0 ? entry : -entry);
        current.margin = held.equity - current.unrealisedPnl + _beside(held.spotUsdc);
    }

    /// @inheritdoc IPerpVenue
    function equity() external view returns (int256 low, int256 high) {
        HyperEvmMarket.Account memory held = market.accountOf(address(this));
        int256 atMark = held.equity + _beside(held.spotUsdc);
        int256 gap = market.indexPrice().toInt256() - market.markPrice().toInt256();
        int256 atIndex = atMark + held.size * gap / 1e18;
        int256 lateUsd = _late(held.spotUsdc).toInt256() * USD_TO_WAD;
        return (SignedMath.min(atMark, atIndex), SignedMath.max(atMark, atIndex) + lateUsd);
    }

    /// @inheritdoc IPerpVenue
    function markPrice() external view returns (uint256) {
        return market.markPrice();
    }

    /// @inheritdoc IPerpVenue
    function indexPrice() external view returns (uint256) {
        return market.indexPrice();
    }

    /// @inheritdoc IPerpVenue
    function fundingRate() external view returns (int256 perDay) {
        return market.fundingRate();
    }

    /// @inheritdoc IPerpVenue
    function maxFundingRate() external view returns (uint256 perDay) {
        return market.maxFundingRate();
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

    // --- the order ------------------------------------------------------------------------------------------------

    /// @inheritdoc IOrderTerms
    /// @dev The fixed part is what HyperCore's millionths round a fee up by.
    function orderTerms()
        external
        view
        returns (uint256 feeRate, uint256 fixedFee, uint256 saleRise, uint256 sizeStep)
    {
        return (market.limits().takerFee, uint256(USD_TO_WAD), 0, market.lot());
    }

    /// @notice HyperCore's name of an order.
    function cloidOf(bytes32 orderId) public pure returns (uint128) {
        return uint128(uint256(orderId) >> 128);
    }

    /// @inheritdoc PendingOrders
    /// @dev Reads show nothing of the block that they are in: nothing of an order is filled in its own.
    function _progressOf(bytes32 orderId, Order memory kept) internal view override returns (Progress memory p) {
        p.status = OrderStatus.Pending;
        if (block.number > _asked.blockNumber) {
            Asked memory asked = _asked;
            HyperEvmMarket.Account memory held = market.accountOf(address(this));
            p.filledSizeDelta = _filled(held.size - asked.held.size, kept.sizeDelta);
            if (p.filledSizeDelta != 0) {
                (p.executionPrice, p.fee) = asked.isMarginMoving
                    ? (kept.limitPrice, kept.maxFee)
                    : market.termsOf(asked.held, held, p.filledSizeDelta);
                p.status = OrderStatus.PartlyFilled;
            }
        }
        if (p.filledSizeDelta == kept.sizeDelta) p.status = OrderStatus.Filled;
        else if (_cancelled == orderId) p.status = OrderStatus.Cancelled;
        else if (block.timestamp >= 2 * kept.expiresAt - kept.requestedAt) p.status = OrderStatus.Expired;
    }

    /// @inheritdoc PendingOrders
    function _executeAtVenue(bytes32 orderId, bytes calldata) internal pure override {
        revert OnlyHyperCoreExecutes(orderId);
    }

    /// @inheritdoc PendingOrders
    /// @dev An order that fills at once or not at all is gone by then; HyperCore is told all the same.
    function _cancelAtVenue(bytes32 orderId) internal override {
        uint256 cancellableAt = order(orderId).expiresAt;
        if (block.timestamp < cancellableAt) revert CancelTooEarly(block.timestamp, cancellableAt);
        _cancelled = orderId;
        _write(HyperCore.cancelByCloid(market.asset(), cloidOf(orderId)));
    }

    // --- private --------------------------------------------------------------------------------------------------

    /// @dev Cash, spot and what is on its way, WAD USD.
    function _beside(uint256 spot) private view returns (int256) {
        return (_cash() + _inFlight(spot)).toInt256() * USD_TO_WAD + spot.toInt256() * SPOT_TO_WAD;
    }

    /// @dev A measurement has no place for what may or may not be there, but for orders that may or may not fill. So it is one: a
    ///      sale of next to nothing, two wei for each asset unit that is late, so dear that it would bring all of that. It is
    ///      in the higher end, filled, and not in the lower. A sale that is open keeps its loss at the price that it may
    ///      be missing, as a fee, for it shares the floor.
    function _addLate(Account memory a, uint256 lateAssets) private pure {
        uint256 top = Math.mulDiv(Math.max(a.markPrice, a.indexPrice), TOP_BPS, BPS, Math.Rounding.Ceil);
        uint256 left = SignedMath.abs(a.pendingNegative);
        if (left != 0) {
            a.pendingFee += Math.mulDiv(left, Math.saturatingSub(top, a.pendingFloor), 1e18, Math.Rounding.Ceil);
        }
        uint256 sold = left + 2 * lateAssets;
        a.pendingFloor = Math.max(top, a.pendingFloor)
            + Math.mulDiv(lateAssets * uint256(USD_TO_WAD), 1e18, sold, Math.Rounding.Ceil);
        a.pendingNegative = -sold.toInt256();
    }

    /// @dev Then nobody can gain by what a deposit is priced without, and it holds up no margin.
    function _areDepositsShut() private view returns (bool) {
        return IWindingVault(vault).isWindingDown() || IWindingVault(vault).paused();
    }

    /// @dev What of a move of the position is the order's: of its sign, and no more than it.
    function _filled(int256 moved, int256 sizeDelta) private pure returns (int256) {
        return sizeDelta > 0
            ? SignedMath.min(SignedMath.max(moved, 0), sizeDelta)
            : SignedMath.max(SignedMath.min(moved, 0), sizeDelta);
    }

    function _ask(HyperEvmMarket.Plan memory p) private returns (Execution memory) {
        bytes32 orderId = keccak256(abi.encode(address(this), ++_orderCount));
        uint128 cloid = cloidOf(orderId);
        _asked = Asked(p.held, block.number, p.isReduction, _isMarginMoving());
        _write(HyperCore.limitOrder(market.asset(), p.sizeDelta > 0, p.limitPx, p.coreSize, p.isReduction, cloid));
        emit OrderSent(orderId, cloid, p.limitPx, p.coreSize, p.isReduction);
        return _keepOrder(orderId, p.sizeDelta, p.limitPrice, p.maxFee, market.limits().settleSeconds);
    }
}
