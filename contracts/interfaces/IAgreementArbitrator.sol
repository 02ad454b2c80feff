// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title An arbitrator that knows agreements: it rules and executes in one transaction, and stores nothing per dispute
/// @notice The escrow itself holds the fee. It goes to whom the ruling names, or back to the party that advanced it
/// when the arbitrator stays silent or the parties settle.
/// @dev Announced by ERC-165. Every other ERC-792 arbitrator is used through `createDispute` and `rule`, which costs
/// about 80,000 gas more per dispute.
interface IAgreementArbitrator {
    /// @notice What a ruling on an agreement costs now.
    function agreementFee(bytes calldata extraData) external view returns (uint256 feeWei);
}
