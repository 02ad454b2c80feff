// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IArbitrable} from "@kleros/erc-792/contracts/IArbitrable.sol";
import {IArbitrator} from "@kleros/erc-792/contracts/IArbitrator.sol";
import {IEvidence} from "@kleros/erc-792/contracts/erc-1497/IEvidence.sol";
import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";
import {IAgreementArbitrator} from "../interfaces/IAgreementArbitrator.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {LaneLib} from "../libraries/LaneLib.sol";
import {TermsLib} from "../libraries/TermsLib.sol";
import {Arbitration, Status, Terms} from "../types/Agreements.sol";
import {Endings} from "./Endings.sol";

/// @dev The escrow as an ERC-792 arbitrable. A foreign arbitrator's dispute id is mapped to the lane; ours derives it
/// from the agreement's id, so that nothing is stored for it.
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

        IArbitrator arbitrator = IArbitrator(arbitration.arbitrator);
        uint256 feeWei = arbitrator.arbitrationCost(arbitration.extraData);
        if (feeWei > arbitration.maxFeeWei) {
            revert AgreementEscrowFeeAboveCap(agreement.id, feeWei, arbitration.maxFeeWei);
        }
        _spendFee(agreement.id, feeWei);

        agreement.progress.respondBy = uint40(block.timestamp + arbitration.rulingWindowSec);
        agreement.progress.feeShareBps = arbitration.feeShareBps;
        _progress[agreement.key] = agreement.progress;
        _lanes[agreement.key] = agreement.word | LaneLib.DISPUTED | (byProvider ? LaneLib.BY_PROVIDER : 0);

        _raise(terms, agreement, arbitration, byProvider ? terms.provider : terms.customer, feeWei);
    }

    /// @inheritdoc IArbitrable
    function rule(uint256 disputeID, uint256 ruling) external {
        bytes32 disputeKey = keccak256(abi.encode(msg.sender, disputeID));
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
            progress.ruling = ruling > RULING_BREACHED ? 0 : uint8(ruling);
            progress.ruled = true;
        }
    }

    /// @inheritdoc IDisputes
    function ruleAgreement(Terms calldata terms, Arbitration calldata arbitration, uint256 ruling) external {
        Agreement memory agreement = _read(terms);
        _requireStatus(agreement, 1 << uint8(Status.Disputed));
        _requireInTime(agreement);
        _requireArbitration(terms, agreement.id, arbitration);
        uint256 disputeID = _derivedDisputeID(agreement.id);
        if (msg.sender != arbitration.arbitrator) revert AgreementEscrowUnknownDispute(msg.sender, disputeID);

        emit Ruling(IArbitrator(msg.sender), disputeID, ruling);
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

    /// @dev The agreement is marked already: an arbitrator that re-enters finds it disputed.
    function _raise(
        Terms calldata terms,
        Agreement memory agreement,
        Arbitration calldata arbitration,
        address by,
        uint256 feeWei
    ) private {
        IArbitrator arbitrator = IArbitrator(arbitration.arbitrator);
        uint256 disputeID;
        if (_isOurs(address(arbitrator))) {
            disputeID = _derivedDisputeID(agreement.id);
            IAgreementArbitrator(address(arbitrator)).createDisputeOn{value: feeWei}(
                agreement.id, CHOICES, arbitration.extraData, msg.sender
            );
        } else {
            disputeID = arbitrator.createDispute{value: feeWei}(CHOICES, arbitration.extraData);
            _subjects[keccak256(abi.encode(arbitrator, disputeID))] = (agreement.key << 40) | terms.openBy;
        }
        emit AgreementDisputed(
            agreement.id, by, address(arbitrator), disputeID, agreement.progress.respondBy, feeWei
        );
        emit Dispute(arbitrator, disputeID, META_EVIDENCE_ID, uint256(agreement.id));
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

    function _isOurs(address arbitrator) private view returns (bool) {
        return ERC165Checker.supportsERC165InterfaceUnchecked(arbitrator, type(IAgreementArbitrator).interfaceId);
    }

    function _derivedDisputeID(bytes32 id) private view returns (uint256) {
        return uint256(keccak256(abi.encode(address(this), id)));
    }
}
