// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IArbitrable} from "@kleros/erc-792/contracts/IArbitrable.sol";
import {IArbitrator} from "@kleros/erc-792/contracts/IArbitrator.sol";
import {CentralizedArbitratorWithAppeal} from
    "@kleros/erc-792/contracts/examples/CentralizedArbitratorWithAppeal.sol";
import {SimpleCentralizedArbitrator} from "@kleros/erc-792/contracts/examples/SimpleCentralizedArbitrator.sol";

/// @dev The ERC-792 authors' own example: one owner rules, at 0.1 native coins.
contract ForeignArbitrator is SimpleCentralizedArbitrator {}

/// @dev The ERC-792 authors' example with appeals.
contract AppealableArbitrator is CentralizedArbitratorWithAppeal {}

/// @dev A third party's arbitrator with one word per dispute and one owner: what a foreign dispute costs at least.
contract CompactArbitrator is IArbitrator {
    uint256 private immutable _cost;
    address private immutable _owner = msg.sender;
    uint256 private _count;
    mapping(uint256 disputeID => address) private _arbitrables;

    constructor(uint256 cost) {
        _cost = cost;
    }

    function createDispute(uint256, bytes calldata) external payable returns (uint256 disputeID) {
        require(msg.value >= _cost, "unpaid");
        disputeID = ++_count;
        _arbitrables[disputeID] = msg.sender;
        emit DisputeCreation(disputeID, IArbitrable(msg.sender));
    }

    function rule(uint256 disputeID, uint256 ruling) external {
        require(msg.sender == _owner, "not the owner");
        IArbitrable arbitrable = IArbitrable(_arbitrables[disputeID]);
        delete _arbitrables[disputeID];
        arbitrable.rule(disputeID, ruling);
    }

    function appeal(uint256, bytes calldata) external payable {}

    function arbitrationCost(bytes calldata) external view returns (uint256) {
        return _cost;
    }

    function appealCost(uint256, bytes calldata) external pure returns (uint256) {
        return type(uint256).max;
    }

    function appealPeriod(uint256) external pure returns (uint256, uint256) {
        return (0, 0);
    }

    function disputeStatus(uint256 disputeID) external view returns (DisputeStatus) {
        return _arbitrables[disputeID] == address(0) ? DisputeStatus.Solved : DisputeStatus.Waiting;
    }

    function currentRuling(uint256) external pure returns (uint256) {
        return 0;
    }
}
