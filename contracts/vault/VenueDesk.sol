// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IHedgeVault} from "../interfaces/IHedgeVault.sol";
import {IPerpVenue} from "../interfaces/IPerpVenue.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {IRebalanceGuard} from "../interfaces/IRebalanceGuard.sol";
import {IVenueRegistry} from "../interfaces/IVenueRegistry.sol";
import {DecimalScale} from "../libraries/DecimalScale.sol";
import {GuardRules} from "../libraries/GuardRules.sol";
import {PriceFaults} from "../types/Prices.sol";
import {Measurement, VenueMeasurement} from "../types/Rebalance.sol";
import {TwoSidedVault} from "./TwoSidedVault.sol";

/// @title The vault's dealings with its venues: margin on its way there and back, and what they hold
/// @notice Liveness. A venue that does not answer counts 0 and stops nothing else. Margin that the redemption queue waits
///         for comes home by anyone's hand, and so does that of a venue no longer registered.
abstract contract VenueDesk is TwoSidedVault {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @notice Price the measurements are taken at.
    IPriceOracle public immutable oracle;

    /// @notice Judge of every rebalance.
    IRebalanceGuard public immutable guard;

    /// @inheritdoc IHedgeVault
    IVenueRegistry public immutable registry;

    constructor(IPriceOracle oracle_, IRebalanceGuard guard_, IVenueRegistry registry_) {
        oracle = IPriceOracle(_requireContract(address(oracle_)));
        guard = IRebalanceGuard(_requireContract(address(guard_)));
        registry = IVenueRegistry(_requireContract(address(registry_)));
    }

    // --- anyone ---------------------------------------------------------------------------------------------------

    /// @inheritdoc IHedgeVault
    function bringMarginHome(IPerpVenue venue, uint256 assets) external nonReentrant {
        uint256 index = registry.indexOf(address(venue));
        if (!isWindingDown) {
            (uint256 navLow,) = _nav();
            uint256 needed = Math.saturatingSub(_reservedAssets(navLow), idleAssets());
            if (assets > needed) revert MarginNotNeeded(assets, needed);
        }
        IPriceOracle.Reading memory reading = _readPrice();
        Measurement memory beforeMove = _measure(reading, 0);
        _requireLeverageTold(beforeMove, index);
        _withdrawMargin(venue, assets);
        guard.checkLeverage(beforeMove, _measure(reading, _silentMask(beforeMove)));
        emit MarginBroughtHome(address(venue), assets, msg.sender);
    }

    /// @inheritdoc IHedgeVault
    function recoverMargin(IPerpVenue venue) external nonReentrant returns (uint256 assets) {
        registry.requireRemoved(venue);
        assets = venue.freeCollateral();
        if (assets != 0) _withdrawMargin(venue, assets);
        emit MarginBroughtHome(address(venue), assets, msg.sender);
    }

    // --- governor -------------------------------------------------------------------------------------------------

    /// @inheritdoc IHedgeVault
    function sweep(address token, address receiver) external onlyGovernor nonReentrant {
        if (token == asset()) revert AssetNotSweepable(token);
        uint256 idle = idleAssets();
        uint256 amount = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransfer(receiver, amount);
        if (idleAssets() != idle) revert AssetNotSweepable(token); // another address of the asset's
        emit TokenSwept(token, receiver, amount);
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IHedgeVault
    function measureHedge() external view nonReentrantView returns (Measurement memory) {
        return _measure(_readPrice(), 0);
    }

    // --- margin ---------------------------------------------------------------------------------------------------

    function _depositMargin(IPerpVenue venue, uint256 assets) internal {
        uint256 balanceBefore = idleAssets();
        if (assets > balanceBefore) revert IdleExceeded(assets, balanceBefore);
        IERC20(asset()).forceApprove(address(venue), assets);
        venue.depositMargin(assets);
        uint256 moved = balanceBefore - idleAssets();
        if (moved != assets) revert MarginNotMoved(address(venue), moved, assets);
    }

    function _withdrawMargin(IPerpVenue venue, uint256 assets) internal {
        uint256 balanceBefore = idleAssets();
        venue.withdrawMargin(assets);
        uint256 moved = idleAssets() - balanceBefore;
        if (moved != assets) revert MarginNotMoved(address(venue), moved, assets);
    }

    /// @dev Margin that backs a position, or may, comes home only while the venue tells how much of it is left.
    function _requireLeverageTold(Measurement memory m, uint256 index) internal pure {
        if (m.venues[index].isSilent && _mayHoldPosition(m.venues[index])) {
            revert IRebalanceGuard.VenueNotAnswering(index);
        }
    }

    function _mayHoldPosition(VenueMeasurement memory venue) internal pure returns (bool) {
        return venue.sizeLow != 0 || venue.sizeHigh != 0;
    }

    // --- measurement ----------------------------------------------------------------------------------------------

    /// @dev A price with a fault is none.
    function _readPrice() internal view returns (IPriceOracle.Reading memory reading) {
        reading = oracle.read();
        if (reading.faults & PriceFaults.PRICE_FAULTS != 0) (reading.price, reading.low, reading.high) = (0, 0, 0);
    }

    /// @dev The book's delta is left at 0.
    function _measure(IPriceOracle.Reading memory reading, uint256 silentMask)
        internal
        view
        returns (Measurement memory)
    {
        return _sumUp(reading.price, registry.measure(reading, silentMask));
    }

    function _measureAndKeep(IPriceOracle.Reading memory reading, uint256 silentMask)
        internal
        returns (Measurement memory)
    {
        return _sumUp(reading.price, registry.measureAndKeep(reading, silentMask));
    }

    /// @dev Venues found silent: they are not asked again in the same transaction.
    function _silentMask(Measurement memory m) internal pure returns (uint256 mask) {
        for (uint256 i = 0; i < m.venues.length; ++i) {
            if (m.venues[i].isSilent) mask |= 1 << i;
        }
    }

    function _sumUp(uint256 price, VenueMeasurement[] memory measured) private view returns (Measurement memory m) {
        m.price = price;
        m.isReduceOnly = isReduceOnly;
        m.venues = measured;
        uint256 idle = idleAssets();
        m.nav = _toWad(idle);
        uint256 low = m.nav;
        for (uint256 i = 0; i < measured.length; ++i) {
            if (isWindingDown) measured[i].isClosing = true;
            m.nav += GuardRules.floorAtZero(measured[i].equity);
            low += GuardRules.floorAtZero(measured[i].equityLow);
        }
        low = DecimalScale.scaleDown(low, DecimalScale.WAD_DECIMALS, _assetDecimals);
        m.idle = _toWad(Math.saturatingSub(idle, _reservedAssets(low)));
        m.firmNav =
            Math.saturatingSub(m.nav, DecimalScale.scaleUp(_youngAssets(), _assetDecimals, DecimalScale.WAD_DECIMALS));
        int256 flows = netFlows;
        m.netFlows = flows < 0 ? -_toWad(uint256(-flows)).toInt256() : _toWad(uint256(flows)).toInt256();
    }

    function _appraise() internal view override returns (uint256 low, uint256 high, DepositBlock reason) {
        IPriceOracle.Reading memory reading = _readPrice();
        VenueMeasurement[] memory measured = registry.measure(reading, 0);
        for (uint256 i = 0; i < measured.length; ++i) {
            VenueMeasurement memory venue = measured[i];
            low += GuardRules.floorAtZero(venue.equityLow);
            high += GuardRules.floorAtZero(venue.equityHigh);
            if (venue.isSilent) {
                reason = DepositBlock.VenueSilent;
            } else if (venue.equityLow < 0 || (venue.equityLow == 0 && venue.notional != 0)) {
                if (reason == DepositBlock.None) reason = DepositBlock.VenueUnderWater;
            }
        }
        if (reason != DepositBlock.None) return (low, high, reason);
        if (paused() || isReduceOnly || isWindingDown) reason = DepositBlock.Mode;
        else if (reading.faults != 0) reason = DepositBlock.Price;
    }

    function _toAssetUnitsUp(uint256 amount) internal view returns (uint256) {
        return DecimalScale.scaleUp(amount, DecimalScale.WAD_DECIMALS, _assetDecimals);
    }

    function _toWad(uint256 assets) private view returns (uint256) {
        return DecimalScale.scaleDown(assets, _assetDecimals, DecimalScale.WAD_DECIMALS);
    }
}
