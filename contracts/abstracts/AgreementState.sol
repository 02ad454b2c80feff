// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAgreementEscrow} from "../interfaces/IAgreementEscrow.sol";
import {LaneLib} from "../libraries/LaneLib.sol";
import {TermsLib} from "../libraries/TermsLib.sol";
import {Status, Terms} from "../types/Agreements.sol";

/// @dev What is stored about agreements, and the only place that turns it into a status.
abstract contract AgreementState is IAgreementEscrow, EIP712 {
    using LaneLib for uint256;
    using TermsLib for Terms;

    /// @dev Facts of an agreement that took more than opening and settling; one word, stale unless a flag says so.
    /// `respondBy` is when the latest report, answer or dispute runs out. `feeGwei` is held for the arbitrator.
    /// `ruled` is 1 + the ruling once a plain ERC-792 arbitrator gave one.
    struct Progress {
        uint96 claimed;
        uint40 claimedAt;
        uint40 respondBy;
        uint16 feeShareBps;
        uint48 feeGwei;
        uint8 ruled;
    }

    /// @dev Current values of an amended agreement; stale unless a flag says so.
    struct Amended {
        uint96 customerStake;
        uint40 endsAt;
    }

    /// @dev An agreement as it is now.
    struct Agreement {
        bytes32 id;
        uint256 key;
        uint256 word;
        Status status;
        uint256 customerStake;
        uint256 endsAt;
        uint256 exitsAt;
        Progress progress;
    }

    uint256 internal constant WARM = (1 << uint8(Status.Open)) | (1 << uint8(Status.Claimed))
        | (1 << uint8(Status.Reported)) | (1 << uint8(Status.Answered)) | (1 << uint8(Status.Disputed));
    uint256 internal constant UNDISPUTED = WARM & ~(1 << uint8(Status.Disputed));
    uint256 internal constant QUIET = (1 << uint8(Status.Open)) | (1 << uint8(Status.Claimed));

    mapping(uint256 key => uint256 word) internal _lanes;
    mapping(uint256 key => Progress) internal _progress;
    mapping(uint256 key => Amended) internal _amended;

    /// @inheritdoc IAgreementEscrow
    function idOf(Terms calldata terms) public view returns (bytes32 id) {
        return _hashTypedDataV4(terms.hash());
    }

    /// @inheritdoc IAgreementEscrow
    function statusOf(Terms calldata terms) external view returns (Status status, uint256 claimed, uint256 exitsAt) {
        Agreement memory agreement = _read(terms);
        return (agreement.status, agreement.progress.claimed, agreement.exitsAt);
    }

    function _read(Terms calldata terms) internal view returns (Agreement memory agreement) {
        agreement.id = idOf(terms);
        agreement.key = LaneLib.keyOf(terms.provider, terms.lane);
        uint256 word = _lanes[agreement.key];
        agreement.word = word;

        if (!word.holds(agreement.id)) {
            agreement.status = terms.openBy <= word.lastOpenBy() ? Status.Ended : Status.None;
        } else if (!word.has(LaneLib.OPEN)) {
            agreement.status = Status.Ended;
        } else {
            (agreement.customerStake, agreement.endsAt) = _content(terms, agreement.key, word);
            if (word.has(LaneLib.CLAIMED | LaneLib.REPORTED | LaneLib.DISPUTED)) {
                agreement.progress = _progress[agreement.key];
            }
            agreement.status = _warmStatus(word, agreement.progress.respondBy);
            agreement.exitsAt = _exitsAt(terms, agreement);
        }
    }

    /// @dev `_read` without what time does: enough to end an agreement at its parties' will, and cheaper.
    function _requireWarm(Terms calldata terms)
        internal
        view
        returns (bytes32 id, uint256 key, uint256 word, uint256 customerStake)
    {
        id = idOf(terms);
        key = LaneLib.keyOf(terms.provider, terms.lane);
        word = _lanes[key];
        if (!word.holds(id) || !word.has(LaneLib.OPEN)) {
            revert AgreementEscrowUnexpectedStatus(
                id, terms.openBy <= word.lastOpenBy() ? Status.Ended : Status.None, WARM
            );
        }
        customerStake = word.has(LaneLib.AMENDED) ? _amended[key].customerStake : terms.customerStake;
    }

    function _requireStatus(Agreement memory agreement, uint256 allowed) internal pure {
        if ((1 << uint8(agreement.status)) & allowed == 0) {
            revert AgreementEscrowUnexpectedStatus(agreement.id, agreement.status, allowed);
        }
    }

    /// @dev For everything that a party may do only before time decides.
    function _requireInTime(Agreement memory agreement) internal view {
        if (block.timestamp >= agreement.exitsAt) revert AgreementEscrowTooLate(agreement.id, agreement.exitsAt);
    }

    function _content(Terms calldata terms, uint256 key, uint256 word) private view returns (uint256, uint256) {
        if (!word.has(LaneLib.AMENDED)) return (terms.customerStake, terms.endsAt);
        Amended storage amended = _amended[key];
        return (amended.customerStake, amended.endsAt);
    }

    function _warmStatus(uint256 word, uint256 respondBy) private view returns (Status) {
        if (word.has(LaneLib.DISPUTED)) return Status.Disputed;
        if (word.has(LaneLib.ANSWERED)) {
            if (block.timestamp < respondBy) return Status.Answered;
        } else if (word.has(LaneLib.REPORTED)) {
            return Status.Reported;
        }
        return word.has(LaneLib.CLAIMED) ? Status.Claimed : Status.Open;
    }

    /// @dev A claim is final one window after it was made, but not before the term ends. A report that was answered
    /// holds up every other exit until its own window has passed.
    function _exitsAt(Terms calldata terms, Agreement memory agreement) private view returns (uint256) {
        Progress memory progress = agreement.progress;
        if (agreement.status == Status.Disputed) return progress.ruled != 0 ? block.timestamp : progress.respondBy;
        if (agreement.status == Status.Reported) return progress.respondBy;

        uint256 window = terms.responseWindowSec;
        uint256 exitsAt = agreement.word.has(LaneLib.CLAIMED)
            ? Math.max(agreement.endsAt, progress.claimedAt + window)
            : agreement.endsAt + window;
        return agreement.word.has(LaneLib.ANSWERED) ? Math.max(exitsAt, progress.respondBy) : exitsAt;
    }
}
