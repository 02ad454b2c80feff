// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Account} from "../types/Accounts.sol";

/// @notice Packs an `Account` into the one word that is stored, so that each change is one read and one write.
/// Bits 0-95 balance, 96-175 value, 176-207 revokedUntil, 208-223 honoured, 224-239 breached, 240-255 disputesLost.
library AccountLib {
    function unpack(uint256 word) internal pure returns (Account memory account) {
        account.balance = uint96(word);
        account.value = uint80(word >> 96);
        account.revokedUntil = uint32(word >> 176);
        account.honoured = uint16(word >> 208);
        account.breached = uint16(word >> 224);
        account.disputesLost = uint16(word >> 240);
    }

    function pack(Account memory account) internal pure returns (uint256) {
        return uint256(account.balance) | (uint256(account.value) << 96) | (uint256(account.revokedUntil) << 176)
            | (uint256(account.honoured) << 208) | (uint256(account.breached) << 224)
            | (uint256(account.disputesLost) << 240);
    }

    function balanceOf(uint256 word) internal pure returns (uint256) {
        return uint96(word);
    }

    function revokedUntil(uint256 word) internal pure returns (uint256) {
        return uint32(word >> 176);
    }

    /// @dev No part of the word overflows into another: the caller has checked that the balance covers `amount`.
    function minusBalance(uint256 word, uint256 amount) internal pure returns (uint256) {
        unchecked {
            return word - amount;
        }
    }

    /// @dev All balances and stakes of a token together never exceed 2^96 - 1: deposits see to that.
    function plusBalance(uint256 word, uint256 amount) internal pure returns (uint256) {
        unchecked {
            return word + amount;
        }
    }

    function plusValue(uint256 word, uint256 amount) internal pure returns (uint256) {
        uint256 value = uint80(word >> 96);
        unchecked {
            // Both are far below 2^255; the sum is cut at the top of the field.
            uint256 sum = value + amount;
            if (sum > type(uint80).max) sum = type(uint80).max;
            return word + ((sum - value) << 96);
        }
    }

    function plusHonoured(uint256 word) internal pure returns (uint256) {
        return _plusOne(word, 208);
    }

    function plusBreached(uint256 word) internal pure returns (uint256) {
        return _plusOne(word, 224);
    }

    function plusDisputesLost(uint256 word) internal pure returns (uint256) {
        return _plusOne(word, 240);
    }

    function _plusOne(uint256 word, uint256 shift) private pure returns (uint256) {
        if (uint16(word >> shift) == type(uint16).max) return word;
        unchecked {
            // The field is below its maximum: no carry.
            return word + (1 << shift);
        }
    }
}
