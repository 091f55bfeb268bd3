// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Governed} from "./governance/Governed.sol";
import {VaultBound} from "./governance/VaultBound.sol";
import {IHedgeVault} from "./interfaces/IHedgeVault.sol";
import {IPerpVenue} from "./interfaces/IPerpVenue.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {IVaultAccess} from "./interfaces/IVaultAccess.sol";
import {IVenueRegistry} from "./interfaces/IVenueRegistry.sol";
import {VenueValuation} from "./libraries/VenueValuation.sol";
import {VenueMeasurement} from "./types/Rebalance.sol";

/// @title Registry of a vault's venues, and what each of them holds
/// @notice Purpose. Says which venues a vault may use and measures them, so that none of them can stop the others.
///
///         Trust. The governor chooses venues, after its delay; the guardian can close one (its position may then only
///         shrink) and lower its cap. Whatever a venue does when it is asked (revert, burn gas, return too much, too little
///         or the impossible) makes it silent and nothing else: gas and return data are bounded. A caller that offers too
///         little gas is refused (`GasTooLow`), lest a healthy venue be made to look silent.
///
///         Rounding. See `VenueValuation`: low ends down, high ends up.
///
///         Liveness. A silent venue counts 0 in NAV, and its position is taken to be between 0 and the last one kept, orders
///         that were open then filled or not. A venue that cannot be emptied is removed by force, after the delay: what it
///         pays comes home with it, and the vault's `recoverMargin` empties it later, when deposits have to be closed first. An
///         order left on it is cancelled at its adapter.
///
///         Known limits. A venue that enlarged its position by itself while silent is beyond telling. Forced removal takes what
///         a venue keeps out of NAV at once; what comes home later falls to those who hold shares then. Whoever leaves
///         meanwhile, as those do who are served from the queue, has no part in it.
contract VenueRegistry is IVenueRegistry, VaultBound {
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @notice Most venues: keeps a measurement inside one block's gas.
    uint256 public constant MAX_VENUES = 8;

    /// @notice Most equity a venue may hold when it is registered or removed.
    int256 public constant REMOVABLE_EQUITY = 1e18; // 1 USD

    /// @inheritdoc IVenueRegistry
    uint256 public constant VENUE_GAS = 900_000;

    /// @dev Gas of bringing margin home from a venue that is removed by force: several times what any adapter takes.
    uint256 private constant RECOVERY_GAS = 3_000_000;

    uint256 private constant ACCOUNT_BYTES = 9 * 32;
    uint256 private constant WAD = 1e18;

    IPerpVenue[] private _venues;
    mapping(IPerpVenue venue => VenueState state) private _stateOf;

    /// @dev The list must not change between two measurements of one rebalance.
    modifier whileVaultRests() {
        if (IHedgeVault(vault).isEntered()) revert VaultEntered();
        _;
    }

    constructor(IVaultAccess access_) Governed(access_) {}

    // --- the vault ------------------------------------------------------------------------------------------------

    /// @inheritdoc IVenueRegistry
    function measure(IPriceOracle.Reading calldata reading, uint256 silentMask)
        external
        view
        returns (VenueMeasurement[] memory)
    {
        return _measureAll(reading, silentMask);
    }

    /// @inheritdoc IVenueRegistry
    function measureAndKeep(IPriceOracle.Reading calldata reading, uint256 silentMask)
        external
        onlyBoundVault
        returns (VenueMeasurement[] memory measured)
    {
        measured = _measureAll(reading, silentMask);
        for (uint256 i = 0; i < measured.length; ++i) {
            VenueState storage state = _stateOf[_venues[i]];
            if (measured[i].isSilent) continue;
            _keep(state, measured[i].sizeLow, measured[i].sizeHigh - measured[i].sizeLow);
        }
    }

    // --- governor and guardian --------------------------------------------------------------------------------------

    /// @inheritdoc IVenueRegistry
    function addVenue(IPerpVenue venue) external onlyGovernor whileVaultRests {
        if (venue.vault() != vault) revert VenueVaultMismatch(venue.vault(), vault);
        address asset = IERC4626(vault).asset();
        if (venue.collateral() != asset) revert VenueCollateralMismatch(venue.collateral(), asset);
        uint256 count = _venues.length;
        if (_find(venue) != count) revert VenueAlreadyRegistered(address(venue));
        if (count == MAX_VENUES) revert TooManyVenues(count + 1, MAX_VENUES);
        int256 equity = _requireEmpty(venue);
        if (equity < 0) revert VenueNotEmpty(address(venue), 0, equity); // nobody fills another's hole
        _venues.push(venue);
        _stateOf[venue] = VenueState(0, type(uint64).max, false, true, false, 0);
        emit VenueAdded(address(venue));
    }

    /// @inheritdoc IVenueRegistry
    /// @dev What cannot be withdrawn counts as nothing up to `REMOVABLE_EQUITY`.
    function removeVenue(IPerpVenue venue) external onlyGovernor whileVaultRests {
        _requireFlat(venue, _measureAlone(venue));
        _remove(venue);
        IHedgeVault(vault).recoverMargin(venue);
        emit VenueRemoved(address(venue), false, _requireEmpty(venue));
    }

    /// @inheritdoc IVenueRegistry
    function forceRemoveVenue(IPerpVenue venue) external onlyGovernor whileVaultRests {
        _remove(venue);
        _recover(venue);
        VenueMeasurement memory m = _measureAlone(venue);
        bool isEmpty = !m.isSilent && _worstSize(m) == 0 && m.equityHigh <= REMOVABLE_EQUITY;
        uint256 cap = IHedgeVault(vault).depositCap();
        if (!isEmpty && cap != 0) revert DepositsOpen(cap); // or who enters next buys what comes home later
        emit VenueRemoved(address(venue), true, m.equity);
    }

    /// @inheritdoc IVenueRegistry
    function closeVenue(IPerpVenue venue) external onlyGuardian {
        _setClosing(venue, true);
    }

    /// @inheritdoc IVenueRegistry
    function reopenVenue(IPerpVenue venue) external onlyGovernor {
        _setClosing(venue, false);
    }

    /// @inheritdoc IVenueRegistry
    function setVenueCap(IPerpVenue venue, uint256 capUsd) external onlyGovernor {
        _setVenueCap(venue, capUsd);
    }

    /// @inheritdoc IVenueRegistry
    function lowerVenueCap(IPerpVenue venue, uint256 capUsd) external onlyGuardian {
        if (capUsd > _stateOf[venue].capUsd) revert CapLooser(capUsd, _stateOf[venue].capUsd);
        _setVenueCap(venue, capUsd);
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IVenueRegistry
    function venues() external view returns (IPerpVenue[] memory) {
        return _venues;
    }

    /// @inheritdoc IVenueRegistry
    function venueState(IPerpVenue venue) external view returns (VenueState memory) {
        return _stateOf[venue];
    }

    /// @inheritdoc IVenueRegistry
    function indexOf(address venue) external view returns (uint256 index) {
        index = _find(IPerpVenue(venue));
        if (index == _venues.length) revert VenueNotRegistered(venue);
    }

    /// @inheritdoc IVenueRegistry
    function requireRemoved(IPerpVenue venue) external view {
        if (!_stateOf[venue].wasRegistered) revert VenueNeverRegistered(address(venue));
        if (_find(venue) != _venues.length) revert VenueStillRegistered(address(venue));
    }

    // --- measurement ----------------------------------------------------------------------------------------------

    function _measureAll(IPriceOracle.Reading calldata reading, uint256 silentMask)
        private
        view
        returns (VenueMeasurement[] memory measured)
    {
        uint256 count = _venues.length;
        measured = new VenueMeasurement[](count);
        for (uint256 i = 0; i < count; ++i) {
            VenueState storage state = _stateOf[_venues[i]];
            VenueMeasurement memory m = measured[i];
            bool isAnswered;
            IPerpVenue.Account memory account;
            if (silentMask & (1 << i) == 0) (isAnswered, account) = _ask(_venues[i]);
            if (isAnswered) VenueValuation.value(m, account, reading);
            if (!isAnswered || !VenueValuation.isBounded(m)) {
                int256 high = int256(state.lastSize) + (state.hadOrder ? state.lastPending : int128(0));
                VenueValuation.valueSilent(m, state.lastSize, high, reading);
            }
            m.isClosing = state.isClosing;
            m.cap = uint256(state.capUsd) * WAD;
        }
    }

    function _measureAlone(IPerpVenue venue) private view returns (VenueMeasurement memory m) {
        IPriceOracle.Reading memory none;
        (bool isAnswered, IPerpVenue.Account memory account) = _ask(venue);
        if (isAnswered) VenueValuation.value(m, account, none);
        else m.isSilent = true;
    }

    /// @dev No more than `VENUE_GAS` is spent, and no more than nine words are read of whatever comes back.
    function _ask(IPerpVenue venue) private view returns (bool isAnswered, IPerpVenue.Account memory account) {
        bytes4 selector = IPerpVenue.account.selector;
        uint256 gasBefore = gasleft();
        assembly ("memory-safe") {
            mstore(0, selector)
            isAnswered := staticcall(VENUE_GAS, venue, 0, 4, account, ACCOUNT_BYTES)
            isAnswered := and(isAnswered, iszero(lt(returndatasize(), ACCOUNT_BYTES)))
        }
        if (isAnswered && VenueValuation.isPossible(account)) return (true, account);
        _requireGas(gasBefore, VENUE_GAS);
        IPerpVenue.Account memory none;
        return (false, none);
    }

    // --- private --------------------------------------------------------------------------------------------------

    /// @dev No position, no pending order, and hardly any equity.
    function _requireEmpty(IPerpVenue venue) private view returns (int256 equity) {
        VenueMeasurement memory m = _measureAlone(venue);
        _requireFlat(venue, m);
        if (m.equityHigh > REMOVABLE_EQUITY) revert VenueNotEmpty(address(venue), 0, m.equityHigh);
        return m.equity;
    }

    function _requireFlat(IPerpVenue venue, VenueMeasurement memory m) private pure {
        if (m.isSilent) revert VenueSilent(address(venue));
        int256 worstSize = _worstSize(m);
        if (worstSize != 0) revert VenueNotEmpty(address(venue), worstSize, m.equityHigh);
    }

    /// @dev What a venue pays while it is removed is in NAV when the next one enters or leaves. One that fails is left.
    function _recover(IPerpVenue venue) private {
        uint256 gasBefore = gasleft();
        try IHedgeVault(vault).recoverMargin{gas: RECOVERY_GAS}(venue) returns (uint256) {
            return;
        } catch {
            _requireGas(gasBefore, RECOVERY_GAS);
        }
    }

    /// @dev A call gets at most 63/64 of what is left: a venue that was given less than its due may have had an answer.
    function _requireGas(uint256 offered, uint256 granted) private pure {
        uint256 needed = granted + granted / 63 + 5000;
        if (offered < needed) revert GasTooLow(offered, needed);
    }

    function _worstSize(VenueMeasurement memory m) private pure returns (int256) {
        return m.sizeHigh == 0 ? m.sizeLow : m.sizeHigh;
    }

    /// @dev Keeps the order of the others.
    function _remove(IPerpVenue venue) private {
        uint256 count = _venues.length;
        uint256 index = _find(venue);
        if (index == count) revert VenueNotRegistered(address(venue));
        for (uint256 i = index + 1; i < count; ++i) {
            _venues[i - 1] = _venues[i];
        }
        _venues.pop();
    }

    /// @dev The second slot is neither read nor written where no order is open nor was.
    function _keep(VenueState storage state, int256 low, int256 pending) private {
        if (low != state.lastSize) state.lastSize = low.toInt128();
        if (pending == 0 && !state.hadOrder) return;
        state.hadOrder = pending != 0;
        state.lastPending = pending.toInt128();
    }

    function _setClosing(IPerpVenue venue, bool isClosing) private {
        if (_find(venue) == _venues.length) revert VenueNotRegistered(address(venue));
        emit VenueClosingSet(address(venue), _stateOf[venue].isClosing, isClosing);
        _stateOf[venue].isClosing = isClosing;
    }

    function _setVenueCap(IPerpVenue venue, uint256 capUsd) private {
        if (_find(venue) == _venues.length) revert VenueNotRegistered(address(venue));
        emit VenueCapSet(address(venue), _stateOf[venue].capUsd, capUsd);
        _stateOf[venue].capUsd = capUsd.toUint64();
    }

    /// @dev Index of `venue`, or the number of venues when it is not registered.
    function _find(IPerpVenue venue) private view returns (uint256 index) {
        uint256 count = _venues.length;
        while (index < count && address(_venues[index]) != address(venue)) ++index;
    }
}
