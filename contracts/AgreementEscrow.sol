// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Disputes} from "./abstracts/Disputes.sol";
import {IAgreementEscrow} from "./interfaces/IAgreementEscrow.sol";
import {AccountLib} from "./libraries/AccountLib.sol";
import {LaneLib} from "./libraries/LaneLib.sol";
import {TermsLib} from "./libraries/TermsLib.sol";
import {OpenRequest, Status, Terms} from "./types/Agreements.sol";

/// @title AgreementEscrow: holds both parties' stakes from the opening of an agreement to its end
/// @notice No owner, no upgrade, no pause. Terms travel in calldata and events; storage keeps one word per lane of a
/// provider and one word per (token, owner).
contract AgreementEscrow is Disputes {
    using AccountLib for uint256;
    using LaneLib for uint256;
    using TermsLib for Terms;

    constructor(string memory metaEvidence) EIP712("EaaS AgreementEscrow", "1") Disputes(metaEvidence) {}

    /// @inheritdoc IAgreementEscrow
    function open(Terms calldata terms, bytes calldata customerSignature, bytes calldata providerSignature) external {
        _open(terms, customerSignature, providerSignature);
    }

    /// @inheritdoc IAgreementEscrow
    function openMany(OpenRequest[] calldata requests) external {
        for (uint256 i = 0; i < requests.length; ++i) {
            OpenRequest calldata request = requests[i];
            _open(request.terms, request.customerSignature, request.providerSignature);
        }
    }

    /// @inheritdoc IAgreementEscrow
    function amend(
        Terms calldata terms,
        uint128 customerStake,
        uint40 endsAt,
        bytes calldata customerSignature,
        bytes calldata providerSignature
    ) external {
        Agreement memory agreement = _read(terms);
        _requireStatus(agreement, QUIET);
        _requireInTime(agreement);
        bool shrinks = customerStake < agreement.customerStake || endsAt < agreement.endsAt;
        if (shrinks || (customerStake == agreement.customerStake && endsAt == agreement.endsAt)) {
            revert AgreementEscrowAmendmentStale(agreement.id, agreement.customerStake, agreement.endsAt);
        }

        bytes32 digest = _hashTypedDataV4(TermsLib.hashAmendment(agreement.id, customerStake, endsAt));
        uint256 added = customerStake - agreement.customerStake;
        _requireConsent(terms.customer, digest, customerSignature, terms.token, added);
        _requireConsent(terms.provider, digest, providerSignature, terms.token, 0);

        _take(_accounts[terms.token][terms.customer], terms.token, terms.customer, added);
        // Fits: it is locked now, and all of a token fits into 96 bits.
        _amended[agreement.key] = Amended({customerStake: uint96(customerStake), endsAt: endsAt});
        _lanes[agreement.key] = agreement.word | LaneLib.AMENDED;
        emit AgreementAmended(agreement.id, customerStake, endsAt);
    }

    /// @inheritdoc IAgreementEscrow
    function claim(Terms calldata terms, uint128 earned, bytes calldata customerSignature) external {
        Agreement memory agreement = _read(terms);
        _requireStatus(agreement, WARM);
        _requireInTime(agreement);
        _requireSender(terms.provider, terms.token, 0);
        uint256 before = agreement.progress.claimed;
        bool claimedBefore = agreement.word.has(LaneLib.CLAIMED);
        uint256 claimed = earned < agreement.customerStake ? earned : agreement.customerStake;
        if (claimedBefore && claimed <= before) revert AgreementEscrowReceiptStale(agreement.id, before, earned);

        bytes32 digest = _hashTypedDataV4(TermsLib.hashReceipt(agreement.id, earned));
        _requireConsent(terms.customer, digest, customerSignature, terms.token, claimed - before);

        // Fits: a stake is locked, and all of a token fits into 96 bits.
        agreement.progress.claimed = uint96(claimed);
        if (!claimedBefore) {
            // The first claim starts the window; a larger receipt does not start another one.
            agreement.progress.claimedAt = uint40(block.timestamp);
            _lanes[agreement.key] = agreement.word | LaneLib.CLAIMED;
        }
        _progress[agreement.key] = agreement.progress;
        emit AgreementClaimed(agreement.id, claimed);
    }

    /// @inheritdoc IAgreementEscrow
    function report(Terms calldata terms, string calldata evidence) external {
        Agreement memory agreement = _read(terms);
        _requireStatus(agreement, QUIET);
        _requireInTime(agreement);
        if (agreement.word.has(LaneLib.REPORTED)) revert AgreementEscrowReportedBefore(agreement.id);
        _requireSender(terms.customer, terms.token, 0);

        agreement.progress.respondBy = uint40(block.timestamp + terms.responseWindowSec);
        _progress[agreement.key] = agreement.progress;
        _lanes[agreement.key] = agreement.word | LaneLib.REPORTED;
        emit AgreementReported(agreement.id, evidence);
    }

    /// @inheritdoc IAgreementEscrow
    function answer(Terms calldata terms, string calldata evidence) external {
        Agreement memory agreement = _read(terms);
        _requireStatus(agreement, 1 << uint8(Status.Reported));
        _requireInTime(agreement);
        _requireSender(terms.provider, terms.token, 0);

        agreement.progress.respondBy = uint40(block.timestamp + terms.responseWindowSec);
        _progress[agreement.key] = agreement.progress;
        _lanes[agreement.key] = agreement.word | LaneLib.ANSWERED;
        emit AgreementAnswered(agreement.id, evidence);
    }

    function _open(Terms calldata terms, bytes calldata customerSignature, bytes calldata providerSignature) private {
        bytes32 id = idOf(terms);
        (address customer, address provider, address token) = (terms.customer, terms.provider, terms.token);
        (uint256 customerStake, uint256 providerStake) = (terms.customerStake, terms.providerStake);
        uint40 openBy = terms.openBy;
        uint256 key = LaneLib.keyOf(provider, terms.lane);
        _requireOpenable(terms, id, openBy, _lanes[key]);
        if (customer == provider) revert AgreementEscrowInvalidTerms(id);
        _requireConsent(customer, id, customerSignature, token, customerStake);
        _requireConsent(provider, id, providerSignature, token, providerStake);

        _lanes[key] = LaneLib.opened(id, openBy);
        _lock(token, customer, customerStake, id, openBy);
        _lock(token, provider, providerStake, id, openBy);
        terms.emitOpened(id);
    }

    function _lock(address token, address owner, uint256 stake, bytes32 id, uint256 openBy) private {
        Word storage account = _accounts[token][owner];
        uint256 revokedUntil = account.word.revokedUntil();
        if (openBy <= revokedUntil) revert AgreementEscrowTermsRevoked(id, owner, revokedUntil);
        _take(account, token, owner, stake);
    }

    /// @dev The lane's `openBy` only grows, so terms that were opened once never pass here again.
    function _requireOpenable(Terms calldata terms, bytes32 id, uint40 openBy, uint256 word) private view {
        if (terms.responseWindowSec == 0 || terms.endsAt <= block.timestamp || openBy > type(uint32).max) {
            revert AgreementEscrowInvalidTerms(id);
        }
        if (block.timestamp > openBy) revert AgreementEscrowOpenByPassed(id, openBy);
        if (word.has(LaneLib.OPEN)) revert AgreementEscrowLaneBusy(terms.provider, terms.lane);
        if (openBy <= word.lastOpenBy()) {
            revert AgreementEscrowLaneUsed(terms.provider, terms.lane, word.lastOpenBy());
        }
    }
}
