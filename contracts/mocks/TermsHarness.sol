// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TermsLib} from "../libraries/TermsLib.sol";
import {Arbitration, Outcome} from "../types/Agreements.sol";

/// @dev Makes the struct hashes visible, so that a test can compare them with the TypeScript definition.
contract TermsHarness {
    using TermsLib for Arbitration;

    error UnknownType(string name);

    function hashArbitration(Arbitration calldata arbitration) external pure returns (bytes32) {
        return arbitration.hash();
    }

    function hashReceipt(bytes32 id, uint128 earned) external pure returns (bytes32) {
        return TermsLib.hashReceipt(id, earned);
    }

    function hashSettlement(bytes32 id, uint128 toProvider, Outcome outcome) external pure returns (bytes32) {
        return TermsLib.hashSettlement(id, toProvider, outcome);
    }

    function hashAmendment(bytes32 id, uint128 customerStake, uint40 endsAt) external pure returns (bytes32) {
        return TermsLib.hashAmendment(id, customerStake, endsAt);
    }

    function typehashOf(string calldata name) external pure returns (bytes32) {
        bytes32 key = keccak256(bytes(name));
        if (key == keccak256("Terms")) return TermsLib.TERMS_TYPEHASH;
        if (key == keccak256("Arbitration")) return TermsLib.ARBITRATION_TYPEHASH;
        if (key == keccak256("Receipt")) return TermsLib.RECEIPT_TYPEHASH;
        if (key == keccak256("Settlement")) return TermsLib.SETTLEMENT_TYPEHASH;
        if (key == keccak256("Amendment")) return TermsLib.AMENDMENT_TYPEHASH;
        revert UnknownType(name);
    }
}
