// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IArbitrator} from "@kleros/erc-792/contracts/IArbitrator.sol";
import {IPanelArbitrator} from "../interfaces/IPanelArbitrator.sol";

/// @dev An arbitrable of somebody else, which remembers what it was told.
contract RecordingArbitrable {
    uint256 public lastRuling;

    receive() external payable {}

    function raise(IArbitrator arbitrator, uint256 choices) external payable {
        arbitrator.createDispute{value: msg.value}(choices, "");
    }

    function rule(uint256, uint256 ruling) external {
        lastRuling = ruling;
    }

    function collect(IPanelArbitrator panel) external {
        panel.withdraw(payable(address(this)));
    }
}
