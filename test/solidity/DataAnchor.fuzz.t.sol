// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {DataAnchor} from "../../contracts/DataAnchor.sol";
import {Batch, IDataAnchor} from "../../contracts/interfaces/IDataAnchor.sol";
import {Checks} from "./support/Checks.sol";
import {Vm} from "./support/Vm.sol";

/// @dev Trees of four leaves, built here from the description of the format.
contract DataAnchorFuzzTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    DataAnchor private _anchor;

    function setUp() external {
        vm.warp(1_800_000_000);
        _anchor = new DataAnchor();
    }

    function testFuzz_verifiesExactlyTheLeavesOfTheTree(
        bytes32 subject,
        bytes[4] calldata leaves,
        bytes calldata stranger,
        uint256 index
    ) external {
        index %= 4;
        bytes32[4] memory hashes = [_leaf(leaves[0]), _leaf(leaves[1]), _leaf(leaves[2]), _leaf(leaves[3])];
        bytes32 root = _pair(_pair(hashes[0], hashes[1]), _pair(hashes[2], hashes[3]));
        bytes32[] memory proof = new bytes32[](2);
        proof[0] = hashes[index ^ 1];
        proof[1] = index < 2 ? _pair(hashes[2], hashes[3]) : _pair(hashes[0], hashes[1]);

        Checks.isTrue(
            !_anchor.verify(address(this), subject, root, proof, leaves[index]), "verified before it was anchored"
        );
        _anchor.anchor(subject, _batch(root));
        Checks.isTrue(_anchor.verify(address(this), subject, root, proof, leaves[index]), "a leaf");

        bytes32 strange = _leaf(stranger);
        bool isSame = strange == hashes[index];
        Checks.isTrue(_anchor.verify(address(this), subject, root, proof, stranger) == isSame, "another leaf");
        Checks.isTrue(!_anchor.verify(address(_anchor), subject, root, proof, leaves[index]), "another publisher");
        Checks.isTrue(!_anchor.verify(address(this), ~subject, root, proof, leaves[index]), "another subject");
        // An inner node, given for a leaf with the proof that would fit it.
        bytes32[] memory shorter = new bytes32[](1);
        shorter[0] = _pair(hashes[2], hashes[3]);
        bytes memory inner =
            hashes[0] < hashes[1] ? bytes.concat(hashes[0], hashes[1]) : bytes.concat(hashes[1], hashes[0]);
        Checks.isTrue(!_anchor.verify(address(this), subject, root, shorter, inner), "an inner node");
    }

    function testFuzz_anchorsEachRootOnce(bytes32 subject, bytes32 root, uint32 later) external {
        if (root == bytes32(0)) vm.expectPartialRevert(IDataAnchor.DataAnchorEmptyRoot.selector);
        _anchor.anchor(subject, _batch(root));
        if (root == bytes32(0)) return;

        uint256 anchoredAt = vm.getBlockTimestamp();
        vm.warp(anchoredAt + later);
        vm.expectPartialRevert(IDataAnchor.DataAnchorAnchoredBefore.selector);
        _anchor.anchor(subject, _batch(root));
        Checks.equal(_anchor.anchoredAt(address(this), subject, root), anchoredAt, "anchored at");
    }

    function _batch(bytes32 root) private pure returns (Batch[] memory batches) {
        batches = new Batch[](1);
        batches[0].root = root;
    }

    function _leaf(bytes calldata leaf) private pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(leaf)));
    }

    function _pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(bytes.concat(a, b)) : keccak256(bytes.concat(b, a));
    }
}
