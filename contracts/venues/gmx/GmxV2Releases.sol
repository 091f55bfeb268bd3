// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governed} from "../../governance/Governed.sol";
import {IVaultAccess} from "../../interfaces/IVaultAccess.sol";
import {GmxV2Keys} from "./GmxV2Keys.sol";
import {IGmxDataStore, IGmxExchangeRouter, IGmxOrderHandler, IGmxReader, IGmxRoleStore} from "./IGmxV2.sol";

/// @title Releases of GMX that an adapter may use, and its governed limits
/// @notice Purpose. GMX replaces its ExchangeRouter, Reader and OrderHandler every few months. The governor names the new ones
///         before the old ones stop; both are kept meanwhile, and the newest that answers is used.
///
///         Trust. DataStore, RoleStore, Router and market are fixed. A release is used only while GMX's own RoleStore gives its
///         router and its handler their roles and its contracts name the same DataStore. Silence and an empty answer are both
///         no answer: a stale Reader decodes what it no longer knows as nothing, without complaint.
///
///         Liveness. What decides about orders and size is read from the DataStore, which no release replaces; the last release
///         that is left cannot be dropped.
abstract contract GmxV2Releases is Governed {
    /// @notice Contracts that GMX replaces together.
    struct Release {
        address exchangeRouter;
        address orderHandler;
        address reader;
    }

    /// @param maxExecutionFeeWei Most ether that one of GMX's orders may be given for its execution.
    /// @param marginFactor Margin sent with what an order opens, ratio of its notional, WAD.
    /// @param callbackGas Gas that GMX is asked to call back with.
    struct Limits {
        uint96 maxExecutionFeeWei;
        uint96 marginFactor;
        uint32 callbackGas;
    }

    /// @notice Most releases at a time: the old, the new, and one to spare.
    uint256 public constant MAX_RELEASES = 3;

    /// @notice GMX's store of settings and state.
    IGmxDataStore public immutable dataStore;

    /// @notice GMX's register of roles.
    IGmxRoleStore public immutable roleStore;

    /// @notice GMX's Router, which takes the margin: its allowance is never more than an order needs.
    address public immutable router;

    /// @notice Market token.
    address public immutable market;

    Release[] private _releases; // newest last
    Limits private _limits;

    event ReleaseAdded(address exchangeRouter, address orderHandler, address reader);
    event ReleaseDropped(address exchangeRouter, address orderHandler, address reader);
    event LimitsSet(uint256 maxExecutionFeeWei, uint256 marginFactor, uint256 callbackGas);

    error ReleaseSilent(address exchangeRouter, address orderHandler, address reader);
    error TooManyReleases(uint256 count, uint256 limit);
    error LastRelease(uint256 index);
    error NoUsableRelease(uint256 count);
    error MarginFactorTooLow(uint256 marginFactor, uint256 minimum);

    constructor(
        IVaultAccess access_,
        IGmxDataStore dataStore_,
        address router_,
        address market_,
        Release memory release,
        Limits memory limits_
    ) Governed(access_) {
        dataStore = dataStore_;
        roleStore = IGmxRoleStore(dataStore_.roleStore());
        router = router_;
        market = market_;
        _addRelease(release);
        _setLimits(limits_);
    }

    // --- the governor ---------------------------------------------------------------------------------------------

    /// @notice Adds a release, which is used from now on before the others. Governor.
    /// @dev `ReleaseSilent` where one of its contracts does not answer as it should.
    function addRelease(Release calldata release) external onlyGovernor {
        _addRelease(release);
    }

    /// @notice Drops the release at `index`; the last one left stays. Governor.
    function dropRelease(uint256 index) external onlyGovernor {
        uint256 count = _releases.length;
        if (count == 1) revert LastRelease(index);
        Release memory dropped = _releases[index];
        for (uint256 i = index + 1; i < count; ++i) {
            _releases[i - 1] = _releases[i];
        }
        _releases.pop();
        emit ReleaseDropped(dropped.exchangeRouter, dropped.orderHandler, dropped.reader);
    }

    /// @notice Sets the limits. Governor.
    function setLimits(Limits calldata limits_) external onlyGovernor {
        _setLimits(limits_);
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @notice The releases, newest last.
    function releases() external view returns (Release[] memory) {
        return _releases;
    }

    /// @notice The governed limits.
    function limits() public view returns (Limits memory) {
        return _limits;
    }

    /// @notice Whether a release stands: its router and handler answer and have GMX's roles.
    function isUsable(Release memory release) public view returns (bool) {
        return roleStore.hasRole(release.exchangeRouter, GmxV2Keys.ROUTER_PLUGIN)
            && roleStore.hasRole(release.exchangeRouter, GmxV2Keys.CONTROLLER)
            && roleStore.hasRole(release.orderHandler, GmxV2Keys.CONTROLLER)
            && _askAddress(release.exchangeRouter, IGmxExchangeRouter.dataStore.selector) == address(dataStore)
            && _askAddress(release.exchangeRouter, IGmxExchangeRouter.orderHandler.selector) == release.orderHandler
            && _askAddress(release.orderHandler, IGmxOrderHandler.orderVault.selector) != address(0);
    }

    // --- for the deriving contract --------------------------------------------------------------------------------

    /// @dev A number of GMX's store.
    function _uint(bytes32 key) internal view returns (uint256) {
        return dataStore.getUint(key);
    }

    function _addRelease(Release memory release) internal {
        if (_releases.length == MAX_RELEASES) revert TooManyReleases(MAX_RELEASES + 1, MAX_RELEASES);
        if (!isUsable(release) || !_knowsMarket(release.reader)) {
            revert ReleaseSilent(release.exchangeRouter, release.orderHandler, release.reader);
        }
        _releases.push(release);
        emit ReleaseAdded(release.exchangeRouter, release.orderHandler, release.reader);
    }

    function _setLimits(Limits memory limits_) internal {
        uint256 minimum = _uint(GmxV2Keys.minCollateralFactor(market)) / 1e12;
        if (limits_.marginFactor <= minimum) revert MarginFactorTooLow(limits_.marginFactor, minimum);
        _limits = limits_;
        emit LimitsSet(limits_.maxExecutionFeeWei, limits_.marginFactor, limits_.callbackGas);
    }

    /// @dev The newest release that stands, whether it takes orders or not: what is open is cancelled and claimed through it.
    function _standing() internal view returns (Release memory release) {
        uint256 count = _releases.length;
        for (uint256 i = count; i > 0; --i) {
            release = _releases[i - 1];
            if (isUsable(release)) return release;
        }
        revert NoUsableRelease(count);
    }

    /// @dev The newest release that takes orders of `orderType`.
    function _usable(uint256 orderType) internal view returns (Release memory release) {
        uint256 count = _releases.length;
        for (uint256 i = count; i > 0; --i) {
            release = _releases[i - 1];
            if (!isUsable(release)) continue;
            if (!dataStore.getBool(GmxV2Keys.createOrderDisabled(release.orderHandler, orderType))) return release;
        }
        revert NoUsableRelease(count);
    }

    /// @dev What the newest Reader answers that knows the market and gives `words` words, the ones in `probeAt` being
    ///      `probe`. Empty where none does.
    function _askReader(bytes memory question, uint256 words, uint256 probeAt, uint256 probe)
        internal
        view
        returns (bytes memory answer)
    {
        for (uint256 i = _releases.length; i > 0; --i) {
            bool isAnswered;
            (isAnswered, answer) = _releases[i - 1].reader.staticcall(question);
            if (!isAnswered || answer.length != words * 32) continue;
            if (probeAt == type(uint256).max) return answer;
            if (_word(answer, probeAt) == probe) return answer;
        }
        return "";
    }

    function _referralStorage() internal view returns (address) {
        Release memory newest = _releases[_releases.length - 1];
        return _askAddress(newest.orderHandler, IGmxOrderHandler.referralStorage.selector);
    }

    function _word(bytes memory answer, uint256 index) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(answer, 32), mul(index, 32)))
        }
    }

    // --- private --------------------------------------------------------------------------------------------------

    function _knowsMarket(address reader) private view returns (bool) {
        bytes memory question = abi.encodeCall(IGmxReader.getMarket, (address(dataStore), market));
        (bool isAnswered, bytes memory answer) = reader.staticcall(question);
        return isAnswered && answer.length == 128 && _word(answer, 0) == uint160(market);
    }

    function _askAddress(address target, bytes4 selector) private view returns (address) {
        (bool isAnswered, bytes memory answer) = target.staticcall(abi.encodePacked(selector));
        if (!isAnswered || answer.length != 32) return address(0);
        return address(uint160(_word(answer, 0)));
    }
}
