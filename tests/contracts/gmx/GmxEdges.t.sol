// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Vm} from "forge-std/Vm.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {GmxV2Keys} from "../../../contracts/venues/gmx/GmxV2Keys.sol";
import {GmxV2Releases} from "../../../contracts/venues/gmx/GmxV2Releases.sol";
import {GmxV2Venue} from "../../../contracts/venues/gmx/GmxV2Venue.sol";
import {IGmxReader} from "../../../contracts/venues/gmx/IGmxV2.sol";
import {GmxMath} from "../support/gmx/GmxMath.sol";
import {GmxStage} from "../support/gmx/GmxStage.sol";

/// @notice A router of GMX's in the middle of whose work somebody calls the account.
contract InterruptedExchange {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    address public immutable dataStore;
    address public immutable orderHandler;
    address private _caller;
    bytes private _call;
    bytes public answer;

    constructor(address dataStore_, address orderHandler_) {
        (dataStore, orderHandler) = (dataStore_, orderHandler_);
    }

    function interruptBy(address caller, bytes calldata data) external {
        (_caller, _call) = (caller, data);
    }

    function claimFundingFees(address[] calldata, address[] calldata, address) external {
        _interrupt();
    }

    function setSavedCallbackContract(address, address) external payable {
        _interrupt();
    }

    function _interrupt() private {
        VM.prank(_caller);
        (, answer) = msg.sender.call(_call);
    }
}

/// @notice Rules of the account and of its releases that no trade of every day comes near.
contract GmxEdgesTest is GmxStage {
    function setUp() external {
        _raiseFunded(10 ether, 100_000e6);
        handler.setFeeUsed(10_000);
    }

    function _trade(int256 sizeDelta) private returns (bytes32 orderId) {
        orderId = _request(sizeDelta);
        _fill(venue.markPrice());
    }

    // --- in the middle of something -----------------------------------------------------------------------------------

    function _interrupted() private returns (InterruptedExchange curious) {
        curious = new InterruptedExchange(address(store), address(handler));
        roles.setRole(address(curious), "CONTROLLER", true);
        roles.setRole(address(curious), "ROUTER_PLUGIN", true);
        vm.prank(vault.governor());
        gmx.addRelease(GmxV2Releases.Release(address(curious), address(handler), address(reader)));
    }

    function test_claim_isNotInterrupted() external {
        InterruptedExchange curious = _interrupted();
        bytes[6] memory calls = [
            abi.encodeCall(venue.unwrap, ()),
            abi.encodeCall(venue.registerCallback, ()),
            abi.encodeCall(venue.account, ()),
            abi.encodeCall(venue.depositMargin, (1)),
            abi.encodeCall(venue.withdrawMargin, (1)),
            abi.encodeCall(venue.execute, (1e18, 2040e18))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            curious.interruptBy(address(vault), calls[i]);
            venue.claimFunding();
            assertEq(bytes4(curious.answer()), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        }
    }

    function test_registration_isNotInterrupted() external {
        InterruptedExchange curious = _interrupted();
        curious.interruptBy(address(this), abi.encodeCall(venue.unwrap, ()));
        venue.registerCallback();
        assertEq(bytes4(curious.answer()), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
    }

    // --- what is pending ----------------------------------------------------------------------------------------------

    function test_closeOfAShort_isPendingUpToWhatThereIs() external {
        _trade(-2e18);
        _request(2e18);
        assertEq(venue.account().pendingPositive, 2e18);
        handler.deleverage(address(venue), false, 3000e30, PRICE / 1e6);
        assertEq(venue.size(), -0.5e18);
        assertEq(venue.account().pendingPositive, 0.5e18);
        assertEq(venue.account().pendingNegative, 0);
    }

    function test_purchase_afterASale_isNoSale() external {
        _trade(-2e18);
        _trade(2e18);
        _request(3e18);
        IPerpVenue.Account memory a = venue.account();
        assertEq(a.pendingNegative, 0);
        assertEq(a.pendingPositive, 3e18);
    }

    function test_value_ofATradePast0_isInsideWhileItWaits() external {
        _trade(2e18);
        int256 equity = venue.account().equity;
        int256 margin = venue.position().margin;
        _request(-5e18);
        assertEq(venue.account().equity, equity);
        assertEq(venue.position().margin, margin);
        (bytes32 closeKey, bytes32 openKey) = venue.orderKeys();
        uint256 fee = gmx.executionFee(false);
        assertEq(handler.orderOf(closeKey).params.numbers.executionFee, fee);
        assertEq(handler.orderOf(openKey).params.numbers.executionFee, fee);
        assertEq(address(venue).balance, 10 ether - 2 * fee - gmx.executionFee(true));
    }

    // --- terms --------------------------------------------------------------------------------------------------------

    function test_tradePast0_mayCostTheFeesOfBothParts() external {
        _trade(2e18);
        bytes32 orderId = _request(-5e18);
        assertEq(venue.order(orderId).maxFee, 5e18 + gmx.etherUsd(2 * gmx.executionFee(false)));
    }

    function test_tradePast0_whoseFirstPartFails_isCancelled_andItsFeeIsOfWhatFilled() external {
        _trade(2e18);
        bytes32 orderId = _request(-5e18);
        (bytes32 closeKey, bytes32 openKey) = venue.orderKeys();
        handler.execute(closeKey, PRICE * 97 / 100 / 1e6); // beyond its limit
        handler.execute(openKey, PRICE / 1e6);
        IPerpVenue.Order memory order = venue.order(orderId);
        assertEq(uint256(order.status), uint256(IPerpVenue.OrderStatus.Cancelled));
        assertEq(order.fee, 3e18 + gmx.etherUsd(2 * gmx.executionFee(false)));
    }

    function test_opening_tellsGmxItsMargin() external {
        _request(2e18);
        (, bytes32 openKey) = venue.orderKeys();
        assertEq(handler.orderOf(openKey).params.numbers.initialCollateralDeltaAmount, 2000e6);
        assertEq(handler.orderOf(openKey).margin, 2000e6);
    }

    function test_margin_isRoundedUp() external {
        _request(1e18 + 1);
        assertEq(venue.freeCollateral(), 100_000e6 - 1000e6 - 1);
    }

    /// @dev GMX settles what is owed when a position grows: it is no fee of the order.
    function test_enlarging_costsItsOwnFeeAlone(bool isShort) external {
        _trade(isShort ? -2e18 : int256(2e18));
        store.setUint(GmxMath.key(GmxMath.BORROWING, MARKET, !isShort), 1e28); // 1 %
        bytes32 orderId = _trade(isShort ? -1e18 : int256(1e18));
        assertEq(venue.order(orderId).fee, 1e18 + gmx.etherUsd(gmx.executionFee(true)));
    }

    function test_closeOfAPart_leavesExactlyTheRest(uint256 part, bool isShort) external {
        part = bound(part, 1e12, 2e18 - 0.0012e18); // of less GMX would leave nothing
        _trade(isShort ? -2e18 : int256(2e18));
        bytes32 orderId = _trade(isShort ? int256(part) : -int256(part));
        assertEq(uint256(venue.order(orderId).status), uint256(IPerpVenue.OrderStatus.Filled));
        assertEq(venue.size(), isShort ? int256(part) - 2e18 : 2e18 - int256(part));
    }

    function test_exitOfAShort_meetsTheUncappedImpact() external {
        _trade(-2e18);
        _setImpact(5e28, 5e27); // 5 % before the cap, 0.5 % after it
        bytes32 orderId = _trade(2e18); // a limit of 2 %
        assertEq(uint256(venue.order(orderId).status), uint256(IPerpVenue.OrderStatus.Filled));
        assertEq(venue.size(), 0);
    }

    function test_allCash_comesHome_andAUnitMoreDoesNot() external {
        vm.startPrank(address(vault));
        vm.expectRevert(abi.encodeWithSelector(GmxV2Venue.CashTooLow.selector, 100_000e6, 100_000e6 + 1));
        venue.withdrawMargin(100_000e6 + 1);
        venue.withdrawMargin(100_000e6);
        vm.stopPrank();
        assertEq(venue.freeCollateral(), 0);
    }

    // --- releases -----------------------------------------------------------------------------------------------------

    function test_release_thatLacksOneThing_isNotUsable() external {
        GmxV2Releases.Release memory r = gmx.releases()[0];
        assertTrue(gmx.isUsable(r));
        string[2] memory names = ["ROUTER_PLUGIN", "CONTROLLER"];
        for (uint256 i = 0; i < 2; ++i) {
            roles.setRole(r.exchangeRouter, names[i], false);
            assertFalse(gmx.isUsable(r));
            roles.setRole(r.exchangeRouter, names[i], true);
        }
        roles.setRole(r.orderHandler, "CONTROLLER", false);
        assertFalse(gmx.isUsable(r));
        roles.setRole(r.orderHandler, "CONTROLLER", true);
        bytes[3] memory questions = [
            abi.encodeWithSignature("dataStore()"),
            abi.encodeWithSignature("orderHandler()"),
            abi.encodeWithSignature("orderVault()")
        ];
        for (uint256 i = 0; i < 3; ++i) {
            address asked = i == 2 ? r.orderHandler : r.exchangeRouter;
            vm.mockCall(asked, questions[i], abi.encode(i == 2 ? address(0) : address(this)));
            assertFalse(gmx.isUsable(r));
            vm.clearMockedCalls();
        }
        assertTrue(gmx.isUsable(r));
    }

    function _refuse(GmxV2Releases.Release memory r) private {
        vm.startPrank(vault.governor());
        vm.expectRevert(
            abi.encodeWithSelector(GmxV2Releases.ReleaseSilent.selector, r.exchangeRouter, r.orderHandler, r.reader)
        );
        gmx.addRelease(r);
        vm.stopPrank();
    }

    function test_release_whoseRouterOrReaderIsNone_isRefused() external {
        GmxV2Releases.Release memory r = _release();
        roles.setRole(address(exchange), "CONTROLLER", false);
        _refuse(r);
        roles.setRole(address(exchange), "CONTROLLER", true);
        bytes memory asked = abi.encodeWithSelector(IGmxReader.getMarket.selector);
        vm.mockCallRevert(address(reader), asked, abi.encode(MARKET, 0, 0, 0));
        _refuse(r);
        vm.mockCall(address(reader), asked, abi.encode(MARKET, 0, 0, 0, 0));
        _refuse(r);
        vm.mockCall(address(reader), asked, abi.encode(address(this), 0, 0, 0));
        _refuse(r);
        vm.clearMockedCalls();
        vm.prank(vault.governor());
        gmx.addRelease(r);
    }

    function test_newestRelease_withoutItsRoles_isPassedOver() external {
        address before = gmx.usable(4).exchangeRouter;
        GmxV2Releases.Release memory r = _release();
        vm.prank(vault.governor());
        gmx.addRelease(r);
        roles.setRole(r.orderHandler, "CONTROLLER", false);
        assertEq(gmx.usable(4).exchangeRouter, before);
    }

    function test_newestReader_thatHasAnotherSizeOrReverts_isPassedOver() external {
        _trade(2e18);
        IPerpVenue.Account memory a = venue.account();
        GmxV2Releases.Release memory r = _release();
        vm.prank(vault.governor());
        gmx.addRelease(r);
        reader.setStale(true);
        assertEq(abi.encode(venue.account()), abi.encode(a));
        reader.setStale(false);
        bytes memory answer = new bytes(66 * 32);
        vm.mockCallRevert(address(reader), abi.encodeWithSelector(IGmxReader.getPositionInfo.selector), answer);
        assertEq(abi.encode(venue.account()), abi.encode(a));
        vm.mockCallRevert(
            address(reader), abi.encodeWithSelector(IGmxReader.getExecutionPrice.selector), new bytes(6 * 32)
        );
        (uint256 price,) = venue.quote(1e18);
        assertEq(price, PRICE + 1);
    }

    function test_releasesAndLimits_areTheGovernorsAlone() external {
        GmxV2Releases.Release memory r = _release();
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(this));
        vm.expectRevert(refusal);
        gmx.addRelease(r);
        vm.prank(vault.governor());
        gmx.addRelease(r);
        vm.expectRevert(refusal);
        gmx.dropRelease(0);
        GmxV2Releases.Limits memory limits = gmx.limits();
        vm.expectRevert(refusal);
        gmx.setLimits(limits);
    }
}
