// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice A batch of readings: the root of their OpenZeppelin standard Merkle tree and where the leaves are.
/// @param cid Binary CID of the leaves.
struct Batch {
    bytes32 root;
    bytes cid;
}

/// @title Merkle roots of sensor batches, so that anyone can check a reading and when it was fixed
interface IDataAnchor {
    /// @param subject What the batch belongs to, usually an agreement's id.
    event BatchAnchored(address indexed publisher, bytes32 indexed subject, bytes32 root, bytes cid);

    /// @notice Thrown when a publisher anchors a root on the same subject again: the first time stands.
    error DataAnchorAnchoredBefore(bytes32 root, uint256 anchoredAt);
    /// @notice Thrown for an empty batch.
    error DataAnchorEmptyRoot();

    /// @notice Anchors each batch under the sender's name.
    function anchor(bytes32 subject, Batch[] calldata batches) external;

    /// @notice When the publisher anchored the root (Unix seconds), 0 if never.
    function anchoredAt(address publisher, bytes32 subject, bytes32 root) external view returns (uint256);

    /// @notice Whether the publisher anchored a tree with this leaf.
    /// @param leaf `abi.encode` of the leaf's values, as OpenZeppelin's `StandardMerkleTree` hashes them.
    function verify(address publisher, bytes32 subject, bytes32 root, bytes32[] calldata proof, bytes calldata leaf)
        external
        view
        returns (bool);
}
