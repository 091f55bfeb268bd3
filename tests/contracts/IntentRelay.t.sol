// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MockPyth} from "@pythnetwork/pyth-sdk-solidity/MockPyth.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {IPriceUpdater} from "../../contracts/interfaces/IPriceUpdater.sol";
import {IRebalanceGuard} from "../../contracts/interfaces/IRebalanceGuard.sol";
import {IVaultAccess} from "../../contracts/interfaces/IVaultAccess.sol";
import {PythSource} from "../../contracts/oracles/PythSource.sol";
import {IntentRelay} from "../../contracts/relay/IntentRelay.sol";
import {Intent, Leg} from "../../contracts/types/Rebalance.sol";
import {PaidAccount, PriceUpdaterDouble, SignerWallet} from "./support/RelayDoubles.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-521 .. HEDGE-526: rebalances that a keeper signs and anyone brings.
contract IntentRelayTest is VaultFixture {
    IntentRelay private intentRelay;
    PriceUpdaterDouble private updater;
    uint256 private signerKey;
    address private signer;

    function setUp() public override {
        super.setUp();
        (signer, signerKey) = makeAddrAndKey("signer");
        updater = new PriceUpdaterDouble(aggregator);
        intentRelay = new IntentRelay(vault, updater);
        _grant(access.RELAY_ROLE(), address(intentRelay));
        _grant(access.KEEPER_ROLE(), signer);
        _deposit(depositor, _units(200_000));
        vm.deal(attacker, 1 ether);
    }

    function _grant(uint64 role, address account) private {
        _govern(address(access), abi.encodeCall(access.grantRole, (role, account, 0)));
    }

    function _hedgeLegs() private view returns (Leg[] memory) {
        return _leg(int256(_units(50_000)), 50e18);
    }

    function _sign(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _signed(Intent memory intent, Leg[] memory legs) private view returns (bytes memory) {
        return _sign(signerKey, intentRelay.digestOf(signer, intent, legs));
    }

    function _relay(Intent memory intent, Leg[] memory legs, bytes memory signature) private {
        vm.prank(attacker); // anyone
        intentRelay.relay(signer, intent, legs, signature, new bytes[](0));
    }

    function _expectInvalid(Intent memory intent, Leg[] memory legs) private {
        bytes32 digest = intentRelay.digestOf(signer, intent, legs);
        vm.expectRevert(abi.encodeWithSelector(IntentRelay.InvalidSignature.selector, signer, digest));
    }

    // HEDGE-521
    function test_digestOf_isTheEip712DigestOfTheTypesAsWritten() external view {
        Intent memory intent = _intent("id");
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(address(venue), -1, 2, 3);
        legs[1] = Leg(attacker, 4, -5, 6);
        string memory legType = "Leg(address venue,int256 marginDelta,int256 sizeDelta,uint256 limitPrice)";
        string memory intentType = "Intent(bytes32 id,uint256 blockNumber,bytes32 blockHash,uint256 deadline)";
        string memory typeName =
            string.concat("Rebalance(address vault,address keeper,Intent intent,Leg[] legs)", intentType, legType);
        bytes32 legHash = keccak256(bytes(legType));
        bytes32 legsHash = keccak256(
            abi.encodePacked(
                keccak256(abi.encode(legHash, address(venue), int256(-1), int256(2), uint256(3))),
                keccak256(abi.encode(legHash, attacker, int256(4), int256(-5), uint256(6)))
            )
        );
        bytes32 intentHash = keccak256(
            abi.encode(keccak256(bytes(intentType)), intent.id, intent.blockNumber, intent.blockHash, intent.deadline)
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Evenkeel IntentRelay"),
                keccak256("1"),
                block.chainid,
                address(intentRelay)
            )
        );
        bytes32 structHash =
            keccak256(abi.encode(keccak256(bytes(typeName)), address(vault), signer, intentHash, legsHash));
        assertEq(
            intentRelay.digestOf(signer, intent, legs), keccak256(abi.encodePacked("\x19\x01", domain, structHash))
        );
    }

    // HEDGE-521
    function test_relay_rebalancesAndChargesTheSigner() external {
        Intent memory intent = _intent("id");
        Leg[] memory legs = _hedgeLegs();
        bytes memory signature = _signed(intent, legs);
        vm.expectEmit(address(intentRelay));
        emit IntentRelay.Relayed("id", signer, attacker, 0);
        vm.prank(attacker);
        (uint256 worstBefore, uint256 worstAfter) = intentRelay.relay(signer, intent, legs, signature, new bytes[](0));
        assertEq(worstBefore, 52e18);
        assertEq(worstAfter, 2e18);
        assertEq(venue.size(), 50e18);
        assertEq(guard.keeperBudget(signer).turnoverUsed, 100_000e18);
        assertEq(guard.keeperBudget(address(intentRelay)).turnoverUsed, 0);
    }

    // HEDGE-521
    function test_relay_contractKeeperSignsByErc1271() external {
        SignerWallet wallet = new SignerWallet(signer);
        _grant(access.KEEPER_ROLE(), address(wallet));
        Intent memory intent = _intent("id");
        Leg[] memory legs = _hedgeLegs();
        bytes32 digest = intentRelay.digestOf(address(wallet), intent, legs);
        bytes memory signature = _sign(signerKey, digest);
        bytes memory wrong = _sign(signerKey + 1, digest);
        vm.expectRevert(abi.encodeWithSelector(IntentRelay.InvalidSignature.selector, wallet, digest));
        intentRelay.relay(address(wallet), intent, legs, wrong, new bytes[](0));
        intentRelay.relay(address(wallet), intent, legs, signature, new bytes[](0));
        assertEq(guard.keeperBudget(address(wallet)).turnoverUsed, 100_000e18);
    }

    // HEDGE-522
    function test_relay_revertsIfAnythingSignedIsChanged() external {
        Intent memory intent = _intent("id");
        bytes memory signature = _signed(intent, _hedgeLegs());
        Leg[] memory legs;
        for (uint256 i = 0; i < 6; ++i) {
            legs = i == 4 ? new Leg[](2) : new Leg[](1);
            legs[0] = _hedgeLegs()[0];
            if (i == 0) legs[0].venue = attacker;
            if (i == 1) legs[0].marginDelta += 1;
            if (i == 2) legs[0].sizeDelta += 1;
            if (i == 3) legs[0].limitPrice = PRICE;
            if (i == 5) legs = new Leg[](0);
            _expectInvalid(intent, legs);
            _relay(intent, legs, signature);
        }
        for (uint256 i = 0; i < 4; ++i) {
            Intent memory changed = _intent(i == 0 ? bytes32("other") : bytes32("id"));
            if (i == 1) changed.blockNumber -= 1;
            if (i == 2) changed.blockHash = "hash";
            if (i == 3) changed.deadline += 1;
            _expectInvalid(changed, _hedgeLegs());
            _relay(changed, _hedgeLegs(), signature);
        }
        assertEq(venue.size(), 0);
    }

    // HEDGE-522
    function test_relay_revertsForAnotherKeepersNameAndMalleableSignatures() external {
        Intent memory intent = _intent("id");
        Leg[] memory legs = _hedgeLegs();
        bytes memory signature = _signed(intent, legs);
        bytes32 digest = intentRelay.digestOf(keeper, intent, legs);
        vm.expectRevert(abi.encodeWithSelector(IntentRelay.InvalidSignature.selector, keeper, digest));
        intentRelay.relay(keeper, intent, legs, signature, new bytes[](0));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(signerKey, intentRelay.digestOf(signer, intent, legs));
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        _expectInvalid(intent, legs);
        _relay(intent, legs, abi.encodePacked(r, order - uint256(s), v == 27 ? uint8(28) : uint8(27)));
        _expectInvalid(intent, legs);
        _relay(intent, legs, "");
    }

    // HEDGE-522
    function test_relay_revertsForASignatureOfAnotherRelayVaultOrChain() external {
        Intent memory intent = _intent("id");
        Leg[] memory legs = _hedgeLegs();
        bytes memory ofRelay = _sign(signerKey, new IntentRelay(vault, updater).digestOf(signer, intent, legs));
        _expectInvalid(intent, legs);
        _relay(intent, legs, ofRelay);
        bytes memory signature = _signed(intent, legs);
        vm.chainId(10);
        _expectInvalid(intent, legs);
        _relay(intent, legs, signature);
    }

    // HEDGE-523
    function test_relay_signatureIsGoodOnce() external {
        Intent memory intent = _intent("id");
        Leg[] memory legs = _hedgeLegs();
        bytes memory signature = _signed(intent, legs);
        _relay(intent, legs, signature);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRebalanceGuard.IntentOutdated.selector, bytes32("id"), intent.blockNumber, vm.getBlockNumber()
            )
        );
        _relay(intent, legs, signature);
    }

    // HEDGE-523
    function test_relay_signatureDiesWithItsDeadlineAndItsBlock() external {
        Intent memory intent = _intent("id");
        Leg[] memory legs = _hedgeLegs();
        bytes memory signature = _signed(intent, legs);
        vm.roll(intent.blockNumber + 257);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRebalanceGuard.BlockHashMismatch.selector, intent.blockNumber, intent.blockHash, bytes32(0)
            )
        );
        _relay(intent, legs, signature);
        vm.roll(START_BLOCK);
        vm.warp(START + 1);
        vm.expectRevert(abi.encodeWithSelector(IRebalanceGuard.DeadlinePassed.selector, START + 1, START));
        _relay(intent, legs, signature);
    }

    // HEDGE-523
    function test_relay_dismissedKeepersSignatureIsWorthNothing() external {
        Intent memory intent = _intent("id");
        Leg[] memory legs = _hedgeLegs();
        bytes memory signature = _signed(intent, legs);
        vm.prank(guardian);
        access.dismissKeeper(signer);
        vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotKeeper.selector, signer));
        _relay(intent, legs, signature);
    }

    // HEDGE-524
    function test_relay_bringsThePriceFirstAndReturnsTheRest() external {
        vm.warp(START + 2 hours); // the stored price is stale
        Intent memory intent = _intent("id");
        Leg[] memory legs = _hedgeLegs();
        bytes memory signature = _signed(intent, legs);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.TradeNotAllowed.selector, 0));
        _relay(intent, legs, signature);
        bytes[] memory priceUpdate = new bytes[](1);
        priceUpdate[0] = abi.encode(int256(2000e8));
        vm.expectEmit(address(intentRelay));
        emit IntentRelay.Relayed("id", signer, attacker, updater.FEE());
        vm.prank(attacker);
        intentRelay.relay{value: 1 ether}(signer, intent, legs, signature, priceUpdate);
        assertEq(attacker.balance, 1 ether - updater.FEE());
        assertEq(address(intentRelay).balance, 0);
        assertEq(venue.size(), 50e18);
    }

    // HEDGE-524
    function test_relay_bringsAPriceOfPythAndReturnsTheRest() external {
        MockPyth pyth = new MockPyth(60, 7);
        bytes[] memory priceUpdate = new bytes[](1);
        priceUpdate[0] = pyth.createPriceFeedUpdateData("ETH/USD", 1900e8, 1e8, -8, 0, 0, uint64(START - 1), 0);
        pyth.updatePriceFeeds{value: 7}(priceUpdate);
        PythSource pythSource = new PythSource(address(pyth), "ETH/USD");
        intentRelay = new IntentRelay(vault, pythSource);
        _grant(access.RELAY_ROLE(), address(intentRelay));
        Intent memory intent = _intent("id");
        bytes memory signature = _signed(intent, _hedgeLegs());
        priceUpdate[0] = pyth.createPriceFeedUpdateData("ETH/USD", 2000e8, 1e8, -8, 0, 0, uint64(START), 0);
        vm.prank(attacker);
        intentRelay.relay{value: 1 ether}(signer, intent, _hedgeLegs(), signature, priceUpdate);
        (uint256 price,,) = pythSource.latestPrice();
        assertEq(price, PRICE);
        assertEq(attacker.balance, 1 ether - 7);
        assertEq(venue.size(), 50e18);
    }

    // HEDGE-524
    function test_relay_returnsAllWithoutAnUpdate() external {
        Intent memory intent = _intent("id");
        bytes memory signature = _signed(intent, _hedgeLegs());
        vm.deal(address(intentRelay), 5); // forced in: nobody's
        vm.prank(attacker);
        intentRelay.relay{value: 1 ether}(signer, intent, _hedgeLegs(), signature, new bytes[](0));
        assertEq(attacker.balance, 1 ether);
        assertEq(address(intentRelay).balance, 5);
    }

    // HEDGE-524
    function test_relay_revertsIfTheRestCannotBeReturnedOrNoUpdaterIsThere() external {
        Intent memory intent = _intent("id");
        bytes memory signature = _signed(intent, _hedgeLegs());
        PaidAccount account = new PaidAccount();
        account.script(address(0), "", true);
        bytes memory data = abi.encodeCall(intentRelay.relay, (signer, intent, _hedgeLegs(), signature, new bytes[](0)));
        vm.expectRevert(abi.encodeWithSelector(IntentRelay.RefundFailed.selector, account, 7));
        account.call{value: 7}(address(intentRelay), data);
        IntentRelay bare = new IntentRelay(vault, IPriceUpdater(address(0)));
        signature = _sign(signerKey, bare.digestOf(signer, intent, _hedgeLegs()));
        vm.expectRevert(IntentRelay.NoPriceUpdater.selector);
        bare.relay(signer, intent, _hedgeLegs(), signature, new bytes[](1));
    }

    // HEDGE-524
    function test_relay_relayerThatTakesNoEtherRelaysWithoutAny() external {
        Intent memory intent = _intent("id");
        bytes memory signature = _signed(intent, _hedgeLegs());
        PaidAccount account = new PaidAccount();
        account.script(address(0), "", true);
        bytes memory data = abi.encodeCall(intentRelay.relay, (signer, intent, _hedgeLegs(), signature, new bytes[](0)));
        account.call(address(intentRelay), data);
        assertEq(venue.size(), 50e18);
    }

    // HEDGE-521
    function test_relay_withARefundAnswersWToo() external {
        Intent memory intent = _intent("id");
        bytes memory signature = _signed(intent, _hedgeLegs());
        vm.prank(attacker);
        (uint256 worstBefore, uint256 worstAfter) =
            intentRelay.relay{value: 1 ether}(signer, intent, _hedgeLegs(), signature, new bytes[](0));
        assertEq(worstBefore, 52e18);
        assertEq(worstAfter, 2e18);
    }

    // HEDGE-524
    function test_receive_revertsIfNotFromTheUpdater() external {
        vm.prank(attacker);
        (bool isPaid, bytes memory answer) = address(intentRelay).call{value: 1}("");
        assertFalse(isPaid);
        assertEq(answer, abi.encodeWithSelector(IntentRelay.EtherNotExpected.selector, attacker, 1));
    }

    // HEDGE-525
    function test_relay_revertsWithoutTheRole() external {
        vm.prank(guardian);
        access.dismissRelay(address(intentRelay));
        Intent memory intent = _intent("id");
        bytes memory signature = _signed(intent, _hedgeLegs());
        vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotRelay.selector, intentRelay));
        _relay(intent, _hedgeLegs(), signature);
    }

    // HEDGE-525
    function test_constructor_revertsForAccountsWithoutCode() external {
        vm.expectRevert(abi.encodeWithSelector(IntentRelay.NotAContract.selector, attacker));
        new IntentRelay(IHedgeVault(attacker), updater);
        vm.expectRevert(abi.encodeWithSelector(IntentRelay.NotAContract.selector, attacker));
        new IntentRelay(vault, IPriceUpdater(attacker));
    }

    // HEDGE-526
    function test_relay_isNotEnteredTwice() external {
        PaidAccount account = new PaidAccount();
        Intent memory intent = _intent("id");
        bytes memory signature = _signed(intent, _hedgeLegs());
        bytes memory data = abi.encodeCall(intentRelay.relay, (signer, intent, _hedgeLegs(), signature, new bytes[](0)));
        account.script(address(intentRelay), data, false);
        account.call{value: 1}(address(intentRelay), data);
        assertEq(venue.size(), 50e18);
        assertFalse(account.lastCallSucceeded());
        assertEq(
            account.lastAnswer(), abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
        );
    }
}
