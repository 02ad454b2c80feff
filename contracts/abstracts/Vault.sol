// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IVault} from "../interfaces/IVault.sol";
import {AccountLib} from "../libraries/AccountLib.sol";
import {Account} from "../types/Accounts.sol";

/// @dev Balances per token and owner. The only place where tokens move; everything else moves words.
abstract contract Vault is IVault, ReentrancyGuardTransient {
    using AccountLib for uint256;
    using SafeERC20 for IERC20;

    mapping(address token => mapping(address owner => uint256 word)) internal _accounts;
    mapping(address owner => uint256 amountWei) internal _fees;

    /// @inheritdoc IVault
    function deposit(address token, uint256 amount) external nonReentrant {
        _deposit(token, amount);
    }

    /// @inheritdoc IVault
    function depositWithPermit(address token, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        nonReentrant
    {
        // A failed permit is judged by the allowance: the transfer below fails without it.
        try IERC20Permit(token).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _deposit(token, amount);
    }

    /// @inheritdoc IVault
    function withdraw(address token, uint256 amount, address to) external nonReentrant {
        if (amount == 0) revert AgreementEscrowZeroAmount();
        uint256 word = _accounts[token][msg.sender];
        if (word.balanceOf() < amount) {
            revert AgreementEscrowInsufficientBalance(token, msg.sender, word.balanceOf(), amount);
        }

        _accounts[token][msg.sender] = word.minusBalance(amount);
        emit Withdrawn(token, msg.sender, to, amount);

        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransfer(to, amount);
        uint256 left = IERC20(token).balanceOf(address(this));
        // More must not leave than was asked, or others would pay for it; less means that the receiver got less.
        if (left + amount != before) revert AgreementEscrowTransferMismatch(token, amount, Math.saturatingSub(before, left));
    }

    /// @inheritdoc IVault
    function revoke(address token, uint32 until) external {
        Account memory account = _accounts[token][msg.sender].unpack();
        if (until <= account.revokedUntil) revert AgreementEscrowRevocationStale(account.revokedUntil, until);

        account.revokedUntil = until;
        _accounts[token][msg.sender] = AccountLib.pack(account);
        emit Revoked(token, msg.sender, until);
    }

    /// @inheritdoc IVault
    function withdrawFees(address payable to) external nonReentrant {
        uint256 amountWei = _fees[msg.sender];
        if (amountWei == 0) revert AgreementEscrowNoFees(msg.sender);

        _fees[msg.sender] = 0;
        emit FeesWithdrawn(msg.sender, to, amountWei);

        (bool sent,) = to.call{value: amountWei}("");
        if (!sent) revert AgreementEscrowFeeTransferFailed(to, amountWei);
    }

    /// @inheritdoc IVault
    function accountOf(address token, address owner) external view returns (Account memory) {
        return _accounts[token][owner].unpack();
    }

    /// @inheritdoc IVault
    function feesOf(address owner) external view returns (uint256 amountWei) {
        return _fees[owner];
    }

    /// @dev Takes a stake out of the free balance. That it is locked is known from the agreement alone.
    function _lock(address token, address owner, uint256 word, uint256 stake) internal {
        uint256 balance = word.balanceOf();
        if (balance < stake) revert AgreementEscrowInsufficientBalance(token, owner, balance, stake);
        _accounts[token][owner] = word.minusBalance(stake);
    }

    /// @dev Credits only what arrived. The bound on what the escrow holds is what lets every later credit fit.
    function _deposit(address token, uint256 amount) private {
        if (amount == 0) revert AgreementEscrowZeroAmount();

        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 held = IERC20(token).balanceOf(address(this));
        if (held > type(uint96).max) revert AgreementEscrowVaultFull(token, held);
        if (held != before + amount) revert AgreementEscrowTransferMismatch(token, amount, Math.saturatingSub(held, before));

        _accounts[token][msg.sender] = _accounts[token][msg.sender].plusBalance(amount);
        emit Deposited(token, msg.sender, amount);
    }
}
