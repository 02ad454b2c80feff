// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AccountLib} from "../../contracts/libraries/AccountLib.sol";
import {LaneLib} from "../../contracts/libraries/LaneLib.sol";
import {Account} from "../../contracts/types/Accounts.sol";
import {Checks} from "./support/Checks.sol";

/// @dev The two words that everything is kept in: no field may touch another.
contract LibrariesTest {
    using AccountLib for uint256;
    using LaneLib for uint256;

    function testFuzz_accountSurvivesPacking(Account memory account) external pure {
        Account memory back = AccountLib.pack(account).unpack();
        Checks.isTrue(keccak256(abi.encode(back)) == keccak256(abi.encode(account)), "packing lost something");
    }

    function testFuzz_everyWordIsAnAccount(uint256 word) external pure {
        Checks.equal(AccountLib.pack(word.unpack()), word, "unpacking lost something");
        Checks.equal(word.balanceOf(), word.unpack().balance, "balance");
        Checks.equal(word.revokedUntil(), word.unpack().revokedUntil, "revokedUntil");
    }

    function testFuzz_balanceMovesAlone(Account memory account, uint96 amount) external pure {
        uint256 word = AccountLib.pack(account);
        if (amount <= account.balance) {
            Account memory less = word.minusBalance(amount).unpack();
            Checks.equal(less.balance, account.balance - amount, "balance");
            less.balance = account.balance;
            Checks.equal(AccountLib.pack(less), word, "another field moved");
        }
        if (uint256(account.balance) + amount <= type(uint96).max) {
            Account memory more = word.plusBalance(amount).unpack();
            Checks.equal(more.balance, account.balance + amount, "balance");
            more.balance = account.balance;
            Checks.equal(AccountLib.pack(more), word, "another field moved");
        }
    }

    function testFuzz_valueSaturatesAlone(Account memory account, uint128 amount) external pure {
        uint256 word = AccountLib.pack(account);
        Account memory more = word.plusValue(amount).unpack();
        uint256 sum = uint256(account.value) + amount;
        Checks.equal(more.value, sum > type(uint80).max ? type(uint80).max : sum, "value");
        more.value = account.value;
        Checks.equal(AccountLib.pack(more), word, "another field moved");
    }

    function testFuzz_countersSaturateAlone(Account memory account) external pure {
        uint256 word = AccountLib.pack(account);
        Account memory expected = word.unpack();
        expected.honoured = _plusOne(account.honoured);
        Checks.equal(word.plusHonoured(), AccountLib.pack(expected), "honoured");
        expected = word.unpack();
        expected.breached = _plusOne(account.breached);
        Checks.equal(word.plusBreached(), AccountLib.pack(expected), "breached");
        expected = word.unpack();
        expected.disputesLost = _plusOne(account.disputesLost);
        Checks.equal(word.plusDisputesLost(), AccountLib.pack(expected), "disputesLost");
    }

    function test_countersStopAtTheirTop() external pure {
        Account memory full;
        full.honoured = type(uint16).max;
        full.breached = type(uint16).max;
        full.disputesLost = type(uint16).max;
        uint256 word = AccountLib.pack(full);
        Checks.equal(word.plusHonoured(), word, "honoured");
        Checks.equal(word.plusBreached(), word, "breached");
        Checks.equal(word.plusDisputesLost(), word, "disputesLost");
    }

    function testFuzz_laneHoldsWhatWasOpened(bytes32 id, uint40 openBy) external pure {
        uint256 word = LaneLib.opened(id, openBy);
        Checks.isTrue(word.holds(id), "holds");
        Checks.isTrue(word.has(LaneLib.OPEN), "open");
        Checks.equal(word.lastOpenBy(), openBy, "openBy");
        Checks.equal(uint8(word), LaneLib.OPEN, "flags");
    }

    function testFuzz_laneHoldsNothingElse(bytes32 id, bytes32 other, uint40 openBy) external pure {
        bool same = uint256(id) >> 48 == uint256(other) >> 48;
        Checks.isTrue(LaneLib.opened(id, openBy).holds(other) == same, "holds");
    }

    function testFuzz_laneRemembersAfterTheEnd(bytes32 id, uint40 openBy, uint8 flags) external pure {
        uint256 word = LaneLib.opened(id, openBy) | flags;
        uint256 ended = word.ended();
        Checks.isTrue(ended.holds(id), "holds");
        Checks.isTrue(!ended.has(LaneLib.OPEN), "open");
        Checks.equal(uint8(ended), 0, "flags");
        Checks.equal(ended.lastOpenBy(), openBy, "openBy");
    }

    function testFuzz_laneKeysDoNotCollide(address a, uint32 laneA, address b, uint32 laneB) external pure {
        bool same = a == b && laneA == laneB;
        Checks.isTrue((LaneLib.keyOf(a, laneA) == LaneLib.keyOf(b, laneB)) == same, "keys");
    }

    function _plusOne(uint16 count) private pure returns (uint16) {
        return count == type(uint16).max ? count : count + 1;
    }
}
