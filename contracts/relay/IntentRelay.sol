// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IHedgeVault} from "../interfaces/IHedgeVault.sol";
import {IPriceUpdater} from "../interfaces/IPriceUpdater.sol";
import {Intent, Leg} from "../types/Rebalance.sol";

/// @title Relay of signed rebalances
/// @notice Purpose. A keeper signs what it decided (EIP-712), and anyone brings it on chain: the signer needs no ether, and
///         its transactions cannot be held back by holding back one sender. Prices of a pull oracle may come with it, before
///         it, in the same transaction.
///
///         Trust. None in the relayer. What is signed is the vault, the keeper, the intent and every leg; the vault asks
///         again whether the signer is a keeper, and charges its budget. This contract holds the relay role, so it calls two
///         addresses fixed at deployment and no other, each by one function.
///
///         Replays. The vault accepts no intent decided before the keeper's last one was accepted; the domain binds a signature
///         to this chain and this relay. It dies with the intent's deadline, and with the block that it names: 256 blocks later,
///         or by a reorganisation.
///
///         Obligations. The governor gives this contract `RELAY_ROLE` and no other, and takes it away where the relay is
///         replaced.
///
///         Liveness. A keeper can always call the vault itself.
///
///         Known limits. Until the deadline the relayer chooses the moment, the order and, among all that the oracle accepts,
///         the price update. A signature is called back by any later rebalance of the keeper, and not otherwise; so deadlines are
///         short.
contract IntentRelay is EIP712, ReentrancyGuardTransient {
    // solhint-disable gas-small-strings
    bytes32 private constant LEG_TYPEHASH =
        keccak256("Leg(address venue,int256 marginDelta,int256 sizeDelta,uint256 limitPrice)");

    bytes32 private constant INTENT_TYPEHASH =
        keccak256("Intent(bytes32 id,uint256 blockNumber,bytes32 blockHash,uint256 deadline)");

    bytes32 private constant REBALANCE_TYPEHASH = keccak256(
        "Rebalance(address vault,address keeper,Intent intent,Leg[] legs)"
        "Intent(bytes32 id,uint256 blockNumber,bytes32 blockHash,uint256 deadline)"
        "Leg(address venue,int256 marginDelta,int256 sizeDelta,uint256 limitPrice)"
    );
    // solhint-enable gas-small-strings

    /// @notice Vault whose rebalances are relayed.
    IHedgeVault public immutable vault;

    /// @notice Pull oracle that can be updated on the way; 0 where the vault's oracle is none.
    IPriceUpdater public immutable priceUpdater;

    event Relayed(bytes32 indexed intentId, address indexed keeper, address indexed relayer, uint256 priceFee);

    error NotAContract(address account);
    error InvalidSignature(address keeper, bytes32 digest);
    error NoPriceUpdater();
    error EtherNotExpected(address sender, uint256 wei_);
    error RefundFailed(address relayer, uint256 refund);

    constructor(IHedgeVault vault_, IPriceUpdater priceUpdater_) EIP712("Evenkeel IntentRelay", "1") {
        if (address(vault_).code.length == 0) revert NotAContract(address(vault_));
        bool isAccount = address(priceUpdater_) != address(0) && address(priceUpdater_).code.length == 0;
        if (isAccount) revert NotAContract(address(priceUpdater_));
        vault = vault_;
        priceUpdater = priceUpdater_;
    }

    /// @notice Takes what the price updater returns, and nothing else.
    receive() external payable {
        if (msg.sender != address(priceUpdater)) revert EtherNotExpected(msg.sender, msg.value);
    }

    /// @notice Rebalances as the keeper signed. Anyone.
    /// @dev Reverts with whatever the vault reverts with; then nothing has happened and the signature is still good.
    /// @param keeper Signer: an account, or a contract that answers ERC-1271.
    /// @param signature Over `digestOf(keeper, intent, legs)`.
    /// @param priceUpdate Data for `priceUpdater`; empty for none. Its fee is paid from the ether sent, the rest returned.
    /// @return worstNetDeltaBefore W before, WAD underlying.
    /// @return worstNetDeltaAfter W after.
    function relay(
        address keeper,
        Intent calldata intent,
        Leg[] calldata legs,
        bytes calldata signature,
        bytes[] calldata priceUpdate
    ) external payable nonReentrant returns (uint256 worstNetDeltaBefore, uint256 worstNetDeltaAfter) {
        uint256 balanceBefore = address(this).balance - msg.value;
        bytes32 digest = digestOf(keeper, intent, legs);
        if (!SignatureChecker.isValidSignatureNowCalldata(keeper, digest, signature)) {
            revert InvalidSignature(keeper, digest);
        }
        if (priceUpdate.length != 0) {
            if (address(priceUpdater) == address(0)) revert NoPriceUpdater();
            priceUpdater.update{value: msg.value}(priceUpdate);
        }
        (worstNetDeltaBefore, worstNetDeltaAfter) = vault.rebalanceFor(keeper, intent, legs);
        uint256 refund = address(this).balance - balanceBefore;
        emit Relayed(intent.id, keeper, msg.sender, msg.value - refund);
        if (refund == 0) return (worstNetDeltaBefore, worstNetDeltaAfter);
        (bool isPaid,) = msg.sender.call{value: refund}("");
        if (!isPaid) revert RefundFailed(msg.sender, refund);
    }

    /// @notice What a keeper signs: the EIP-712 digest of `Rebalance(vault, keeper, intent, legs)`.
    function digestOf(address keeper, Intent calldata intent, Leg[] calldata legs) public view returns (bytes32) {
        bytes32[] memory legHashes = new bytes32[](legs.length);
        for (uint256 i = 0; i < legs.length; ++i) {
            legHashes[i] = keccak256(abi.encode(LEG_TYPEHASH, legs[i]));
        }
        bytes32 intentHash = keccak256(abi.encode(INTENT_TYPEHASH, intent));
        bytes32 legsHash = keccak256(abi.encodePacked(legHashes));
        return _hashTypedDataV4(keccak256(abi.encode(REBALANCE_TYPEHASH, address(vault), keeper, intentHash, legsHash)));
    }
}
