// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Checks} from "./support/Checks.sol";
import {LonelyExits} from "./support/LonelyExits.sol";
import {Vm} from "./support/Vm.sol";

/// @dev Exit liveness: from every status that a random walk of the honest moves reaches, each party alone gets all it is
/// due by time, while its counterparty and the arbitrator do nothing any more. Forge chooses where the walk starts from.
contract ExitLivenessTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant STATUSES = 10_000;
    /// @dev A walk that needs more than this finds nothing new any more.
    uint256 private constant MAX_MOVES_PER_STATUS = 10;

    event log_named_uint(string name, uint256 value);

    LonelyExits private _market;
    mapping(bytes32 fingerprint => bool) private _seen;
    mapping(bytes32 fingerprint => bool) private _seenCoarse;
    uint256 private _statuses;
    uint256 private _classes;
    uint256 private _exits;

    function setUp() external {
        _market = new LonelyExits();
        _market.open(1);
    }

    /// forge-config: default.fuzz.runs = 1
    /// forge-config: nightly.fuzz.runs = 10
    /// forge-config: quick.fuzz.runs = 1
    function testFuzz_eachPartyAloneGetsAllItIsDue(uint256 seed) external {
        uint256 wanted = vm.envOr("EAAS_EXIT_STATUSES", STATUSES);
        for (uint256 i = 0; _statuses < wanted; ++i) {
            Checks.atMost(i, wanted * MAX_MOVES_PER_STATUS, "moves");
            this.step(uint256(keccak256(abi.encode(seed, i))));
        }
        emit log_named_uint("distinct statuses left by each party alone", _statuses);
        emit log_named_uint("of them different in more than amounts and seconds", _classes);
        emit log_named_uint("exits", _exits);
    }

    /// @dev One move, then one agreement that nobody has left in this status before. A call of its own, for its memory.
    function step(uint256 seed) external {
        _move(seed);
        uint256 live = _market.live();
        if (live == 0) return;
        uint256 index = _market.liveAt((seed >> 16) % live);
        (bytes32 exact, bytes32 coarse) = _market.fingerprintOf(index);
        if (_seen[exact]) return;
        _seen[exact] = true;
        _statuses += 1;
        if (!_seenCoarse[coarse]) _classes += 1;
        _seenCoarse[coarse] = true;

        _mustGetAll(abi.encodeCall(_market.leaveAsProvider, (index, seed >> 32)));
        _mustGetAll(abi.encodeCall(_market.leaveAsCustomer, (index, false)));
        _mustGetAll(abi.encodeCall(_market.leaveAsCustomer, (index, true)));
    }

    /// @dev Leaves and takes it back. What the clock was set to is not taken back by a revert.
    function _mustGetAll(bytes memory leave) private {
        uint256 time = vm.getBlockTimestamp();
        (bool succeeded, bytes memory reason) = address(_market).call(leave);
        vm.warp(time);
        if (succeeded || bytes4(reason) != LonelyExits.GotAll.selector) {
            assembly ("memory-safe") {
                revert(add(reason, 0x20), mload(reason))
            }
        }
        _exits += 1;
    }

    /// @dev Ends are rare, so that agreements grow old.
    function _move(uint256 seed) private {
        uint256 which = seed % 32;
        uint256 a = uint256(keccak256(abi.encode(seed)));
        uint256 b = uint256(keccak256(abi.encode(a)));
        if (which < 6) _market.open(a);
        else if (which < 11) _market.claim(a, b);
        else if (which < 14) _market.report(a);
        else if (which < 17) _market.answer(a);
        else if (which < 21) _market.dispute(a, b % 2 == 0, b);
        else if (which < 23) _market.rule(a, b);
        else if (which < 26) _market.amend(a, b, b >> 128);
        else if (which < 29) _market.wait_(a);
        else if (which < 31) _market.expire(a, true);
        else if (a % 2 == 0) _market.settle(a, b, a);
        else _market.concede(a);
    }
}
