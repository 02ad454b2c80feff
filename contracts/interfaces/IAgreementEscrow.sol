// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Ending, OpenRequest, Outcome, SettleRequest, Status, Terms} from "../types/Agreements.sol";

/// @title The agreements: how both stakes are locked, and every way in which they are paid out
/// @notice An empty signature means that the sender is that party or an agent of it. Every warm status has an exit by
/// time that anyone may take: `expire`.
interface IAgreementEscrow {
    event AgreementOpened(bytes32 indexed id, Terms terms);
    event AgreementAmended(bytes32 indexed id, uint256 customerStake, uint256 endsAt);
    event AgreementClaimed(bytes32 indexed id, uint256 claimed);
    event AgreementReported(bytes32 indexed id, string evidence);
    event AgreementAnswered(bytes32 indexed id, string evidence);
    /// @dev Followed by ERC-1497's `Dispute`, which names the arbitrator and has the id as evidence group.
    event AgreementDisputed(bytes32 indexed id, bool byProvider, uint256 rulingBy, uint256 feeWei);
    /// @param toProvider Of the pot; the rest went to the customer. Both to vault balances.
    event AgreementEnded(bytes32 indexed id, uint256 toProvider, Outcome outcome, Ending ending);

    /// @notice Thrown when the terms contradict themselves: one party on both sides, no response window, a term that
    /// is over or an `openBy` beyond the year 2106.
    error AgreementEscrowInvalidTerms(bytes32 id);
    /// @notice Thrown when signed terms are submitted after `openBy`.
    error AgreementEscrowOpenByPassed(bytes32 id, uint40 openBy);
    /// @notice Thrown when a party has voided the terms.
    error AgreementEscrowTermsRevoked(bytes32 id, address by, uint256 revokedUntil);
    /// @notice Thrown when the provider's lane holds an agreement that has not ended.
    error AgreementEscrowLaneBusy(address provider, uint32 lane);
    /// @notice Thrown when the lane has seen these terms, or later ones: terms can be opened once.
    error AgreementEscrowLaneUsed(address provider, uint32 lane, uint40 lastOpenBy);
    /// @notice Thrown when the agreement's status does not allow the call.
    /// @param allowed Bitmap of the statuses that do.
    error AgreementEscrowUnexpectedStatus(bytes32 id, Status current, uint256 allowed);
    /// @notice Thrown when time has decided already: only `expire` and `settle` are left.
    error AgreementEscrowTooLate(bytes32 id, uint256 exitsAt);
    /// @notice Thrown when `expire` comes before the status can be ended by time.
    error AgreementEscrowTooEarly(bytes32 id, uint256 exitsAt);
    /// @notice Thrown when a receipt adds nothing to what is claimed.
    error AgreementEscrowReceiptStale(bytes32 id, uint256 claimed, uint256 earned);
    /// @notice Thrown when an amendment takes something back, or changes nothing.
    error AgreementEscrowAmendmentStale(bytes32 id, uint256 customerStake, uint256 endsAt);
    /// @notice Thrown when the customer has used its one report.
    error AgreementEscrowReportedBefore(bytes32 id);
    /// @notice Thrown when a settlement pays more than both stakes.
    error AgreementEscrowPotExceeded(bytes32 id, uint256 pot, uint256 toProvider);

    /// @notice Locks both stakes. Anyone may submit what both have signed.
    function open(Terms calldata terms, bytes calldata customerSignature, bytes calldata providerSignature) external;

    /// @notice `open` for each; all or none.
    function openMany(OpenRequest[] calldata requests) external;

    /// @notice Raises the customer's stake or extends the term, by both signatures (`Amendment`).
    /// @param customerStake The new total; not below the current one.
    /// @param endsAt The new end; not before the current one.
    function amend(
        Terms calldata terms,
        uint128 customerStake,
        uint40 endsAt,
        bytes calldata customerSignature,
        bytes calldata providerSignature
    ) external;

    /// @notice Ends the agreement with any split of the pot, by both signatures (`Settlement`), from any warm status.
    /// @param toProvider Of both stakes together; the rest goes to the customer.
    function settle(
        Terms calldata terms,
        uint128 toProvider,
        Outcome outcome,
        bytes calldata customerSignature,
        bytes calldata providerSignature
    ) external;

    /// @notice `settle` for each; all or none.
    function settleMany(SettleRequest[] calldata requests) external;

    /// @notice The provider presents the customer's receipt. A larger one may follow until the claim is final.
    /// @param earned In all, under this agreement; at most the customer's stake is paid.
    /// @param customerSignature On `Receipt(id, earned)`.
    function claim(Terms calldata terms, uint128 earned, bytes calldata customerSignature) external;

    /// @notice The customer says that the provider broke its duty. Once per agreement. A provider that neither answers
    /// nor goes to the arbitrator within the response window loses its stake to the customer.
    function report(Terms calldata terms, string calldata evidence) external;

    /// @notice The provider denies the report. Unless one of them goes to the arbitrator within another response
    /// window, the agreement is as it was before the report.
    function answer(Terms calldata terms, string calldata evidence) external;

    /// @notice The provider admits the breach: both stakes go to the customer.
    function concede(Terms calldata terms) external;

    /// @notice Ends what time has decided: see `statusOf` for when. Anyone may call it.
    function expire(Terms calldata terms) external;

    /// @notice The EIP-712 digest of the terms.
    function idOf(Terms calldata terms) external view returns (bytes32 id);

    /// @return status See `Status`.
    /// @return claimed What the provider has claimed, 0 once ended.
    /// @return exitsAt From when on `expire` works (Unix seconds); 0 for `None` and `Ended`.
    function statusOf(Terms calldata terms) external view returns (Status status, uint256 claimed, uint256 exitsAt);
}
