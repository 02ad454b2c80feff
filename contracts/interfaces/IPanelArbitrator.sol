// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Arbitration, Terms} from "../types/Agreements.sol";
import {PanelChange, PanelDispute} from "../types/Panel.sol";

/// @title An ERC-792 arbitrator of named members: k of n sign a ruling off chain, anyone submits it
/// @notice The fee of a ruling goes to the payee that it names. Without a ruling in time it goes back. There is no
/// appeal. Members, threshold and fee change only by the members' signatures and after a delay in which everybody can
/// see what is coming.
interface IPanelArbitrator {
    event DisputeRuled(uint256 indexed disputeID, uint256 ruling, address payee);
    event DisputeRefunded(uint256 indexed disputeID, address arbitrable, uint256 amountWei);
    event ChangeScheduled(bytes32 indexed changeHash, uint256 nonce, uint256 applicableAt);
    event ChangeApplied(bytes32 indexed changeHash, uint256 memberCount, uint8 threshold, uint40 feeGwei);
    event MemberAdded(address indexed member);
    event MemberRemoved(address indexed member);
    event CreditWithdrawn(address indexed owner, address to, uint256 amountWei);

    /// @notice Thrown when the threshold is zero or above the number of members, or there are more than 255.
    error PanelArbitratorInvalidThreshold(uint256 threshold, uint256 memberCount);
    /// @notice Thrown when a member to add is one already (or nobody), or a member to remove is none.
    error PanelArbitratorInvalidMember(address member);
    /// @notice Thrown when a dispute can have no rulings, or more than 253.
    error PanelArbitratorInvalidChoices(uint256 choices);
    /// @notice Thrown when not exactly the fee is paid.
    error PanelArbitratorFeeMismatch(uint256 expectedWei, uint256 paidWei);
    /// @notice Thrown when there is no such dispute, or it is ruled or refunded.
    error PanelArbitratorDisputeClosed(uint256 disputeID);
    /// @notice Thrown when the time to rule is over.
    error PanelArbitratorRulingLate(uint256 disputeID, uint256 ruleBy);
    /// @notice Thrown when a refund comes while the panel may still rule.
    error PanelArbitratorRefundEarly(uint256 disputeID, uint256 ruleBy);
    /// @notice Thrown when the ruling is none of the dispute's choices.
    error PanelArbitratorInvalidRuling(uint256 disputeID, uint256 ruling, uint256 choices);
    /// @notice Thrown when there are fewer signatures than the threshold.
    error PanelArbitratorTooFewSignatures(uint256 given, uint256 threshold);
    /// @notice Thrown when a signer is no member, or signers are not in ascending order (each counts once).
    error PanelArbitratorInvalidSigner(address signer);
    /// @notice Thrown when a change has another nonce than the panel.
    error PanelArbitratorNonceMismatch(uint256 expected, uint256 given);
    /// @notice Thrown when a change is not the scheduled one, or its delay is not over.
    error PanelArbitratorChangeNotReady(bytes32 changeHash, uint256 applicableAt);
    /// @notice Thrown when the sender has nothing to withdraw.
    error PanelArbitratorNoCredit(address owner);
    /// @notice Thrown when the receiver of native currency refuses it.
    error PanelArbitratorTransferFailed(address to, uint256 amountWei);
    /// @notice Thrown on appeal: this panel has none.
    error PanelArbitratorNoAppeal(uint256 disputeID);

    /// @notice Rules on an agreement of `escrow` and executes the ruling. Anyone may submit what the members signed.
    /// @param payee Gets the fee; part of what is signed.
    /// @param signatures Of `Ruling(escrow, id, ruling, payee)`, in ascending order of their signers.
    function ruleAgreement(
        address escrow,
        Terms calldata terms,
        Arbitration calldata arbitration,
        bytes32 id,
        uint256 ruling,
        address payee,
        bytes[] calldata signatures
    ) external;

    /// @notice Rules on a plain ERC-792 dispute: calls `rule` of its arbitrable.
    /// @param signatures Of `Ruling(arbitrable, disputeID, ruling, payee)`.
    function rule(uint256 disputeID, uint256 ruling, address payee, bytes[] calldata signatures) external;

    /// @notice Credits the fee back to the arbitrable once the time to rule is over.
    function refund(uint256 disputeID) external;

    /// @notice Announces a change; replaces one that is announced and not applied (an empty change cancels it).
    function scheduleChange(PanelChange calldata change, bytes[] calldata signatures) external;

    /// @notice Applies the announced change after the delay. Anyone may call it.
    function applyChange(PanelChange calldata change) external;

    function withdraw(address payable to) external;

    function isMember(address account) external view returns (bool);

    function creditOf(address owner) external view returns (uint256 amountWei);

    function disputeOf(uint256 disputeID) external view returns (PanelDispute memory);
}
