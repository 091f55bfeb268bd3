// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {RedemptionQueue} from "../../contracts/vault/RedemptionQueue.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-051: allowances by signature (EIP-2612).
contract SharePermitTest is VaultFixture {
    address private owner;
    uint256 private key;

    function setUp() public override {
        super.setUp();
        (owner, key) = makeAddrAndKey("owner");
        _deposit(owner, _units(1000));
    }

    function _sign(uint256 signerKey, address spender, uint256 shares, uint256 nonce, uint256 deadline)
        private
        view
        returns (uint8 v, bytes32 r, bytes32 s)
    {
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(vault.name())),
                keccak256("1"),
                block.chainid,
                address(vault)
            )
        );
        assertEq(domain, vault.DOMAIN_SEPARATOR());
        bytes32 structHash = keccak256(abi.encode(typeHash, owner, spender, shares, nonce, deadline));
        return vm.sign(signerKey, keccak256(abi.encodePacked("\x19\x01", domain, structHash)));
    }

    // HEDGE-051
    function test_permit_givesTheAllowanceOnce() external {
        RedemptionQueue queue = new RedemptionQueue(vault, 500);
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(queue))));
        uint256 shares = vault.balanceOf(owner);
        (uint8 v, bytes32 r, bytes32 s) = _sign(key, address(queue), shares, 0, START);
        vault.permit(owner, address(queue), shares, START, v, r, s);
        assertEq(vault.nonces(owner), 1);
        vm.prank(owner);
        queue.request(shares);
        assertEq(vault.balanceOf(address(queue)), shares);
        vm.expectPartialRevert(ERC20Permit.ERC2612InvalidSigner.selector);
        vault.permit(owner, address(queue), shares, START, v, r, s);
    }

    // HEDGE-051
    function test_permit_revertsIfLateOrNotSignedByTheOwner() external {
        (uint8 v, bytes32 r, bytes32 s) = _sign(key, attacker, 1, 0, START - 1);
        vm.expectRevert(abi.encodeWithSelector(ERC20Permit.ERC2612ExpiredSignature.selector, START - 1));
        vault.permit(owner, attacker, 1, START - 1, v, r, s);
        (v, r, s) = _sign(key + 1, attacker, 1, 0, START);
        vm.expectPartialRevert(ERC20Permit.ERC2612InvalidSigner.selector);
        vault.permit(owner, attacker, 1, START, v, r, s);
        assertEq(vault.allowance(owner, attacker), 0);
    }
}
