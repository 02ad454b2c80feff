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

    /// @dev See `AccountLib` for what is in it. A struct so that a place in storage is found once and passed on.
    struct Word {
        uint256 word;
    }

    mapping(address token => mapping(address owner => Word)) internal _accounts;
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
        _take(_accounts[token][msg.sender], token, msg.sender, amount);
        emit Withdrawn(token, msg.sender, to, amount);

        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransfer(to, amount);
        uint256 left = IERC20(token).balanceOf(address(this));
        // More must not leave than was asked, or others would pay for it; less means that the receiver got less.
        if (left + amount != before) {
            revert AgreementEscrowTransferMismatch(token, amount, Math.saturatingSub(before, left));
        }
    }

    /// @inheritdoc IVault
    function revoke(address token, uint32 until) external {
        Word storage stored = _accounts[token][msg.sender];
        Account memory account = stored.word.unpack();
        if (until <= account.revokedUntil) revert AgreementEscrowRevocationStale(account.revokedUntil, until);

        account.revokedUntil = until;
        stored.word = AccountLib.pack(account);
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
        return _accounts[token][owner].word.unpack();
    }

    /// @inheritdoc IVault
    function feesOf(address owner) external view returns (uint256 amountWei) {
        return _fees[owner];
    }

    /// @dev Takes an amount out of the free balance. That a stake is locked is known from its agreement alone.
    function _take(Word storage account, address token, address owner, uint256 amount) internal {
        uint256 word = account.word;
        uint256 balance = word.balanceOf();
        if (balance < amount) revert AgreementEscrowInsufficientBalance(token, owner, balance, amount);
        account.word = word.minusBalance(amount);
    }

    function _creditFee(address owner, uint256 amountWei) internal {
        uint256 balanceWei = _fees[owner] + amountWei;
        _fees[owner] = balanceWei;
        emit FeesCredited(owner, balanceWei);
    }

    /// @dev Credits only what arrived. The bound on what the escrow holds is what lets every later credit fit.
    function _deposit(address token, uint256 amount) private {
        if (amount == 0) revert AgreementEscrowZeroAmount();

        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 held = IERC20(token).balanceOf(address(this));
        if (held > type(uint96).max) revert AgreementEscrowVaultFull(token, held);
        if (held != before + amount) {
            revert AgreementEscrowTransferMismatch(token, amount, Math.saturatingSub(held, before));
        }

        Word storage account = _accounts[token][msg.sender];
        account.word = account.word.plusBalance(amount);
        emit Deposited(token, msg.sender, amount);
    }
}
