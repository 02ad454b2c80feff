// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Adversary} from "./support/Adversary.sol";
import {Checks} from "./support/Checks.sol";
import {Market} from "./support/Market.sol";

/// @dev What both campaigns share. One invariant function each, so that no call is spent twice; the numbers of what it
/// checks are in README.md.
abstract contract EscrowInvariant {
    /// @dev As the fuzzer wants it.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Market internal market;
    address[] private _targets;

    function _target(address target) internal {
        _targets.push(target);
    }

    /// @dev Asked by the fuzzer.
    function targetContracts() external view returns (address[] memory) {
        return _targets;
    }

    /// @dev Asked by the fuzzer: checks are not moves.
    function excludeSelectors() external view returns (FuzzSelector[] memory excluded) {
        excluded = new FuzzSelector[](1);
        bytes4[] memory selectors = new bytes4[](2);
        selectors[0] = market.exitAll.selector;
        selectors[1] = market.checkDeal.selector;
        excluded[0] = FuzzSelector({addr: address(market), selectors: selectors});
    }

    function _checkAll(uint256 donated) internal {
        market.checkTotals(donated);
        // Those that a call touched were checked by the call; here one that only time has moved, and any other one.
        uint256 seed = uint256(keccak256(abi.encode(block.timestamp, donated, gasleft())));
        uint256 live = market.live();
        if (live > 0) market.checkDeal(market.liveAt(seed % live));
        market.checkDeal(seed % market.dealCount());
    }
}

/// @dev Honest parties only; nothing may revert.
contract HonestInvariantTest is EscrowInvariant {
    function setUp() external {
        market = new Market();
        market.open(1);
        _target(address(market));
    }

    function invariant_honestParties() external {
        _checkAll(0);
    }

    /// @dev At the end of every run: each party alone gets everything out, by time only.
    function afterInvariant() external {
        market.exitAll();
        market.checkTotals(0);
    }
}

/// @dev Honest parties with an attacker between them.
contract AdversarialInvariantTest is EscrowInvariant {
    Adversary private _adversary;

    function setUp() external {
        market = new Market();
        market.open(1);
        _adversary = new Adversary(market);
        _target(address(market));
        _target(address(_adversary));
    }

    function invariant_attackerNeverWins() external {
        Checks.equal(_adversary.wins(), 0, "an attack worked");
        _checkAll(_adversary.donated());
    }

    function afterInvariant() external {
        market.exitAll();
        Checks.equal(_adversary.wins(), 0, "an attack worked");
    }
}
