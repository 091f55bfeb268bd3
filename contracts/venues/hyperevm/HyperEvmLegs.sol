// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IHedgeVault} from "../../interfaces/IHedgeVault.sol";
import {IPerpVenue} from "../../interfaces/IPerpVenue.sol";
import {IVaultAccess} from "../../interfaces/IVaultAccess.sol";
import {IVaultNeighbours, PendingOrders} from "../PendingOrders.sol";
import {HyperCore} from "./HyperCore.sol";
import {HyperEvmMarket} from "./HyperEvmMarket.sol";
import {ICoreDepositWallet, ICoreWriter} from "./IHyperEvm.sol";

/// @notice What a vault says of itself beside its interface.
interface IWindingVault {
    function isWindingDown() external view returns (bool);
    function paused() external view returns (bool);
}

/// @title Margin on its way between HyperEVM and HyperCore, leg by leg
/// @notice Purpose. What is deposited waits here as cash, and `advance`, by anyone's hand, takes one leg after the other: cash to
///         spot (Circle's bridge), spot to perpetuals; and back, as far as `recall` has asked for it. One leg at a time.
///
///         Value. Cash, spot and perpetuals are read. A transfer between spot and perpetuals is in one of both at any moment, so
///         their sum needs no help. Over the bridge a leg's amount counts as on its way, less what of it is seen at the other
///         end: from the block in which it is sent, where reads still show the state before it. What is late counts in the
///         higher end of the equity alone, until it is there, which is seen as far as nothing else can have been it, or until
///         the governor writes it off: never twice in the lower end, never left out of the higher one.
///
///         Trust. Whatever a stranger sends to the account, here or on HyperCore, is the account's. It may pass for a leg's
///         arrival; then the leg's own amount counts when it is there.
///
///         Liveness. HyperCore refuses without a word, so a leg that has left no trace `settleSeconds` after it was sent is
///         over, and the next `advance` sends it again. What is stranded in spot goes on to where it is wanted. A bridge that
///         pays nothing out holds up the legs alone: closing, cancelling and measuring go on.
///
///         Known limits. While a leg is late, exits of the vault are priced without it and deposits with it. Where a late leg
///         arrives while another one leaves spot, a part of it stays in the higher end until it is written off.
abstract contract HyperEvmLegs is PendingOrders {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    enum Leg {
        None,
        ToCore, // cash to spot
        ToPerp,
        ToSpot,
        Home // spot to cash
    }

    /// @param amount Asset units.
    /// @param spotBefore Spot when it was sent, 1e8.
    struct Way {
        Leg leg;
        uint64 amount;
        uint64 spotBefore;
        uint48 blockNumber;
        uint40 sentAt;
    }

    uint256 private constant SPOT_PER_ASSET = 100; // 1e8 to 1e6

    /// @dev Less is not sent out: dust from a stranger would keep a leg on its way, and others waiting, for the price of gas.
    uint256 private constant MIN_LEG = 1e6; // 1 USDC

    /// @dev Stays in spot beside what is sent home. HyperCore takes 200,000 gas at HyperEVM's base fee for that, of USDC where
    ///      the account has no HYPE, and drops a transfer that leaves nothing for it: some 10 gwei at 50 USD for a HYPE.
    uint256 private constant HOME_FEE = 0.1e6; // USDC

    /// @inheritdoc IPerpVenue
    address public immutable collateral;

    /// @notice Reads Hyperliquid, and keeps the governed limits.
    HyperEvmMarket public immutable market;

    /// @notice Cash that is wanted here instead of on HyperCore, asset units.
    uint256 public recalled;

    Way private _way; // the last one sent, over or not
    int256 private _cashBefore; // cash without what has come here since the last leg was sent, asset units
    uint256 private _missing; // of legs before the last one, that were late and not there when it was sent, asset units

    event LegSent(Leg leg, uint256 assets);
    event LegOver(Leg leg, uint256 assets, bool isSeen);
    event Recalled(uint256 oldAssets, uint256 newAssets);

    error WrongCollateral(uint8 decimals);
    error CashTooLow(uint256 held, uint256 asked);
    error NothingToMove();
    error LegOnItsWay(Leg leg, uint256 until);
    error NoCoreAccount(address account);
    error RecallNotAllowed(address caller, uint256 assets, uint256 needed);

    constructor(address vault_, HyperEvmMarket market_) PendingOrders(vault_) {
        market = market_;
        collateral = IHedgeVault(vault_).asset();
        uint8 decimals = IERC20Metadata(collateral).decimals();
        if (decimals != 6) revert WrongCollateral(decimals);
    }

    // --- the vault's instructions ---------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    /// @dev As cash; `advance` takes it to HyperCore.
    function depositMargin(uint256 assets) external onlyVault nonReentrant {
        _cashBefore += assets.toInt256();
        IERC20(collateral).safeTransferFrom(vault, address(this), assets);
        emit MarginDeposited(assets);
    }

    /// @inheritdoc IPerpVenue
    /// @dev Of the cash; `recall` and `advance` bring it here from HyperCore.
    function withdrawMargin(uint256 assets) external onlyVault nonReentrant {
        uint256 held = _cash();
        if (assets > held) revert CashTooLow(held, assets);
        _cashBefore -= assets.toInt256();
        recalled = Math.saturatingSub(recalled, assets);
        IERC20(collateral).safeTransfer(vault, assets);
        emit MarginWithdrawn(assets);
    }

    // --- anyone ---------------------------------------------------------------------------------------------------

    /// @notice Takes the next leg. Anyone.
    /// @dev `LegOnItsWay` while one is, `NothingToMove` where all is where it is wanted, `NoCoreAccount` before HyperCore knows
    ///      the account. Between spot and perpetuals nothing moves while an order is open (`OrderStillOpen`).
    function advance() external whileVaultRests nonReentrant returns (Leg leg, uint256 assets) {
        uint256 spot = market.spotOf(address(this));
        _endWay(spot);
        (leg, assets) = _next(spot / SPOT_PER_ASSET);
        if (leg == Leg.None) revert NothingToMove();
        if (!market.exists(address(this))) revert NoCoreAccount(address(this));
        if (leg == Leg.ToPerp || leg == Leg.ToSpot) {
            bytes32 open = openOrder();
            if (open != 0) revert OrderStillOpen(open);
        }
        _way = Way(leg, assets.toUint64(), spot.toUint64(), block.number.toUint48(), block.timestamp.toUint40());
        // What goes over the bridge leaves in this call.
        _cashBefore = _cash().toInt256() - (leg == Leg.ToCore ? assets.toInt256() : int256(0));
        _send(leg, assets.toUint64());
        emit LegSent(leg, assets);
    }

    /// @notice Sets how much cash is wanted here instead of on HyperCore. A keeper or a guardian: any figure. Anyone: what the
    ///         vault's redemption queue waits for. All of it is wanted here once the vault winds down or has removed the venue.
    /// @dev Never brings HyperCore below the margin factor.
    /// @param assets Asset units; 0 lets everything go to HyperCore.
    function recall(uint256 assets) external whileVaultRests {
        if (!_isKeeperOrGuardian(msg.sender)) {
            IHedgeVault v = IHedgeVault(vault);
            uint256 needed = Math.saturatingSub(v.reservedAssets(), v.idleAssets());
            if (assets <= recalled || assets > needed) revert RecallNotAllowed(msg.sender, assets, needed);
        }
        emit Recalled(recalled, assets);
        recalled = assets;
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    /// @dev Cash alone: what is on HyperCore comes home by `recall` and `advance`.
    function freeCollateral() external view returns (uint256 assets) {
        return _cash();
    }

    /// @notice The leg that was sent last, over or not.
    function onItsWay() external view returns (Way memory) {
        return _way;
    }

    /// @notice What is on its way over the bridge and not seen at its other end, asset units; 0 once it is late.
    function inFlight() external view returns (uint256 assets) {
        return _inFlight(market.spotOf(address(this)));
    }

    /// @notice What was late and has not been seen to arrive, asset units: in the higher end of the equity, not in the lower.
    function late() external view returns (uint256 assets) {
        return _late(market.spotOf(address(this)));
    }

    // --- for the deriving contract --------------------------------------------------------------------------------

    function _cash() internal view returns (uint256) {
        return IERC20(collateral).balanceOf(address(this));
    }

    /// @param spot As it is read now, 1e8.
    function _inFlight(uint256 spot) internal view returns (uint256) {
        Way memory way = _way;
        return _isLate(way) ? 0 : _unseen(way, spot);
    }

    /// @param spot As it is read now, 1e8.
    function _late(uint256 spot) internal view returns (uint256 assets) {
        Way memory way = _way;
        uint256 writtenOffAt = market.writtenOffAt();
        // What was missing then was so already when the last leg was sent.
        if (way.sentAt > writtenOffAt) assets = Math.saturatingSub(_missing, _surplus(way, spot));
        if (_isLate(way) && _lateAt(way) > writtenOffAt) assets += _unseen(way, spot);
    }

    /// @dev Whether a transfer between spot and perpetuals may still change the perpetuals.
    function _isMarginMoving() internal view returns (bool) {
        Way memory way = _way;
        if (way.leg != Leg.ToPerp && way.leg != Leg.ToSpot) return false;
        (bool isOver,,) = _stateOf(way);
        return !isOver;
    }

    function _isKeeperOrGuardian(address caller) internal view returns (bool) {
        IVaultAccess access = IVaultNeighbours(vault).access();
        if (access.isKeeper(caller)) return true;
        try access.requireGuardian(caller) {
            return true;
        } catch {
            return false;
        }
    }

    function _write(bytes memory action) internal {
        ICoreWriter(HyperCore.CORE_WRITER).sendRawAction(action);
    }

    // --- private --------------------------------------------------------------------------------------------------

    function _send(Leg leg, uint64 assets) private {
        if (leg == Leg.ToCore) {
            address wallet = market.depositWallet();
            IERC20(collateral).forceApprove(wallet, assets);
            ICoreDepositWallet(wallet).deposit(assets, HyperCore.SPOT_DEX);
        } else if (leg == Leg.Home) {
            _write(HyperCore.sendHome((assets * SPOT_PER_ASSET).toUint64()));
        } else {
            _write(HyperCore.classTransfer(assets, leg == Leg.ToPerp));
        }
    }

    /// @dev Where the next dollar is to go: home what is wanted here, out what is not; by what is in spot first.
    /// @param spot Asset units.
    function _next(uint256 spot) private view returns (Leg, uint256) {
        (uint256 cash, uint256 wanted) = (_cash(), _wantedHere());
        if (wanted > cash) {
            uint256 missing = wanted - cash;
            if (spot > HOME_FEE) return (Leg.Home, Math.min(missing, spot - HOME_FEE));
            uint256 free = Math.min(Math.saturatingAdd(missing, HOME_FEE - spot), market.freeOf(address(this)));
            if (free != 0) return (Leg.ToSpot, free);
            return (Leg.None, 0);
        }
        if (spot >= MIN_LEG) return (Leg.ToPerp, spot);
        if (cash - wanted >= MIN_LEG) return (Leg.ToCore, cash - wanted);
        return (Leg.None, 0);
    }

    function _wantedHere() private view returns (uint256) {
        if (IWindingVault(vault).isWindingDown()) return type(uint256).max;
        try IHedgeVault(vault).registry().requireRemoved(this) {
            return type(uint256).max;
        } catch {
            return recalled;
        }
    }

    /// @dev Keeps what is late of a leg that is over; reverts where it is not over.
    /// @param spot As it is read now, 1e8.
    function _endWay(uint256 spot) private {
        Way memory way = _way;
        if (way.leg == Leg.None) return;
        (bool isOver, bool isSeen, uint256 until) = _stateOf(way);
        if (!isOver) revert LegOnItsWay(way.leg, until);
        _missing = _late(spot);
        emit LegOver(way.leg, way.amount, isSeen);
    }

    function _isLate(Way memory way) private view returns (bool) {
        return block.timestamp >= _lateAt(way);
    }

    function _lateAt(Way memory way) private view returns (uint256) {
        return way.sentAt + uint256(market.limits().lateSeconds);
    }

    /// @dev What of a leg over the bridge has left and is not seen at its other end, asset units.
    function _unseen(Way memory way, uint256 spot) private view returns (uint256) {
        if (way.leg == Leg.ToCore) return Math.saturatingSub(way.amount, _gained(way, spot));
        if (way.leg != Leg.Home) return 0;
        uint256 debited = Math.min(way.amount, _lost(way, spot));
        return Math.saturatingSub(debited, _credited());
    }

    /// @dev What has come here or to spot since the last leg was sent, and cannot have been that leg: what was late, or gifts.
    function _surplus(Way memory way, uint256 spot) private view returns (uint256) {
        bool isToSpot = way.leg == Leg.ToCore || way.leg == Leg.ToSpot;
        uint256 gained = Math.saturatingSub(_gained(way, spot), isToSpot ? way.amount : 0);
        return gained + Math.saturatingSub(_credited(), way.leg == Leg.Home ? way.amount : 0);
    }

    /// @return isOver Nothing of it is waited for any more.
    /// @return isSeen All of it has arrived.
    /// @return until From then on it is over in any case, Unix seconds.
    function _stateOf(Way memory way) private view returns (bool isOver, bool isSeen, uint256 until) {
        HyperEvmMarket.Limits memory limits = market.limits();
        uint256 spot = market.spotOf(address(this));
        bool isCrossing = way.leg == Leg.ToCore;
        if (way.leg == Leg.ToCore || way.leg == Leg.ToSpot) {
            isSeen = _gained(way, spot) >= way.amount;
        } else if (way.leg == Leg.ToPerp) {
            isSeen = _lost(way, spot) >= way.amount;
        } else {
            isSeen = _credited() >= way.amount;
            isCrossing = isSeen || _lost(way, spot) != 0;
        }
        until = way.sentAt + uint256(isCrossing ? limits.lateSeconds : limits.settleSeconds);
        // Reads show nothing of the block that they are in.
        isOver = block.number > way.blockNumber && (isSeen || block.timestamp >= until);
    }

    function _gained(Way memory way, uint256 spot) private pure returns (uint256) {
        return Math.saturatingSub(spot, way.spotBefore) / SPOT_PER_ASSET;
    }

    function _lost(Way memory way, uint256 spot) private pure returns (uint256) {
        return Math.saturatingSub(way.spotBefore, spot) / SPOT_PER_ASSET;
    }

    /// @dev What has come here beside deposits and withdrawals since the last leg was sent, asset units.
    function _credited() private view returns (uint256) {
        int256 credited = _cash().toInt256() - _cashBefore;
        return credited > 0 ? uint256(credited) : 0;
    }
}
