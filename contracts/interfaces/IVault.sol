// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Account} from "../types/Accounts.sol";

/// @title The vault: one balance per token and owner, in which stakes are locked and to which everything is paid
interface IVault {
    event Deposited(address indexed token, address indexed owner, uint256 amount);
    event Withdrawn(address indexed token, address indexed owner, address to, uint256 amount);
    event Revoked(address indexed token, address indexed owner, uint32 until);
    /// @param balanceWei What the owner has credited now.
    event FeesCredited(address indexed owner, uint256 balanceWei);
    event FeesWithdrawn(address indexed owner, address to, uint256 amountWei);

    /// @notice Thrown when an amount is zero: some tokens revert on it, and it never means anything.
    error AgreementEscrowZeroAmount();
    /// @notice Thrown when a transfer did not move exactly `expected`: a fee on transfer, or a token that lies.
    error AgreementEscrowTransferMismatch(address token, uint256 expected, uint256 moved);
    /// @notice Thrown when the escrow would hold more of a token than an account word can count (2^96 - 1 units).
    error AgreementEscrowVaultFull(address token, uint256 held);
    /// @notice Thrown when the free balance does not cover a stake or a withdrawal.
    error AgreementEscrowInsufficientBalance(address token, address owner, uint256 balance, uint256 needed);
    /// @notice Thrown when a revocation does not reach further than the one before it.
    error AgreementEscrowRevocationStale(uint32 current, uint32 until);
    /// @notice Thrown when there are no fees to withdraw.
    error AgreementEscrowNoFees(address owner);
    /// @notice Thrown when the receiver of native currency refuses it.
    error AgreementEscrowFeeTransferFailed(address to, uint256 amountWei);

    /// @notice Moves tokens of the sender into its balance.
    /// @dev Assumptions about the token:
    /// - it moves exactly what is asked, or the deposit reverts (fee on transfer is refused);
    /// - the balance of this contract changes only by transfers. Warning: with a token that shrinks balances
    ///   (rebasing), takes a fee later or is upgraded, its own last holders may not get everything back. Other tokens
    ///   are not touched by it.
    /// - a token that freezes an owner freezes that owner's withdrawal only; agreements still end.
    function deposit(address token, uint256 amount) external;

    /// @notice `deposit` with an ERC-2612 permit for it.
    /// @dev A permit that somebody else has submitted first does not block: the allowance then exists already.
    function depositWithPermit(address token, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;

    /// @notice Moves the sender's free balance out. Only the owner can; agents cannot.
    function withdraw(address token, uint256 amount, address to) external;

    /// @notice Voids everything that the sender has signed for `token` with an `openBy` up to `until` and that nobody
    /// has opened yet. Open agreements are not touched.
    /// @param until Unix seconds; only grows.
    function revoke(address token, uint32 until) external;

    /// @notice Takes out the sender's native currency: what it paid beyond an arbitrator's fee, fees that were not
    /// used, and fees that it earned with a ruling.
    function withdrawFees(address payable to) external;

    /// @notice The owner's word for one token.
    function accountOf(address token, address owner) external view returns (Account memory);

    /// @notice Native currency that `withdrawFees` would pay out.
    function feesOf(address owner) external view returns (uint256 amountWei);
}
