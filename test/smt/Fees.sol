// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vault} from "../../contracts/abstracts/Vault.sol";

/// Crediting a fee credits exactly that, to its owner and to nobody else.
contract FeeCreditIsExact is Vault {
    function prove(address owner, address other, uint256 amountWei) external {
        uint256 before = _fees[owner];
        uint256 others = _fees[other];
        _creditFee(owner, amountWei);
        assert(_fees[owner] == before + amountWei);
        assert(owner == other || _fees[other] == others);
    }
}
