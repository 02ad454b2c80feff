// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Batch, IDataAnchor} from "./interfaces/IDataAnchor.sol";

/// @title DataAnchor: who fixed which readings, and when
contract DataAnchor is IDataAnchor {
    mapping(address publisher => mapping(bytes32 subject => mapping(bytes32 root => uint256 timestamp))) private
        _anchoredAt;

    /// @inheritdoc IDataAnchor
    function anchor(bytes32 subject, Batch[] calldata batches) external {
        mapping(bytes32 root => uint256 timestamp) storage anchored = _anchoredAt[msg.sender][subject];
        for (uint256 i = 0; i < batches.length; ++i) {
            Batch calldata batch = batches[i];
            if (batch.root == bytes32(0)) revert DataAnchorEmptyRoot();
            if (anchored[batch.root] != 0) revert DataAnchorAnchoredBefore(batch.root, anchored[batch.root]);

            anchored[batch.root] = block.timestamp;
            emit BatchAnchored(msg.sender, subject, batch.root, batch.cid);
        }
    }

    /// @inheritdoc IDataAnchor
    function anchoredAt(address publisher, bytes32 subject, bytes32 root) external view returns (uint256) {
        return _anchoredAt[publisher][subject][root];
    }

    /// @inheritdoc IDataAnchor
    function verify(address publisher, bytes32 subject, bytes32 root, bytes32[] calldata proof, bytes calldata leaf)
        external
        view
        returns (bool)
    {
        // Hashed twice, so that an inner node can never pass for a leaf.
        bytes32 leafHash = keccak256(bytes.concat(keccak256(leaf)));
        return _anchoredAt[publisher][subject][root] != 0 && MerkleProof.verifyCalldata(proof, root, leafHash);
    }
}
