// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {HYPER_CORE, HyperCoreDouble} from "./HyperCoreDouble.sol";

/// @notice Code of every read precompile: which one it is, its address says.
contract HyperPrecompileDouble {
    fallback(bytes calldata question) external returns (bytes memory) {
        try HyperCoreDouble(HYPER_CORE).read(address(this), question) returns (bytes memory answer) {
            return answer;
        } catch {
            assembly {
                invalid() // all the gas given
            }
        }
    }
}

/// @notice Double of CoreWriter.
contract CoreWriterDouble {
    event RawAction(address indexed user, bytes data);

    function sendRawAction(bytes calldata data) external {
        emit RawAction(msg.sender, data);
        HyperCoreDouble(HYPER_CORE).enqueue(msg.sender, data);
    }
}

/// @notice Double of Circle's CoreDepositWallet.
contract CoreDepositWalletDouble {
    IERC20 public immutable token;
    bool public isPaused;

    constructor(IERC20 token_) {
        token = token_;
    }

    function setPaused(bool isPaused_) external {
        isPaused = isPaused_;
    }

    function deposit(uint256 amount, uint32 destinationDex) external {
        require(!isPaused && amount > 0);
        require(token.transferFrom(msg.sender, address(this), amount));
        HyperCoreDouble(HYPER_CORE).enqueueDeposit(msg.sender, amount, destinationDex == 0);
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        require(msg.sender == HYPER_CORE && !isPaused);
        return token.transfer(to, amount);
    }
}
