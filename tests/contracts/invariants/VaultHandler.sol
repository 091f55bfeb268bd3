// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SystemChecks} from "./SystemChecks.sol";

/// @notice Every action of every actor, by number or by name; each takes two random numbers.
/// @dev An action answers whether it was accepted. The last ones are what must be refused, and answer whether it was.
contract VaultHandler is SystemChecks {
    uint256 public constant ACTIONS = 48;
    uint256 public constant FIRST_REFUSAL = 44;

    bytes4[] private _selectors;
    uint8[] private _draws; // each action as often as its weight

    constructor() {
        _build();
        _startMirror();
        _come(members[0], members[0], 500_000e6, false);
        _come(members[1], members[1], 100_000e6, false);
        uint8[48] memory weights = [
            uint8(12),
            3,
            3,
            6,
            5,
            6,
            4,
            4,
            2,
            5,
            5,
            1,
            3,
            24,
            8,
            4,
            12,
            7,
            6,
            10,
            10,
            10,
            8,
            10,
            2,
            5,
            2,
            6,
            3,
            1,
            1,
            1,
            5,
            5,
            1,
            1,
            2,
            1,
            1,
            1,
            1,
            1,
            6,
            24,
            2,
            1,
            2,
            2
        ];
        for (uint8 i = 0; i < ACTIONS; ++i) {
            for (uint256 j = 0; j < weights[i]; ++j) {
                _draws.push(i);
            }
        }
        _listSelectors();
    }

    /// @notice Draws an action, does it and judges; every sixteenth time all that holds between calls.
    function act(uint256 random) external {
        (bool isDone, bytes memory reason) = address(this)
            .call(
                abi.encodeWithSelector(
                    _selectors[_draws[random % _draws.length]],
                    uint256(keccak256(abi.encode(random, 1))),
                    uint256(keccak256(abi.encode(random, 2)))
                )
            );
        if (!isDone) _rethrow(reason);
        if ((random >> 128) % 16 == 0) _checkAll();
    }

    function actionOf(uint256 random) external view returns (uint256) {
        return _draws[random % _draws.length];
    }

    function check() external {
        _checkAll();
    }

    function _rethrow(bytes memory reason) private pure {
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }

    function deposit(uint256 a, uint256 b) external {
        _done(0, _deposit(a, b));
    }

    function depositFor(uint256 a, uint256 b) external {
        _done(1, _depositFor(a, b));
    }

    function depositMost(uint256 a, uint256 b) external {
        _done(2, _depositMost(a, b));
    }

    function redeem(uint256 a, uint256 b) external {
        _done(3, _redeem(a, b));
    }

    function withdraw(uint256 a, uint256 b) external {
        _done(4, _withdraw(a, b));
    }

    function unwind(uint256 a, uint256 b) external {
        _done(5, _unwind(a, b));
    }

    function request(uint256 a, uint256 b) external {
        _done(6, _request(a, b));
    }

    function settleQueue(uint256 a, uint256 b) external {
        _done(7, _settleQueue(a, b));
    }

    function bringHome(uint256 a, uint256 b) external {
        _done(8, _bringHome(a, b));
    }

    function roundTripAtOnce(uint256 a, uint256 b) external {
        _done(9, _roundTripAtOnce(a, b));
    }

    function roundTripAcross(uint256 a, uint256 b) external {
        _done(10, _roundTripAcross(a, b));
    }

    function donate(uint256 a, uint256 b) external {
        _done(11, _donate(a, b));
    }

    function transfer(uint256 a, uint256 b) external {
        _done(12, _transfer(a, b));
    }

    function hedge(uint256 a, uint256 b) external {
        _done(13, _hedge(a, b));
    }

    function moveMargin(uint256 a, uint256 b) external {
        _done(14, _moveMargin(a, b));
    }

    function deleverage(uint256 a, uint256 b) external {
        _done(15, _deleverage(a, b));
    }

    function churn(uint256 a, uint256 b) external {
        _done(16, _churn(a, b));
    }

    function wash(uint256 a, uint256 b) external {
        _done(17, _wash(a, b));
    }

    function takeMargin(uint256 a, uint256 b) external {
        _done(18, _takeMargin(a, b));
    }

    function tryAnything(uint256 a, uint256 b) external {
        _done(19, _tryAnything(a, b));
    }

    function pass(uint256 a, uint256 b) external {
        _done(20, _pass(a, b));
    }

    function movePrice(uint256 a, uint256 b) external {
        _done(21, _movePrice(a, b));
    }

    function drift(uint256 a, uint256 b) external {
        _done(22, _drift(a, b));
    }

    function moveBook(uint256 a, uint256 b) external {
        _done(23, _moveBook(a, b));
    }

    function breakFeed(uint256 a, uint256 b) external {
        _done(24, _breakFeed(a, b));
    }

    function healFeed(uint256 a, uint256 b) external {
        _done(25, _healFeed(a, b));
    }

    function halt(uint256 a, uint256 b) external {
        _done(26, _halt(a, b));
    }

    function healVenues(uint256 a, uint256 b) external {
        _done(27, _healVenues(a, b));
    }

    function pend(uint256 a, uint256 b) external {
        _done(28, _pend(a, b));
    }

    function liquidate(uint256 a, uint256 b) external {
        _done(29, _liquidate(a, b));
    }

    function indebt(uint256 a, uint256 b) external {
        _done(30, _indebt(a, b));
    }

    function lie(uint256 a, uint256 b) external {
        _done(31, _lie(a, b));
    }

    function propose(uint256 a, uint256 b) external {
        _done(32, _propose(a, b));
    }

    function enact(uint256 a, uint256 b) external {
        _done(33, _enact(a, b));
    }

    function veto(uint256 a, uint256 b) external {
        _done(34, _veto(a, b));
    }

    function recover(uint256 a, uint256 b) external {
        _done(35, _recover(a, b));
    }

    function tighten(uint256 a, uint256 b) external {
        _done(36, _tighten(a, b));
    }

    function stop(uint256 a, uint256 b) external {
        _done(37, _stop(a, b));
    }

    function closeVenue(uint256 a, uint256 b) external {
        _done(38, _closeVenue(a, b));
    }

    function lowerCap(uint256 a, uint256 b) external {
        _done(39, _lowerCap(a, b));
    }

    function expel(uint256 a, uint256 b) external {
        _done(40, _expel(a, b));
    }

    function dismiss(uint256 a, uint256 b) external {
        _done(41, _dismiss(a, b));
    }

    function restore(uint256 a, uint256 b) external {
        _done(42, _restore(a, b));
    }

    function workOrders(uint256 a, uint256 b) external {
        _done(43, _workOrders(a, b));
    }

    function tradeBlind(uint256 a, uint256 b) external {
        _done(44, _tradeBlind(a, b));
    }

    function sendStaleIntent(uint256 a, uint256 b) external {
        _done(45, _sendStaleIntent(a, b));
    }

    function trespass(uint256 a, uint256 b) external {
        _done(46, _trespass(a, b));
    }

    function reenter(uint256 a, uint256 b) external {
        _done(47, _reenter(a, b));
    }

    function _listSelectors() private {
        _selectors.push(this.deposit.selector);
        _selectors.push(this.depositFor.selector);
        _selectors.push(this.depositMost.selector);
        _selectors.push(this.redeem.selector);
        _selectors.push(this.withdraw.selector);
        _selectors.push(this.unwind.selector);
        _selectors.push(this.request.selector);
        _selectors.push(this.settleQueue.selector);
        _selectors.push(this.bringHome.selector);
        _selectors.push(this.roundTripAtOnce.selector);
        _selectors.push(this.roundTripAcross.selector);
        _selectors.push(this.donate.selector);
        _selectors.push(this.transfer.selector);
        _selectors.push(this.hedge.selector);
        _selectors.push(this.moveMargin.selector);
        _selectors.push(this.deleverage.selector);
        _selectors.push(this.churn.selector);
        _selectors.push(this.wash.selector);
        _selectors.push(this.takeMargin.selector);
        _selectors.push(this.tryAnything.selector);
        _selectors.push(this.pass.selector);
        _selectors.push(this.movePrice.selector);
        _selectors.push(this.drift.selector);
        _selectors.push(this.moveBook.selector);
        _selectors.push(this.breakFeed.selector);
        _selectors.push(this.healFeed.selector);
        _selectors.push(this.halt.selector);
        _selectors.push(this.healVenues.selector);
        _selectors.push(this.pend.selector);
        _selectors.push(this.liquidate.selector);
        _selectors.push(this.indebt.selector);
        _selectors.push(this.lie.selector);
        _selectors.push(this.propose.selector);
        _selectors.push(this.enact.selector);
        _selectors.push(this.veto.selector);
        _selectors.push(this.recover.selector);
        _selectors.push(this.tighten.selector);
        _selectors.push(this.stop.selector);
        _selectors.push(this.closeVenue.selector);
        _selectors.push(this.lowerCap.selector);
        _selectors.push(this.expel.selector);
        _selectors.push(this.dismiss.selector);
        _selectors.push(this.restore.selector);
        _selectors.push(this.workOrders.selector);
        _selectors.push(this.tradeBlind.selector);
        _selectors.push(this.sendStaleIntent.selector);
        _selectors.push(this.trespass.selector);
        _selectors.push(this.reenter.selector);
    }

    /// @notice Names of the actions, by number.
    function actionNames() external pure returns (string[] memory names) {
        names = new string[](ACTIONS);
        names[0] = "deposit";
        names[1] = "depositFor";
        names[2] = "depositMost";
        names[3] = "redeem";
        names[4] = "withdraw";
        names[5] = "unwind";
        names[6] = "request";
        names[7] = "settleQueue";
        names[8] = "bringHome";
        names[9] = "roundTripAtOnce";
        names[10] = "roundTripAcross";
        names[11] = "donate";
        names[12] = "transfer";
        names[13] = "hedge";
        names[14] = "moveMargin";
        names[15] = "deleverage";
        names[16] = "churn";
        names[17] = "wash";
        names[18] = "takeMargin";
        names[19] = "tryAnything";
        names[20] = "pass";
        names[21] = "movePrice";
        names[22] = "drift";
        names[23] = "moveBook";
        names[24] = "breakFeed";
        names[25] = "healFeed";
        names[26] = "halt";
        names[27] = "healVenues";
        names[28] = "pend";
        names[29] = "liquidate";
        names[30] = "indebt";
        names[31] = "lie";
        names[32] = "propose";
        names[33] = "enact";
        names[34] = "veto";
        names[35] = "recover";
        names[36] = "tighten";
        names[37] = "stop";
        names[38] = "closeVenue";
        names[39] = "lowerCap";
        names[40] = "expel";
        names[41] = "dismiss";
        names[42] = "restore";
        names[43] = "workOrders";
        names[44] = "tradeBlind";
        names[45] = "sendStaleIntent";
        names[46] = "trespass";
        names[47] = "reenter";
    }
}
