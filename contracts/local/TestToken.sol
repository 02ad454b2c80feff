// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title An ERC-20 with permit that anyone may mint: for local chains and tests only
contract TestToken is ERC20, ERC20Permit {
    constructor() ERC20("EaaS test token", "TEST") ERC20Permit("EaaS test token") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
