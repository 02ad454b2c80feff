// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IArbitrable} from "@kleros/erc-792/contracts/IArbitrable.sol";
import {IArbitrator} from "@kleros/erc-792/contracts/IArbitrator.sol";
import {IEvidence} from "@kleros/erc-792/contracts/erc-1497/IEvidence.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";
import {IAgreementArbitrator} from "../interfaces/IAgreementArbitrator.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {LaneLib} from "../libraries/LaneLib.sol";
import {TermsLib} from "../libraries/TermsLib.sol";
import {Arbitration, Status, Terms} from "../types/Agreements.sol";
import {Endings} from "./Endings.sol";

/// @dev The escrow as an ERC-792 arbitrable. A plain arbitrator's dispute id is mapped to the lane; for one that knows
/// agreements the dispute id is the agreement's, and nothing has to be stored.
abstract contract Disputes is IDisputes, IArbitrable, IEvidence, Endings {
    using LaneLib for uint256;
    using TermsLib for Arbitration;

    uint256 private constant CHOICES = 2;
    uint256 private constant META_EVIDENCE_ID = 0;

    /// @dev Per keccak256(arbitrator, dispute id): the lane's key above, the agreement's `openBy` in the low 40 bits.
    mapping(bytes32 disputeKey => uint256 subject) private _subjects;

    /// @param metaEvidence URI of the ERC-1497 meta-evidence: what the rulings mean.
    constructor(string memory metaEvidence) {
        emit MetaEvidence(META_EVIDENCE_ID, metaEvidence);
    }

    /// @inheritdoc IDisputes
    function dispute(Terms calldata terms, Arbitration calldata arbitration) external payable nonReentrant {
        Agreement memory agreement = _read(terms);
        _requireStatus(agreement, UNDISPUTED);
        _requireInTime(agreement);
        _requireArbitration(terms, agreement.id, arbitration);
        bool byProvider = _requireParty(terms);

        bytes4 interfaceId = type(IAgreementArbitrator).interfaceId;
        bool direct = ERC165Checker.supportsERC165InterfaceUnchecked(arbitration.arbitrator, interfaceId);
        uint256 feeWei = direct ? _directFee(arbitration) : _plainFee(arbitration);
        if (feeWei > arbitration.maxFeeWei) {
            revert AgreementEscrowFeeAboveCap(agreement.id, feeWei, arbitration.maxFeeWei);
        }
        _spendFee(agreement.id, feeWei);

        Progress memory progress = agreement.progress;
        progress.respondBy = uint40(block.timestamp + arbitration.rulingWindowSec);
        progress.feeShareBps = arbitration.feeShareBps;
        // Fits: more gwei than 48 bits hold do not exist.
        if (direct) progress.feeGwei = uint48(feeWei / 1 gwei);
        _progress[agreement.key] = progress;
        _lanes[agreement.key] = agreement.word | LaneLib.DISPUTED | (byProvider ? LaneLib.BY_PROVIDER : 0);
        emit AgreementDisputed(agreement.id, byProvider, progress.respondBy, feeWei);

        // The agreement is marked already: an arbitrator that re-enters finds it disputed.
        uint256 disputeID = uint256(agreement.id);
        if (!direct) {
            IArbitrator arbitrator = IArbitrator(arbitration.arbitrator);
            disputeID = arbitrator.createDispute{value: feeWei}(CHOICES, arbitration.extraData);
            _subjects[_disputeKey(arbitration.arbitrator, disputeID)] = (agreement.key << 40) | terms.openBy;
        }
        emit Dispute(IArbitrator(arbitration.arbitrator), disputeID, META_EVIDENCE_ID, uint256(agreement.id));
    }

    /// @inheritdoc IArbitrable
    function rule(uint256 disputeID, uint256 ruling) external {
        bytes32 disputeKey = _disputeKey(msg.sender, disputeID);
        uint256 subject = _subjects[disputeKey];
        if (subject == 0) revert AgreementEscrowUnknownDispute(msg.sender, disputeID);

        delete _subjects[disputeKey];
        emit Ruling(IArbitrator(msg.sender), disputeID, ruling);

        // The parties may have settled, or the ruling may be late: then it says nothing any more, and must not revert
        // in the arbitrator's own bookkeeping.
        uint256 key = subject >> 40;
        uint256 word = _lanes[key];
        Progress storage progress = _progress[key];
        if (word.lastOpenBy() == uint40(subject) && word.has(LaneLib.DISPUTED) && block.timestamp < progress.respondBy)
        {
            progress.ruled = ruling > RULING_BREACHED ? 1 : uint8(ruling + 1);
        }
    }

    /// @inheritdoc IDisputes
    function ruleAgreement(
        Terms calldata terms,
        Arbitration calldata arbitration,
        bytes32 id,
        uint256 ruling,
        address payee
    ) external {
        Agreement memory agreement = _read(terms);
        _requireStatus(agreement, 1 << uint8(Status.Disputed));
        _requireInTime(agreement);
        _requireArbitration(terms, agreement.id, arbitration);
        if (msg.sender != arbitration.arbitrator || id != agreement.id) {
            revert AgreementEscrowUnknownDispute(msg.sender, uint256(id));
        }

        emit Ruling(IArbitrator(msg.sender), uint256(id), ruling);
        uint256 feeWei = uint256(agreement.progress.feeGwei) * 1 gwei;
        if (feeWei != 0) _creditFee(payee, feeWei);
        _executeRuling(terms, agreement, ruling);
    }

    /// @inheritdoc IDisputes
    function submitEvidence(Terms calldata terms, Arbitration calldata arbitration, string calldata evidence) external {
        Agreement memory agreement = _read(terms);
        _requireStatus(agreement, WARM);
        _requireArbitration(terms, agreement.id, arbitration);
        address party = _requireParty(terms) ? terms.provider : terms.customer;
        emit Evidence(IArbitrator(arbitration.arbitrator), uint256(agreement.id), party, evidence);
    }

    /// @dev Takes the fee from what was sent and what is credited; the rest stays credited to the sender.
    function _spendFee(bytes32 id, uint256 feeWei) private {
        if (msg.value == feeWei) return;
        uint256 available = _fees[msg.sender] + msg.value;
        if (available < feeWei) revert AgreementEscrowFeeUnpaid(id, feeWei, available);
        _fees[msg.sender] = available - feeWei;
        emit FeesCredited(msg.sender, available - feeWei);
    }

    function _requireParty(Terms calldata terms) private returns (bool byProvider) {
        if (msg.sender == terms.customer) return false;
        if (msg.sender == terms.provider) return true;
        if (_isAgentOn(terms.customer, msg.sender, terms.token)) return false;
        _requireSender(terms.provider, terms.token, 0);
        return true;
    }

    function _requireArbitration(Terms calldata terms, bytes32 id, Arbitration calldata arbitration) private pure {
        bytes32 actual = arbitration.hash();
        if (actual != terms.arbitrationHash) {
            revert AgreementEscrowArbitrationMismatch(id, terms.arbitrationHash, actual);
        }
    }

    /// @dev In whole gwei, so that it fits beside the other facts; rounded up, in the arbitrator's favour.
    function _directFee(Arbitration calldata arbitration) private view returns (uint256) {
        uint256 feeWei = IAgreementArbitrator(arbitration.arbitrator).agreementFee(arbitration.extraData);
        return Math.ceilDiv(feeWei, 1 gwei) * 1 gwei;
    }

    function _plainFee(Arbitration calldata arbitration) private view returns (uint256) {
        return IArbitrator(arbitration.arbitrator).arbitrationCost(arbitration.extraData);
    }

    function _disputeKey(address arbitrator, uint256 disputeID) private pure returns (bytes32) {
        return keccak256(abi.encode(arbitrator, disputeID));
    }
}
