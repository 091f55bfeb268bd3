// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Erc4626Actions} from "./Erc4626Actions.sol";
import {Erc4626Base} from "./Erc4626Base.sol";
import {Erc4626RoundTrips} from "./Erc4626RoundTrips.sol";
import {Erc4626Views} from "./Erc4626Views.sol";

/// @notice Everything that `Erc4626Base` introduces, for collateral of 0, 6, 8, 18 and 24 decimals.
abstract contract Erc4626Suite is Erc4626Views, Erc4626Actions, Erc4626RoundTrips {
    constructor(uint8 decimals_) Erc4626Base(decimals_) {}
}

/// forge-config: default.fuzz.runs = 64
contract Erc4626Decimals0Test is Erc4626Suite(0) {}

/// forge-config: default.fuzz.runs = 64
contract Erc4626Decimals6Test is Erc4626Suite(6) {}

/// forge-config: default.fuzz.runs = 64
contract Erc4626Decimals8Test is Erc4626Suite(8) {}

/// forge-config: default.fuzz.runs = 64
contract Erc4626Decimals18Test is Erc4626Suite(18) {}

/// forge-config: default.fuzz.runs = 64
contract Erc4626Decimals24Test is Erc4626Suite(24) {}

