// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IPanelArbitrator} from "../interfaces/IPanelArbitrator.sol";
import {PanelLib} from "../libraries/PanelLib.sol";
import {PanelChange} from "../types/Panel.sol";

/// @dev Who sits on the panel, how many must sign, what a dispute costs, and how that changes.
abstract contract PanelMembers is IPanelArbitrator, EIP712 {
    using PanelLib for PanelChange;

    /// @dev One word: read whole with every ruling.
    struct Config {
        uint8 memberCount;
        uint8 threshold;
        uint40 feeGwei;
        uint64 changeNonce;
    }

    struct Scheduled {
        bytes32 changeHash;
        uint256 applicableAt;
    }

    /// @notice How long a change is announced before it can be applied, in seconds.
    uint256 public immutable changeDelaySec;
    Config internal _config;
    Scheduled private _scheduled;
    mapping(address account => bool) private _members;

    constructor(address[] memory members, uint8 threshold, uint40 feeGwei, uint256 delaySec)
        EIP712("EaaS PanelArbitrator", "1")
    {
        changeDelaySec = delaySec;
        for (uint256 i = 0; i < members.length; ++i) {
            _add(members[i]);
        }
        _configure(members.length, threshold, feeGwei);
    }

    /// @inheritdoc IPanelArbitrator
    function scheduleChange(PanelChange calldata change, bytes[] calldata signatures) external {
        uint256 nonce = _config.changeNonce;
        if (change.nonce != nonce) revert PanelArbitratorNonceMismatch(nonce, change.nonce);
        bytes32 changeHash = change.hash();
        _requireSigned(changeHash, signatures);

        _config.changeNonce = uint64(nonce + 1);
        uint256 applicableAt = block.timestamp + changeDelaySec;
        _scheduled = Scheduled(changeHash, applicableAt);
        emit ChangeScheduled(changeHash, nonce, applicableAt);
    }

    /// @inheritdoc IPanelArbitrator
    function applyChange(PanelChange calldata change) external {
        bytes32 changeHash = change.hash();
        Scheduled memory scheduled = _scheduled;
        if (changeHash != scheduled.changeHash || block.timestamp < scheduled.applicableAt) {
            revert PanelArbitratorChangeNotReady(changeHash, scheduled.applicableAt);
        }

        delete _scheduled;
        for (uint256 i = 0; i < change.removed.length; ++i) {
            _remove(change.removed[i]);
        }
        for (uint256 i = 0; i < change.added.length; ++i) {
            _add(change.added[i]);
        }
        // Every removed one was a member: no underflow.
        uint256 memberCount = _config.memberCount - change.removed.length + change.added.length;
        _configure(memberCount, change.threshold, change.feeGwei);
        emit ChangeApplied(changeHash, memberCount, change.threshold, change.feeGwei);
    }

    /// @inheritdoc IPanelArbitrator
    function isMember(address account) external view returns (bool) {
        return _members[account];
    }

    /// @notice Members, signatures needed, fee, and the nonce of the next change.
    function config() external view returns (Config memory) {
        return _config;
    }

    /// @notice The announced change, zero when there is none.
    function scheduledChange() external view returns (Scheduled memory) {
        return _scheduled;
    }

    function _requireSigned(bytes32 structHash, bytes[] calldata signatures) internal view {
        uint256 threshold = _config.threshold;
        if (signatures.length < threshold) revert PanelArbitratorTooFewSignatures(signatures.length, threshold);

        bytes32 digest = _hashTypedDataV4(structHash);
        address last = address(0);
        for (uint256 i = 0; i < threshold; ++i) {
            (address signer,,) = ECDSA.tryRecoverCalldata(digest, signatures[i]);
            if (signer <= last || !_members[signer]) revert PanelArbitratorInvalidSigner(signer);
            last = signer;
        }
    }

    function _configure(uint256 memberCount, uint8 threshold, uint40 feeGwei) private {
        if (threshold == 0 || threshold > memberCount || memberCount > type(uint8).max) {
            revert PanelArbitratorInvalidThreshold(threshold, memberCount);
        }
        _config.memberCount = uint8(memberCount);
        _config.threshold = threshold;
        _config.feeGwei = feeGwei;
    }

    function _add(address member) private {
        if (member == address(0) || _members[member]) revert PanelArbitratorInvalidMember(member);
        _members[member] = true;
        emit MemberAdded(member);
    }

    function _remove(address member) private {
        if (!_members[member]) revert PanelArbitratorInvalidMember(member);
        _members[member] = false;
        emit MemberRemoved(member);
    }
}
