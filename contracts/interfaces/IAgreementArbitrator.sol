// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What an ERC-792 arbitrator adds so that a ruling can be executed in the same transaction
/// @dev Announced by ERC-165. An arbitrator without it is used through plain ERC-792, at about 45,000 gas more.
interface IAgreementArbitrator {
    /// @notice Opens a dispute about `subject` for the sender, paid like `createDispute`.
    /// @param payer Who advanced the fee, and gets it back if the arbitrator stays silent.
    /// @return disputeID Always `uint256(keccak256(abi.encode(sender, subject)))`, so that nobody has to store it.
    function createDisputeOn(bytes32 subject, uint256 choices, bytes calldata extraData, address payer)
        external
        payable
        returns (uint256 disputeID);
}
