// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Arbitration, Terms} from "../types/Agreements.sol";

/// @title Disputes: the way to an ERC-792 arbitrator and back
interface IDisputes {
    /// @notice Thrown when the arbitration is not the one that the terms are bound to.
    error AgreementEscrowArbitrationMismatch(bytes32 id, bytes32 expected, bytes32 actual);
    /// @notice Thrown when the arbitrator asks more than the terms allow. Nobody is trapped: time decides instead.
    error AgreementEscrowFeeAboveCap(bytes32 id, uint256 costWei, uint256 maxFeeWei);
    /// @notice Thrown when the sender did not pay the arbitrator's fee.
    error AgreementEscrowFeeUnpaid(bytes32 id, uint256 costWei, uint256 paidWei);
    /// @notice Thrown when the sender has no such dispute of this escrow to rule on.
    error AgreementEscrowUnknownDispute(address arbitrator, uint256 disputeID);

    /// @notice Takes the agreement to its arbitrator, from any warm status. The sender advances the fee; what it sends
    /// or has credited beyond it is credited to it (`withdrawFees`).
    /// @dev Assumptions about the arbitrator, which both parties have signed for:
    /// - it rules 1 (honoured), 2 (breached) or 0 (refuses to say), by `rule` or `ruleAgreement`. Any other ruling
    ///   counts as 0;
    /// - one that announces `IAgreementArbitrator` is paid when it rules, every other one when it is asked;
    /// - whatever else it does (reverts, re-enters, stays silent, asks too much), the worst it can do is to rule
    ///   wrongly about this agreement's two stakes.
    function dispute(Terms calldata terms, Arbitration calldata arbitration) external payable;

    /// @notice Ruling and execution in one, by an `IAgreementArbitrator` itself.
    /// @param id The agreement's, as the arbitrator knows it: terms of another agreement are refused.
    /// @param payee Is credited the fee.
    function ruleAgreement(
        Terms calldata terms,
        Arbitration calldata arbitration,
        bytes32 id,
        uint256 ruling,
        address payee
    ) external;

    /// @notice Emits ERC-1497 evidence of a party. The agreement's id is the evidence group.
    function submitEvidence(Terms calldata terms, Arbitration calldata arbitration, string calldata evidence) external;
}
