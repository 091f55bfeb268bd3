// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Governed} from "../../../contracts/governance/Governed.sol";
import {VaultAccess} from "../../../contracts/governance/VaultAccess.sol";
import {IHedgeVault} from "../../../contracts/interfaces/IHedgeVault.sol";
import {IMemberGate} from "../../../contracts/interfaces/IMemberGate.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {IVaultAccess} from "../../../contracts/interfaces/IVaultAccess.sol";
import {IVenueRegistry} from "../../../contracts/interfaces/IVenueRegistry.sol";
import {Intent, Leg, Measurement} from "../../../contracts/types/Rebalance.sol";
import {TwoSidedVault} from "../../../contracts/vault/TwoSidedVault.sol";

contract ProofToken is ERC20("Proof", "P") {
    function mint(address account, uint256 assets) external {
        _mint(account, assets);
    }

    function decimals() public pure override returns (uint8) {
        return 18;
    }
}

/// @notice Shares over a NAV that the proof chooses; the rest of a vault answers nothing.
contract SharesAlone is TwoSidedVault {
    uint256 private _low;
    uint256 private _high;

    constructor(IERC20Metadata asset_, IVaultAccess access_, IMemberGate gate_)
        TwoSidedVault(asset_, "Shares", "S", gate_)
        Governed(access_)
    {}

    function setVenues(uint256 low, uint256 high) external {
        (_low, _high) = (low, high);
    }

    function give(address account, uint256 shares) external {
        _mint(account, shares);
    }

    function rebalance(Intent calldata, Leg[] calldata) external pure returns (uint256, uint256) {
        revert();
    }

    function rebalanceFor(address, Intent calldata, Leg[] calldata) external pure returns (uint256, uint256) {
        revert();
    }

    function redeemWithUnwind(uint256, uint256, address, address, Leg[] calldata) external pure returns (uint256) {
        revert();
    }

    function bringMarginHome(IPerpVenue, uint256) external pure {
        revert();
    }

    function recoverMargin(IPerpVenue) external pure returns (uint256) {
        revert();
    }

    function sweep(address, address) external pure {
        revert();
    }

    function registry() external pure returns (IVenueRegistry) {
        revert();
    }

    function measureHedge() external pure returns (Measurement memory) {
        revert();
    }

    function measure() external pure returns (Measurement memory) {
        revert();
    }

    function lastIntent(address) external pure returns (bytes24, uint64) {
        revert();
    }

    function _appraise() internal view override returns (uint256 low, uint256 high, IHedgeVault.DepositBlock reason) {
        return (_low, _high, IHedgeVault.DepositBlock.None);
    }
}

/// @title Proofs of the shares' prices
/// @notice Bounds of the proofs: 18 decimals, no fees, no queue; supply and NAV concrete where a quotient is compared with
///         another one (three NAVs: a price below, at and above 1; 40 units between the lower and the
///         higher), assets and shares of 8 bits.
contract SharesProof is IMemberGate {
    SharesAlone private _vault;
    ProofToken private _token;

    function setUp() public {
        _token = new ProofToken();
        _vault = new SharesAlone(_token, new VaultAccess(address(this)), this);
        _token.approve(address(_vault), type(uint256).max);
    }

    function isMember(address) external pure returns (bool) {
        return true;
    }

    /// @dev In one price interval nobody gains by going in and out.
    function check_round_trip__any_interval__never_gains(uint8 assets, uint8 choice) external {
        _value(choice, 40);
        uint256 shares = _vault.previewDeposit(assets);
        assert(_vault.previewRedeem(shares) <= assets);
    }

    function check_round_trip__mint_and_withdraw__never_gains(uint8 shares, uint8 choice) external {
        _value(choice, 40);
        uint256 assets = _vault.previewMint(shares);
        assert(_vault.previewWithdraw(assets) >= shares);
    }

    /// @dev Two deposits never get more than one of their sum. The first is one of three.
    function check_deposit__split__gets_no_more(uint8 choice, uint8 second) external {
        _value(1, 0);
        uint256 first = choice == 0 ? 1 : choice == 1 ? 13 : 699;
        uint256 whole = _vault.previewDeposit(first + second);
        uint256 shares = _vault.deposit(_minted(first), address(3));
        assert(shares + _vault.previewDeposit(second) <= whole);
    }

    function check_deposit__preview__is_what_is_minted(uint8 assets, uint8 choice) external {
        _value(choice, 40);
        _token.mint(address(this), assets);
        uint256 preview = _vault.previewDeposit(assets);
        assert(_vault.deposit(assets, address(this)) == preview);
        assert(_vault.balanceOf(address(this)) == preview);
    }

    function check_redeem__preview__is_what_is_paid(uint8 shares, uint8 choice) external {
        _value(choice, 40);
        _vault.give(address(this), shares);
        uint256 preview = _vault.previewRedeem(shares);
        assert(_vault.redeem(shares, address(this), address(this)) == preview);
        assert(_token.balanceOf(address(this)) == preview);
    }

    /// @dev Entries are priced at the higher NAV and exits at the lower.
    function check_prices__any_interval__entry_above_exit(uint8 shares, uint8 choice) external {
        _value(choice, 40);
        assert(_vault.previewMint(shares) >= _vault.previewRedeem(shares));
    }

    // --- private ----------------------------------------------------------------------------------------------------

    function _minted(uint256 assets) private returns (uint256) {
        _token.mint(address(this), assets);
        return assets;
    }

    /// @dev NAV from `low` to `low + width`, none of it idle.
    function _value(uint8 choice, uint16 width) private {
        (uint256 supply, uint256 low) = (uint256(1e9), uint256(1e3));
        if (choice == 1) (supply, low) = (1e9, 700);
        if (choice == 2) (supply, low) = (1e9, 1500);
        _vault.give(address(2), supply);
        _token.mint(address(_vault), low);
        _vault.setVenues(0, width);
    }
}
