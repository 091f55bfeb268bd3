// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Governed} from "../governance/Governed.sol";
import {IDeltaSource} from "../interfaces/IDeltaSource.sol";
import {ISignedReports} from "../interfaces/ISignedReports.sol";
import {IVaultAccess} from "../interfaces/IVaultAccess.sol";

/// @title Delta source: reports signed by a quorum
/// @notice Purpose. The delta of positions that no contract can see (an exchange account, an OTC book), as `threshold` of
///         the governed signers state it.
///
///         Trust. `threshold` signers together are believed, within limits that hold them too: no end moves by more than
///         `maxChange` from one report to the next, nor two reports come closer than `minSpacingSeconds`, by their own
///         dates and by the chain's clock: dated back they do not come all at once. Fewer signers can do nothing. Who
///         submits a report has no say in it; a report that was signed and held back counts for no longer than its own
///         expiry and `maxAgeSeconds` allow, not at all once a later one is in force, and may hold the next one up by
///         one spacing.
///
///         Replay. The digest binds chain, contract and every field (EIP-712), the sequence only rises, and no order of
///         signers or form of signature makes one report two.
///
///         Rounding. The interval is widened by `tolerance` and by `maxGamma` times the distance between the price asked
///         for and the report's, rounded up.
///
///         Liveness. Without a report in force `deltaInterval` reverts, which stops rebalances: a delta of 0 would open
///         the hedge to a keeper. A removed signer's report, a revoked or an expired one ends at once.
///
///         Known limits. That `maxGamma` and `tolerance` bound what the delta moves by between reports is the governor's
///         word.
contract SignedReports is ISignedReports, EIP712, Governed {
    uint256 public constant MAX_SIGNERS = 16;
    uint256 public constant MAX_AGE = 25 hours;
    uint256 public constant MAX_SPACING = 1 days;
    /// @notice Largest end of a report, and largest `maxChange` and `tolerance`: 1e15 units.
    int256 public constant MAX_ABS_DELTA = 1e33;
    /// @notice Largest `maxGamma`, 1e6 units per USD: with the largest price the sum stays inside 128 bits of WAD.
    uint256 public constant MAX_GAMMA = 1e24;
    /// @notice Largest price, as `PriceOracle` allows.
    uint256 public constant MAX_PRICE = 1e30;
    // EIP-712 hashes the type as a whole; the compiler does it.
    // solhint-disable gas-small-strings
    bytes32 public constant REPORT_TYPEHASH =
        keccak256("Report(int256 low,int256 high,uint256 price,uint256 issuedAt,uint256 expiresAt,uint256 sequence)");
    // solhint-enable gas-small-strings

    /// @notice Signers that a report needs.
    uint256 public threshold;
    Limits public limits;

    Report private _last;
    uint256 private _acceptedAt; // of the last report, Unix seconds; 0 before the first
    address[] private _signers;

    constructor(IVaultAccess access_, address[] memory signers_, uint256 threshold_, Limits memory limits_)
        EIP712("Evenkeel SignedReports", "1")
        Governed(access_)
    {
        for (uint256 i = 0; i < signers_.length; ++i) {
            _addSigner(signers_[i]);
        }
        _setThreshold(threshold_);
        _setLimits(limits_);
    }

    /// @inheritdoc ISignedReports
    function submit(Report calldata report, address[] calldata by, bytes[] calldata signatures) external {
        _requireSensible(report);
        _requireInForce(report.issuedAt, report.expiresAt);
        _requireSuccessor(report);
        _requireQuorum(digest(report), by, signatures);
        _last = report;
        _acceptedAt = block.timestamp;
        emit ReportAccepted(report.sequence, report, by);
    }

    /// @inheritdoc ISignedReports
    function revokeReport() external onlyGuardian {
        _revoke();
    }

    /// @inheritdoc ISignedReports
    function setAnchor(int256 low, int256 high) external onlyGovernor {
        _requireInterval(low, high);
        emit AnchorSet(_last.low, low, _last.high, high);
        (_last.low, _last.high) = (low, high);
        _revoke();
    }

    /// @inheritdoc ISignedReports
    function addSigner(address signer) external onlyGovernor {
        _addSigner(signer);
    }

    /// @inheritdoc ISignedReports
    function removeSigner(address signer) external onlyGuardian {
        uint256 index = _find(signer);
        if (index == _signers.length) revert SignerUnknown(signer);
        _signers[index] = _signers[_signers.length - 1];
        _signers.pop();
        emit SignerRemoved(signer);
        _revoke();
    }

    /// @inheritdoc ISignedReports
    function setThreshold(uint256 threshold_) external onlyGovernor {
        _setThreshold(threshold_);
    }

    /// @inheritdoc ISignedReports
    function setLimits(Limits calldata limits_) external onlyGovernor {
        _setLimits(limits_);
    }

    /// @inheritdoc IDeltaSource
    function deltaInterval(uint256 price) external view returns (int256 low, int256 high) {
        Report memory report = _last;
        if (report.expiresAt == 0) revert NoReport();
        _requireInForce(report.issuedAt, report.expiresAt);
        if (price == 0 || price > MAX_PRICE) revert ReportPriceOutOfRange(price, 1, MAX_PRICE);
        uint256 distance = price > report.price ? price - report.price : report.price - price;
        int256 widening = int256(limits.tolerance + Math.mulDiv(limits.maxGamma, distance, 1e18, Math.Rounding.Ceil));
        return (report.low - widening, report.high + widening);
    }

    /// @inheritdoc ISignedReports
    function lastReport() external view returns (Report memory) {
        return _last;
    }

    /// @inheritdoc ISignedReports
    function signers() external view returns (address[] memory) {
        return _signers;
    }

    /// @inheritdoc ISignedReports
    function digest(Report calldata report) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(REPORT_TYPEHASH, report)));
    }

    /// @dev Keeps the ends, which the next report's change is measured from, and sequence and time, which it must pass.
    function _revoke() private {
        _last.expiresAt = 0;
        emit ReportRevoked(_last.sequence);
    }

    function _addSigner(address signer) private {
        if (signer == address(0)) revert SignerIsZero();
        if (_find(signer) != _signers.length) revert SignerAlreadyAdded(signer);
        _signers.push(signer);
        if (_signers.length > MAX_SIGNERS) revert TooManySigners(_signers.length, MAX_SIGNERS);
        emit SignerAdded(signer);
    }

    function _setThreshold(uint256 threshold_) private {
        if (threshold_ == 0 || threshold_ > _signers.length) revert ThresholdOutOfRange(threshold_, _signers.length);
        emit ThresholdSet(threshold, threshold_);
        threshold = threshold_;
    }

    function _setLimits(Limits memory limits_) private {
        uint256 most = uint256(MAX_ABS_DELTA);
        if (
            limits_.maxAgeSeconds == 0 || limits_.maxAgeSeconds > MAX_AGE || limits_.minSpacingSeconds == 0
                || limits_.minSpacingSeconds > MAX_SPACING || limits_.maxChange > most || limits_.tolerance > most
                || limits_.maxGamma > MAX_GAMMA
        ) revert LimitsOutOfRange(limits_);
        emit LimitsSet(limits, limits_);
        limits = limits_;
    }

    /// @dev Index of `signer`, or the number of signers.
    function _find(address signer) private view returns (uint256 index) {
        uint256 count = _signers.length;
        while (index < count && _signers[index] != signer) ++index;
    }

    function _requireInForce(uint256 issuedAt, uint256 expiresAt) private view {
        if (issuedAt > block.timestamp) revert ReportFromFuture(issuedAt, block.timestamp);
        if (expiresAt <= block.timestamp) revert ReportExpired(expiresAt, block.timestamp);
        uint256 age = block.timestamp - issuedAt;
        if (age > limits.maxAgeSeconds) revert ReportTooOld(age, limits.maxAgeSeconds);
    }

    /// @dev The first report follows the anchor, which is [0, 0] until the governor sets it, and sequence and time 0.
    function _requireSuccessor(Report calldata report) private view {
        if (report.sequence <= _last.sequence) revert ReportSuperseded(report.sequence, _last.sequence);
        uint256 earliest = _last.issuedAt == 0 ? 0 : _last.issuedAt + limits.minSpacingSeconds;
        if (report.issuedAt < earliest) revert ReportTooSoon(report.issuedAt, earliest);
        // Its date is the signers' word, and the guardian's time to look is the chain's.
        earliest = _acceptedAt + limits.minSpacingSeconds;
        if (block.timestamp < earliest) revert ReportTooSoon(block.timestamp, earliest);
        if (
            _distance(report.low, _last.low) > limits.maxChange || _distance(report.high, _last.high) > limits.maxChange
        ) {
            revert ReportJumps(report.low, report.high, _last.low, _last.high, limits.maxChange);
        }
    }

    function _requireQuorum(bytes32 signed, address[] calldata by, bytes[] calldata signatures) private view {
        if (by.length != signatures.length) revert SignaturesMiscounted(by.length, signatures.length);
        if (by.length < threshold) revert TooFewSigners(by.length, threshold);
        address previous;
        for (uint256 i = 0; i < by.length; ++i) {
            if (by[i] <= previous) revert SignersNotAscending(previous, by[i]);
            if (_find(by[i]) == _signers.length) revert SignerUnknown(by[i]);
            if (!SignatureChecker.isValidSignatureNow(by[i], signed, signatures[i])) revert SignatureInvalid(by[i]);
            previous = by[i];
        }
    }

    function _requireSensible(Report calldata report) private pure {
        _requireInterval(report.low, report.high);
        if (report.price == 0 || report.price > MAX_PRICE) revert ReportPriceOutOfRange(report.price, 1, MAX_PRICE);
    }

    function _requireInterval(int256 low, int256 high) private pure {
        if (low > high) revert ReportInverted(low, high);
        if (low < -MAX_ABS_DELTA || high > MAX_ABS_DELTA) revert ReportTooLarge(low, high, MAX_ABS_DELTA);
    }

    function _distance(int256 a, int256 b) private pure returns (uint256) {
        return uint256(a > b ? a - b : b - a);
    }
}
