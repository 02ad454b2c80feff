// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IAgents} from "../interfaces/IAgents.sol";
import {Agent} from "../types/Accounts.sol";

/// @dev Who may speak for an owner: the owner (key or ERC-1271 contract) and its agents.
abstract contract Agents is IAgents {
    mapping(address owner => mapping(address agent => Agent)) private _agents;

    /// @inheritdoc IAgents
    function setAgent(address agent, address token, uint40 expiresAt, uint128 cap) external {
        if (agent == address(0) || agent == msg.sender || expiresAt <= block.timestamp) {
            revert AgreementEscrowInvalidAgent(agent, expiresAt);
        }

        _agents[msg.sender][agent] = Agent({token: token, expiresAt: expiresAt, cap: cap});
        emit AgentSet(msg.sender, agent, token, expiresAt, cap);
    }

    /// @inheritdoc IAgents
    function revokeAgent(address agent) external {
        delete _agents[msg.sender][agent];
        emit AgentRevoked(msg.sender, agent);
    }

    /// @inheritdoc IAgents
    function isAgent(address owner, address agent) external view returns (bool) {
        return _agents[owner][agent].expiresAt > block.timestamp;
    }

    /// @inheritdoc IAgents
    function agentOf(address owner, address agent) external view returns (Agent memory) {
        return _agents[owner][agent];
    }

    /// @dev Key first, agent second, contract last: a recovered address that is the owner's is sufficient, and asking
    /// for code first would cost a cold account access. `value` is what the owner commits by this signature.
    function _requireConsent(address owner, bytes32 digest, bytes calldata signature, address token, uint256 value)
        internal
    {
        if (signature.length == 0) return _requireSender(owner, token, value);

        (address signer,,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (signer == owner && owner != address(0)) return;
        if (signer != address(0) && _charge(owner, signer, token, value)) return;
        if (SignatureChecker.isValidERC1271SignatureNowCalldata(owner, digest, signature)) return;
        revert AgreementEscrowNotAuthorized(owner, signer, digest);
    }

    function _requireSender(address owner, address token, uint256 value) internal {
        if (msg.sender == owner || _charge(owner, msg.sender, token, value)) return;
        revert AgreementEscrowNotAuthorized(owner, msg.sender, bytes32(0));
    }

    function _isAgentOn(address owner, address agent, address token) internal view returns (bool) {
        Agent storage entry = _agents[owner][agent];
        return entry.expiresAt > block.timestamp && entry.token == token;
    }

    /// @return Whether it is an agent at all; one that commits too much is told so.
    function _charge(address owner, address agent, address token, uint256 value) private returns (bool) {
        if (!_isAgentOn(owner, agent, token)) return false;
        if (value == 0) return true;

        Agent storage entry = _agents[owner][agent];
        uint256 cap = entry.cap;
        if (value > cap) revert AgreementEscrowAgentCapExceeded(owner, agent, cap, value);
        entry.cap = uint128(cap - value);
        emit AgentCharged(owner, agent, value);
        return true;
    }
}
