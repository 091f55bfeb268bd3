// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {VaultAccess} from "../../../contracts/governance/VaultAccess.sol";
import {ISignedReports} from "../../../contracts/interfaces/ISignedReports.sol";
import {SignedReports} from "../../../contracts/book/SignedReports.sol";

/// @notice Two of three signers with keys, and reports to sign.
abstract contract SignedReportsFixture is Test {
    uint256 internal constant NOW = 1_722_470_400;
    uint256 internal constant PRICE = 2500e18;

    address internal governor = makeAddr("governor");
    address internal guardian = makeAddr("guardian");
    address internal stranger = makeAddr("stranger");
    VaultAccess internal access;
    SignedReports internal source;
    /// @dev Ascending by address.
    uint256[3] internal keys;
    address[3] internal accounts;

    function setUp() external {
        vm.warp(NOW);
        access = new VaultAccess(governor); // it has not handed over: what it sets waits for nothing
        vm.mockCall(address(access), abi.encodeCall(access.requireGuardian, (guardian)), "");
        keys = [uint256(0xa1), 0xa2, 0xa3];
        for (uint256 pass; pass < 2; ++pass) {
            for (uint256 i; i < 2; ++i) {
                if (vm.addr(keys[i]) > vm.addr(keys[i + 1])) (keys[i], keys[i + 1]) = (keys[i + 1], keys[i]);
            }
        }
        accounts = [vm.addr(keys[0]), vm.addr(keys[1]), vm.addr(keys[2])];
        source = _newSource();
    }

    function _newSource() internal returns (SignedReports) {
        address[] memory known = new address[](3);
        (known[0], known[1], known[2]) = (accounts[2], accounts[0], accounts[1]);
        return new SignedReports(access, known, 2, _limits());
    }

    function _limits() internal pure returns (ISignedReports.Limits memory) {
        return ISignedReports.Limits({
            maxAgeSeconds: 1 hours, minSpacingSeconds: 1 minutes, maxChange: 20e18, tolerance: 0.5e18, maxGamma: 0.01e18
        });
    }

    function _report(int256 low, int256 high) internal view returns (ISignedReports.Report memory) {
        return ISignedReports.Report({
            low: low,
            high: high,
            price: PRICE,
            issuedAt: block.timestamp,
            expiresAt: block.timestamp + 10 minutes,
            sequence: source.lastReport().sequence + 1
        });
    }

    /// @dev Signed by the first two.
    function _submit(ISignedReports.Report memory report) internal {
        (address[] memory by, bytes[] memory signatures) = _sign(report, 0, 1);
        source.submit(report, by, signatures);
    }

    function _expectRefused(ISignedReports.Report memory report, bytes memory refusal) internal {
        (address[] memory by, bytes[] memory signatures) = _sign(report, 0, 1);
        vm.expectRevert(refusal);
        source.submit(report, by, signatures);
    }

    function _sign(ISignedReports.Report memory report, uint256 first, uint256 second)
        internal
        view
        returns (address[] memory by, bytes[] memory signatures)
    {
        (by, signatures) = (new address[](2), new bytes[](2));
        (by[0], by[1]) = (accounts[first], accounts[second]);
        (signatures[0], signatures[1]) = (_signature(keys[first], report), _signature(keys[second], report));
    }

    function _signature(uint256 key, ISignedReports.Report memory report) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _digest(report, address(source), block.chainid));
        return abi.encodePacked(r, s, v);
    }

    /// @dev EIP-712 by its text, apart from the contract's own.
    function _digest(ISignedReports.Report memory report, address verifier, uint256 chainId)
        internal
        pure
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Evenkeel SignedReports"),
                keccak256("1"),
                chainId,
                verifier
            )
        );
        bytes32 content = keccak256(
            abi.encode(
                keccak256(
                    "Report(int256 low,int256 high,uint256 price,uint256 issuedAt,uint256 expiresAt,uint256 sequence)"
                ),
                report.low,
                report.high,
                report.price,
                report.issuedAt,
                report.expiresAt,
                report.sequence
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, content));
    }
}
