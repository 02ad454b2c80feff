// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAgreementArbitrator} from "../interfaces/IAgreementArbitrator.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {Arbitration, Terms} from "../types/Agreements.sol";

/// @dev An arbitrator that changes its fee, refuses, re-enters or pretends, as it is told.
contract HostileArbitrator {
    uint256 public cost;
    bool public refuses;
    bool public direct;
    bytes public reentry;
    bool public reentered;
    uint256 public nextDispute = 1;
    uint256 public choices;

    receive() external payable {}

    function set(uint256 cost_, bool refuses_, bool direct_) external {
        cost = cost_;
        refuses = refuses_;
        direct = direct_;
    }

    function setReentry(bytes calldata call_) external {
        reentry = call_;
    }

    function setNextDispute(uint256 disputeID) external {
        nextDispute = disputeID;
    }

    function createDispute(uint256 choices_, bytes calldata) external payable returns (uint256) {
        require(!refuses, "refused");
        choices = choices_;
        if (reentry.length > 0) (reentered,) = msg.sender.call(reentry);
        return nextDispute;
    }

    function rulePlain(address escrow, uint256 disputeID, uint256 ruling) external {
        (bool succeeded, bytes memory result) =
            escrow.call(abi.encodeWithSignature("rule(uint256,uint256)", disputeID, ruling));
        if (!succeeded) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
    }

    function ruleDirect(
        IDisputes escrow,
        Terms calldata terms,
        Arbitration calldata arbitration,
        bytes32 id,
        uint256 ruling,
        address payee
    ) external {
        escrow.ruleAgreement(terms, arbitration, id, ruling, payee);
    }

    function arbitrationCost(bytes calldata) external view returns (uint256) {
        return cost;
    }

    function agreementFee(bytes calldata) external view returns (uint256) {
        return cost;
    }

    function supportsInterface(bytes4 interfaceId) external view returns (bool) {
        return direct && interfaceId == type(IAgreementArbitrator).interfaceId;
    }
}
