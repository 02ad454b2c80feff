// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @dev What a test says when something does not hold, with the values.
library Checks {
    error NotEqual(string what, uint256 actual, uint256 expected);
    error TooLarge(string what, uint256 actual, uint256 limit);
    error NotTrue(string what);

    function equal(uint256 actual, uint256 expected, string memory what) internal pure {
        if (actual != expected) revert NotEqual(what, actual, expected);
    }

    function atMost(uint256 actual, uint256 limit, string memory what) internal pure {
        if (actual > limit) revert TooLarge(what, actual, limit);
    }

    function isTrue(bool condition, string memory what) internal pure {
        if (!condition) revert NotTrue(what);
    }
}
