// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDeltaSource} from "./IDeltaSource.sol";

/// @title Interface of the delta source that signers report
interface ISignedReports is IDeltaSource {
    /// @notice What the signers say, signed by EIP-712 in this order of fields.
    /// @param low Lower end of the book's delta at `price`, WAD underlying units.
    /// @param high Upper end.
    /// @param price Price of the underlying that the delta was taken at, WAD USD.
    /// @param issuedAt Unix seconds.
    /// @param expiresAt Unix seconds; the report counts before, not at it.
    /// @param sequence Larger than that of any report accepted before.
    struct Report {
        int256 low;
        int256 high;
        uint256 price;
        uint256 issuedAt;
        uint256 expiresAt;
        uint256 sequence;
    }

    /// @notice Governed limits.
    /// @param maxAgeSeconds Age from which a report counts no more, whatever its `expiresAt`.
    /// @param minSpacingSeconds Least time between two reports, by their `issuedAt` and by when they are accepted.
    /// @param maxChange Largest change of either end from one report to the next, WAD underlying units.
    /// @param tolerance The interval is widened by this at both ends: what the delta moves by until the next report.
    /// @param maxGamma Largest |change of delta| per USD of price, WAD underlying units per USD: the interval is widened by
    ///        this times the distance of the price from the report's.
    struct Limits {
        uint256 maxAgeSeconds;
        uint256 minSpacingSeconds;
        uint256 maxChange;
        uint256 tolerance;
        uint256 maxGamma;
    }

    event ReportAccepted(uint256 indexed sequence, Report report, address[] signers);
    event ReportRevoked(uint256 indexed sequence);
    event AnchorSet(int256 oldLow, int256 newLow, int256 oldHigh, int256 newHigh);
    event SignerAdded(address indexed signer);
    event SignerRemoved(address indexed signer);
    event ThresholdSet(uint256 oldThreshold, uint256 newThreshold);
    event LimitsSet(Limits oldLimits, Limits newLimits);

    error ReportInverted(int256 low, int256 high);
    error ReportTooLarge(int256 low, int256 high, int256 maxAbsDelta);
    error ReportPriceOutOfRange(uint256 price, uint256 minPrice, uint256 maxPrice);
    error ReportFromFuture(uint256 issuedAt, uint256 timestamp);
    error ReportExpired(uint256 expiresAt, uint256 timestamp);
    error ReportTooOld(uint256 ageSeconds, uint256 maxAgeSeconds);
    error ReportSuperseded(uint256 sequence, uint256 lastSequence);
    /// @param timestamp `issuedAt`, or the time of the block where that is too soon.
    error ReportTooSoon(uint256 timestamp, uint256 earliest);
    error ReportJumps(int256 low, int256 high, int256 lastLow, int256 lastHigh, uint256 maxChange);
    error NoReport();
    error SignaturesMiscounted(uint256 signers, uint256 signatures);
    error TooFewSigners(uint256 signers, uint256 threshold);
    error SignersNotAscending(address previous, address signer);
    error SignerUnknown(address signer);
    error SignatureInvalid(address signer);
    error SignerIsZero();
    error SignerAlreadyAdded(address signer);
    error TooManySigners(uint256 count, uint256 limit);
    error ThresholdOutOfRange(uint256 threshold, uint256 signers);
    error LimitsOutOfRange(Limits limits);

    /// @notice Puts a report into force. Anyone.
    /// @param signers Strictly ascending, at least `threshold` of them, every one a signer.
    /// @param signatures One a signer, in the same order: of a key (65 bytes, low s) or of a contract (ERC-1271).
    function submit(Report calldata report, address[] calldata signers, bytes[] calldata signatures) external;

    /// @notice Takes the report in force out of force. Guardian or governor.
    function revokeReport() external;

    /// @notice Sets what the next report's change is measured from, and takes the report in force out of it. Governor
    ///         only: the way for a book that really jumped.
    function setAnchor(int256 low, int256 high) external;

    /// @notice Adds a signer. Governor only.
    function addSigner(address signer) external;

    /// @notice Removes a signer whose key may be stolen, and takes the report in force out of it. Guardian or governor.
    function removeSigner(address signer) external;

    /// @notice Sets how many signers a report needs. Governor only.
    function setThreshold(uint256 threshold) external;

    /// @notice Changes the limits. Governor only.
    function setLimits(Limits calldata limits) external;

    /// @notice The report in force or last in force, and the anchor; `expiresAt` 0 when there is none.
    function lastReport() external view returns (Report memory);

    /// @notice Signers in no particular order.
    function signers() external view returns (address[] memory);

    /// @notice What a signer signs.
    function digest(Report calldata report) external view returns (bytes32);
}
