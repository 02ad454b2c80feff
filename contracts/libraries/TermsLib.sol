// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAgreementEscrow} from "../interfaces/IAgreementEscrow.sol";
import {Arbitration, Outcome, Terms} from "../types/Agreements.sol";

/// @notice EIP-712 struct hashes of everything that the escrow checks a signature on.
library TermsLib {
    bytes32 internal constant TERMS_TYPEHASH = keccak256(
        "Terms(address customer,address provider,address token,uint128 customerStake,uint128 providerStake,"
        "uint40 openBy,uint40 endsAt,uint32 responseWindowSec,uint32 lane,bytes32 arbitrationHash,bytes32 dutiesHash)"
    );
    bytes32 internal constant ARBITRATION_TYPEHASH = keccak256(
        "Arbitration(address arbitrator,uint128 maxFeeWei,uint32 rulingWindowSec,uint16 feeShareBps,bytes extraData)"
    );
    bytes32 internal constant RECEIPT_TYPEHASH = keccak256("Receipt(bytes32 agreementId,uint128 earned)");
    bytes32 internal constant SETTLEMENT_TYPEHASH =
        keccak256("Settlement(bytes32 agreementId,uint128 toProvider,uint8 outcome)");
    bytes32 internal constant AMENDMENT_TYPEHASH =
        keccak256("Amendment(bytes32 agreementId,uint128 customerStake,uint40 endsAt)");

    /// @dev Hashes the calldata words as they are. A field with dirty high bits gives another hash, which nobody
    /// signed, and reading that field reverts.
    function hash(Terms calldata terms) internal pure returns (bytes32 structHash) {
        bytes32 typehash = TERMS_TYPEHASH;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore(buffer, typehash)
            calldatacopy(add(buffer, 0x20), terms, 0x160)
            structHash := keccak256(buffer, 0x180)
        }
    }

    /// @dev `emit AgreementOpened(id, terms)` without reading field by field what is copied as a whole.
    function emitOpened(Terms calldata terms, bytes32 id) internal {
        bytes32 topic = IAgreementEscrow.AgreementOpened.selector;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            calldatacopy(buffer, terms, 0x160)
            log2(buffer, 0x160, topic, id)
        }
    }

    function hash(Arbitration calldata arbitration) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                ARBITRATION_TYPEHASH,
                arbitration.arbitrator,
                arbitration.maxFeeWei,
                arbitration.rulingWindowSec,
                arbitration.feeShareBps,
                keccak256(arbitration.extraData)
            )
        );
    }

    function hashReceipt(bytes32 id, uint128 earned) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECEIPT_TYPEHASH, id, earned));
    }

    function hashSettlement(bytes32 id, uint128 toProvider, Outcome outcome) internal pure returns (bytes32) {
        return keccak256(abi.encode(SETTLEMENT_TYPEHASH, id, toProvider, outcome));
    }

    function hashAmendment(bytes32 id, uint128 customerStake, uint40 endsAt) internal pure returns (bytes32) {
        return keccak256(abi.encode(AMENDMENT_TYPEHASH, id, customerStake, endsAt));
    }
}
