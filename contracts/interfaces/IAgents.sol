// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Agent} from "../types/Accounts.sol";

/// @title Agents: hot keys that an owner names to sign and send for it
/// @notice An agent can do everything its owner can with agreements in one token, and nothing else: it cannot withdraw,
/// revoke, or name agents. What it may commit in all is capped, so that a stolen key loses at most the cap.
interface IAgents {
    event AgentSet(address indexed owner, address indexed agent, address token, uint40 expiresAt, uint128 cap);
    event AgentCharged(address indexed owner, address indexed agent, uint256 value);
    event AgentRevoked(address indexed owner, address indexed agent);

    /// @notice Thrown when an owner names nobody or itself, or an expiry that has passed.
    error AgreementEscrowInvalidAgent(address agent, uint40 expiresAt);
    /// @notice Thrown when an agent commits more than is left of its cap.
    error AgreementEscrowAgentCapExceeded(address owner, address agent, uint256 cap, uint256 value);
    /// @notice Thrown when neither the owner nor an agent of it signed (or sent) what is bound by `digest`.
    /// @param signer Who did; zero when the signature is malformed.
    error AgreementEscrowNotAuthorized(address owner, address signer, bytes32 digest);

    /// @notice Names an agent, or replaces what it may do.
    /// @param token The only token that it may act on.
    /// @param expiresAt First second (Unix) at which it may no longer act.
    /// @param cap Stakes that it may lock plus what it may give away of stakes, in all, in units of the token.
    function setAgent(address agent, address token, uint40 expiresAt, uint128 cap) external;

    function revokeAgent(address agent) external;

    /// @notice Whether the agent has been named and has neither expired nor been revoked.
    function isAgent(address owner, address agent) external view returns (bool);

    function agentOf(address owner, address agent) external view returns (Agent memory);
}
