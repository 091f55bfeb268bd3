// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IHedgeVault} from "../interfaces/IHedgeVault.sol";
import {VenueMeasurement} from "../types/Rebalance.sol";

/// @title Redemption queue: exits that wait for idle
/// @notice Purpose. Members who want out while idle is short put their shares here (`request`). Anyone redeems them as idle
///         arrives (`serve`), oldest first, and every member takes what is his (`claim`) or goes back (`cancel`). Request and
///         claim follow ERC-7540; a request cannot be handed on, so that no share leaves the members by this way.
///
///         Order. Requests that come within `EPOCH_SECONDS` make an epoch, which closes when its serving begins. An epoch is
///         served after all before it. What is there for an epoch is shared in proportion to its requests. Payment is pulled,
///         so a receiver that cannot be paid holds up nobody.
///
///         Price. The vault's lower NAV at the time of serving, for all who are served then. A minimum of one's own would
///         hold up, or let pass ahead, those of the same epoch. Instead nobody is served while the lower NAV does not say what
///         a share is worth: where a venue is silent, where the NAV interval is wider than `maxWidthBps`, or for nothing.
///         Whoever accepts less takes the shares back and redeems at the vault, with a minimum.
///
///         Trust. No owner, no role. The vault is believed. Shares that come otherwise than by `request` are a gift to the
///         oldest epoch; assets that do are nobody's.
///
///         Obligations of whoever deploys it. `maxWidthBps` lies above the width that the oracle's deviation, the vault's
///         leverage and its open orders make on an ordinary day, or nobody is ever served.
///
///         Rounding. Every part rounds down and the rest stays with those of the epoch who remain; the last one takes it. So
///         the claims of an epoch never exceed what it received.
///
///         Liveness. `claim` and `cancel` never depend on venues, prices or other members. One `serve` goes through at most
///         `MAX_EPOCHS` epochs, so its gas is bounded; a request is of one whole share or more, so no row of epochs is worth
///         nothing and blocks the others. A venue that is silent for good holds servings up until the governor has removed it
///         by force; `cancel` and exits at the vault do not wait for that.
///
///         Known limits. Shares that wait are exposed to the NAV until they are served. A price that is moved by less than
///         `maxWidthBps` of NAV is served at.
contract RedemptionQueue is ReentrancyGuardTransient {
    using Math for uint256;
    using SafeERC20 for IERC20;

    /// @param units What the requests of the epoch add up to: a unit is a share when it is requested.
    /// @param shares Shares of the epoch that are not served yet.
    /// @param assets What was paid for the served ones, claimed or not, less what whoever left the epoch was due.
    /// @param openedAt Time of the first request, Unix seconds.
    /// @param isClosed No request can join any more.
    struct Epoch {
        uint256 units;
        uint256 shares;
        uint256 assets;
        uint48 openedAt;
        bool isClosed;
    }

    /// @param units Part in the epoch; 0 is no request.
    /// @param claimed Assets paid out so far.
    struct Request {
        uint256 units;
        uint256 claimed;
    }

    /// @notice Time in which requests may join one epoch, seconds.
    uint256 public constant EPOCH_SECONDS = 1 hours;

    /// @notice Most epochs that one `serve` goes through.
    uint256 public constant MAX_EPOCHS = 16;

    /// @notice Widest interval that may be allowed, 1e-4 of the higher NAV.
    uint256 public constant MAX_WIDTH_BPS = 2000;

    uint256 private constant BPS = 10_000;

    /// @notice Vault whose shares wait here.
    IHedgeVault public immutable vault;

    /// @notice Widest NAV interval at which is served, 1e-4 of the higher NAV.
    uint256 public immutable maxWidthBps;

    /// @notice Least shares of a request: one whole share.
    uint256 public immutable minShares;

    /// @notice Oldest epoch that may have shares to serve.
    uint256 public firstEpoch;

    /// @notice Number of the latest epoch plus 1.
    uint256 public epochCount;

    /// @notice Shares of all epochs that are not served yet.
    uint256 public totalShares;

    mapping(uint256 epochId => Epoch epoch) private _epochs;
    mapping(uint256 epochId => mapping(address owner => Request made)) private _requests;

    IERC20 private immutable _asset;

    /// @param shares Added to the owner's request.
    event Requested(uint256 indexed epochId, address indexed owner, uint256 shares);
    /// @param assets Received for `shares`.
    event Served(address indexed caller, uint256 shares, uint256 assets);
    event EpochServed(uint256 indexed epochId, uint256 shares, uint256 assets, uint256 sharesLeft);
    event Claimed(uint256 indexed epochId, address indexed owner, address indexed receiver, uint256 assets);
    event Cancelled(uint256 indexed epochId, address indexed owner, uint256 shares);
    event StrayShares(uint256 indexed epochId, uint256 shares);

    error WidthOutOfRange(uint256 maxWidthBps, uint256 limit);
    error NotAContract(address account);
    error RequestTooSmall(uint256 shares, uint256 minShares);
    error NothingToClaim(uint256 epochId, address owner);
    error NothingToCancel(uint256 epochId, address owner);
    error VenueSilent(uint256 venueIndex);
    error NavTooWide(uint256 navLow, uint256 leastNavLow);

    constructor(IHedgeVault vault_, uint256 maxWidthBps_) {
        if (address(vault_).code.length == 0) revert NotAContract(address(vault_));
        if (maxWidthBps_ > MAX_WIDTH_BPS) revert WidthOutOfRange(maxWidthBps_, MAX_WIDTH_BPS);
        vault = vault_;
        maxWidthBps = maxWidthBps_;
        minShares = 10 ** vault_.decimals();
        _asset = IERC20(vault_.asset());
    }

    // --- members --------------------------------------------------------------------------------------------------

    /// @notice Puts the caller's shares in the queue, within an allowance given to it.
    /// @param shares At least `minShares`.
    /// @return epochId Epoch that the request belongs to; needed to claim and to cancel.
    function request(uint256 shares) external nonReentrant returns (uint256 epochId) {
        if (shares < minShares) revert RequestTooSmall(shares, minShares);
        epochId = _openEpoch();
        Epoch storage epoch = _epochs[epochId];
        epoch.units += shares;
        epoch.shares += shares;
        totalShares += shares;
        _requests[epochId][msg.sender].units += shares;
        emit Requested(epochId, msg.sender, shares);
        IERC20(address(vault)).safeTransferFrom(msg.sender, address(this), shares);
    }

    /// @notice Pays what the caller's request in an epoch has earned since the last claim.
    /// @param receiver Whoever shall have it.
    /// @return assets Paid, asset units.
    function claim(uint256 epochId, address receiver) external nonReentrant returns (uint256 assets) {
        assets = _claimable(epochId, msg.sender);
        if (assets == 0) revert NothingToClaim(epochId, msg.sender);
        if (_epochs[epochId].shares == 0) _removeRequest(epochId, msg.sender);
        else _requests[epochId][msg.sender].claimed += assets;
        _payClaim(epochId, receiver, assets);
    }

    /// @notice Gives back the caller's shares that are not served yet, and pays for the others.
    /// @param receiver Whoever shall have the assets; the shares go to the caller.
    function cancel(uint256 epochId, address receiver) external nonReentrant returns (uint256 shares, uint256 assets) {
        shares = _pending(epochId, msg.sender);
        if (shares == 0) revert NothingToCancel(epochId, msg.sender);
        assets = _claimable(epochId, msg.sender);
        _epochs[epochId].shares -= shares;
        totalShares -= shares;
        _removeRequest(epochId, msg.sender);
        emit Cancelled(epochId, msg.sender, shares);
        IERC20(address(vault)).safeTransfer(msg.sender, shares);
        if (assets != 0) _payClaim(epochId, receiver, assets);
    }

    // --- anyone ---------------------------------------------------------------------------------------------------

    /// @notice Redeems as many waiting shares as idle can pay for, oldest epoch first.
    /// @dev Does nothing where there are none, no idle, or they are worth nothing. The assets are measured as they arrive.
    /// @return shares Redeemed.
    /// @return assets Received.
    function serve() external nonReentrant returns (uint256 shares, uint256 assets) {
        _requireFairPrice();
        _adoptStrays();
        shares = Math.min(_waitingShares(), vault.maxRedeem(address(this)));
        if (shares != 0) {
            uint256 balanceBefore = _asset.balanceOf(address(this));
            vault.redeem(shares, address(this), address(this));
            assets = _asset.balanceOf(address(this)) - balanceBefore;
            totalShares -= shares;
            emit Served(msg.sender, shares, assets);
        }
        _distribute(shares, assets);
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @notice One epoch.
    function epochs(uint256 epochId) external view nonReentrantView returns (Epoch memory) {
        return _epochs[epochId];
    }

    /// @notice One request.
    function requests(uint256 epochId, address owner) external view nonReentrantView returns (Request memory) {
        return _requests[epochId][owner];
    }

    /// @notice Shares of a request that are not served yet, rounded down.
    function pendingShares(uint256 epochId, address owner) external view nonReentrantView returns (uint256) {
        return _pending(epochId, owner);
    }

    /// @notice Assets that a request has earned and not claimed, rounded down.
    function claimableAssets(uint256 epochId, address owner) external view nonReentrantView returns (uint256) {
        return _claimable(epochId, owner);
    }

    // --- private --------------------------------------------------------------------------------------------------

    /// @dev The latest epoch while it may still be joined, or else a new one.
    function _openEpoch() private returns (uint256 epochId) {
        uint256 count = epochCount;
        if (count != 0) {
            Epoch storage latest = _epochs[count - 1];
            if (!latest.isClosed && block.timestamp < latest.openedAt + EPOCH_SECONDS) return count - 1;
        }
        epochCount = count + 1;
        _epochs[count].openedAt = uint48(block.timestamp);
        return count;
    }

    function _requireFairPrice() private view {
        VenueMeasurement[] memory venues = vault.measureHedge().venues;
        for (uint256 i = 0; i < venues.length; ++i) {
            if (venues[i].isSilent) revert VenueSilent(i);
        }
        (uint256 navLow, uint256 navHigh) = vault.navBounds();
        uint256 least = navHigh.mulDiv(BPS - maxWidthBps, BPS, Math.Rounding.Ceil);
        if (navLow < least) revert NavTooWide(navLow, least);
    }

    /// @dev An epoch that they enlarge has shares and units apart, so nobody may join it any more.
    function _adoptStrays() private {
        uint256 strays = IERC20(address(vault)).balanceOf(address(this)) - totalShares;
        uint256 epochId = firstEpoch;
        if (strays == 0 || epochId == epochCount || _epochs[epochId].units == 0) return;
        _epochs[epochId].shares += strays;
        _epochs[epochId].isClosed = true;
        totalShares += strays;
        emit StrayShares(epochId, strays);
    }

    /// @dev Unserved shares of the epochs that one call may go through.
    function _waitingShares() private view returns (uint256 shares) {
        uint256 end = Math.min(firstEpoch + MAX_EPOCHS, epochCount);
        for (uint256 i = firstEpoch; i < end; ++i) {
            shares += _epochs[i].shares;
        }
    }

    /// @dev Shares out what was redeemed, and passes by the epochs that have nothing left.
    function _distribute(uint256 shares, uint256 assets) private {
        uint256 epochId = firstEpoch;
        uint256 end = Math.min(epochId + MAX_EPOCHS, epochCount);
        for (; epochId < end; ++epochId) {
            Epoch storage epoch = _epochs[epochId];
            uint256 served = Math.min(shares, epoch.shares);
            if (served != 0) {
                uint256 paid = assets.mulDiv(served, shares);
                epoch.shares -= served;
                epoch.assets += paid;
                shares -= served;
                assets -= paid;
                emit EpochServed(epochId, served, paid, epoch.shares);
            }
            if (served != 0 || epoch.shares == 0) epoch.isClosed = true;
            if (epoch.shares != 0) break;
        }
        firstEpoch = epochId;
    }

    /// @dev Takes a request out of its epoch with all it was due; nobody else's part shrinks by it, for what is taken was
    ///      rounded down.
    function _removeRequest(uint256 epochId, address owner) private {
        Epoch storage epoch = _epochs[epochId];
        epoch.assets -= _partOf(epochId, owner, epoch.assets);
        epoch.units -= _requests[epochId][owner].units;
        delete _requests[epochId][owner];
    }

    function _payClaim(uint256 epochId, address receiver, uint256 assets) private {
        emit Claimed(epochId, msg.sender, receiver, assets);
        _asset.safeTransfer(receiver, assets);
    }

    function _pending(uint256 epochId, address owner) private view returns (uint256) {
        return _partOf(epochId, owner, _epochs[epochId].shares);
    }

    /// @dev What is due never falls while the request stands: neither serving nor whoever leaves takes from it.
    function _claimable(uint256 epochId, address owner) private view returns (uint256) {
        return _partOf(epochId, owner, _epochs[epochId].assets) - _requests[epochId][owner].claimed;
    }

    function _partOf(uint256 epochId, address owner, uint256 total) private view returns (uint256) {
        uint256 units = _requests[epochId][owner].units;
        return units == 0 ? 0 : units.mulDiv(total, _epochs[epochId].units);
    }
}
