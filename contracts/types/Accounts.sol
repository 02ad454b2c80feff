// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice One owner's word for one token; 256 bits. Counters saturate.
/// @param balance Free to be locked or withdrawn. Locked stakes are implied by the open agreements.
/// @param value Total paid through ended agreements, as either party.
/// @param revokedUntil Terms with an `openBy` up to here can no longer be opened for this owner.
/// @param honoured Agreements that ended with both parties having kept their word.
/// @param breached Agreements that this owner broke as provider.
/// @param disputesLost Rulings against this owner.
struct Account {
    uint96 balance;
    uint80 value;
    uint32 revokedUntil;
    uint16 honoured;
    uint16 breached;
    uint16 disputesLost;
}

/// @notice A hot key that acts for an owner on this escrow, for one token.
/// @param token The only token it may act on.
/// @param expiresAt First second (Unix) at which it may no longer act.
/// @param cap Value that it may still commit: stakes it locks, and what it gives away of its owner's stakes.
struct Agent {
    address token;
    uint40 expiresAt;
    uint128 cap;
}
