// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice The word of a provider's lane: which agreement it holds and the facts about it.
/// Bits 0-7 are flags, bits 8-47 the latest `openBy` ever opened there, bits 48-255 the top of the agreement's id.
/// The word is never cleared: the next agreement of the lane overwrites it, and its `openBy` is what makes terms
/// impossible to open twice.
library LaneLib {
    uint256 internal constant OPEN = 1;
    uint256 internal constant CLAIMED = 2;
    uint256 internal constant REPORTED = 4;
    uint256 internal constant ANSWERED = 8;
    uint256 internal constant DISPUTED = 16;
    uint256 internal constant AMENDED = 32;
    /// The provider asked the arbitrator, not the customer.
    uint256 internal constant BY_PROVIDER = 64;

    uint256 private constant FLAGS = 0xff;
    uint256 private constant OPEN_BY_SHIFT = 8;
    uint256 private constant TAG_SHIFT = 48;

    function keyOf(address provider, uint32 lane) internal pure returns (uint256) {
        return (uint256(uint160(provider)) << 32) | lane;
    }

    function opened(bytes32 id, uint40 openBy) internal pure returns (uint256) {
        return (uint256(id) >> TAG_SHIFT << TAG_SHIFT) | (uint256(openBy) << OPEN_BY_SHIFT) | OPEN;
    }

    function ended(uint256 word) internal pure returns (uint256) {
        return word & ~FLAGS;
    }

    /// @dev 208 bits of a digest: finding two terms that share them takes about 2^104 hashes.
    function holds(uint256 word, bytes32 id) internal pure returns (bool) {
        return (word ^ uint256(id)) >> TAG_SHIFT == 0;
    }

    function has(uint256 word, uint256 flag) internal pure returns (bool) {
        return word & flag != 0;
    }

    function lastOpenBy(uint256 word) internal pure returns (uint40) {
        return uint40(word >> OPEN_BY_SHIFT);
    }
}
