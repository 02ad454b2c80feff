// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {PanelChange} from "../types/Panel.sol";

/// @notice EIP-712 struct hashes of what panel members sign.
library PanelLib {
    bytes32 internal constant RULING_TYPEHASH =
        keccak256("Ruling(address arbitrable,uint256 disputeID,uint256 ruling,address payee)");
    bytes32 internal constant CHANGE_TYPEHASH =
        keccak256("Change(uint256 nonce,address[] added,address[] removed,uint8 threshold,uint40 feeGwei)");

    function hashRuling(address arbitrable, uint256 disputeID, uint256 ruling, address payee)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(RULING_TYPEHASH, arbitrable, disputeID, ruling, payee));
    }

    function hash(PanelChange calldata change) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                CHANGE_TYPEHASH,
                change.nonce,
                // Packed arrays of addresses are padded to words, which is the EIP-712 encoding of an array.
                keccak256(abi.encodePacked(change.added)),
                keccak256(abi.encodePacked(change.removed)),
                change.threshold,
                change.feeGwei
            )
        );
    }
}
