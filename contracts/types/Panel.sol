// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice One plain ERC-792 dispute; 256 bits.
/// @param arbitrable Asked, is told the ruling, and gets the fee back if the panel stays silent.
/// @param ruleBy First second (Unix) at which the panel may no longer rule.
/// @param feeGwei What was paid.
/// @param choices Highest ruling.
/// @param solved 0 while open, 1 + ruling once ruled, 255 once refunded.
struct PanelDispute {
    address arbitrable;
    uint40 ruleBy;
    uint40 feeGwei;
    uint8 choices;
    uint8 solved;
}

/// @notice A change of the panel, signed by `threshold` members; takes effect after the delay.
/// @param nonce The panel's current one: each change can be scheduled once.
/// @param feeGwei The new fee. Disputes that exist keep theirs.
struct PanelChange {
    uint256 nonce;
    address[] added;
    address[] removed;
    uint8 threshold;
    uint40 feeGwei;
}
