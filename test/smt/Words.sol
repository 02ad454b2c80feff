// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccountLib} from "../../contracts/libraries/AccountLib.sol";

using AccountLib for uint256;

uint256 constant MAX_COUNTER = type(uint16).max;

/// @dev What of an account word lies above a field: `unit` is the value of the bit after it.
function above(uint256 word, uint256 unit) pure returns (uint256) {
    return word / unit;
}

/// Taking from a balance that covers it takes exactly that, and nothing else of the account changes.
contract TakeIsExact {
    function prove(uint256 word, uint256 amount) external pure {
        require(amount <= word.balanceOf());
        uint256 next = word.minusBalance(amount);
        assert(next.balanceOf() == word.balanceOf() - amount);
        assert(above(next, 1 << 96) == above(word, 1 << 96));
    }
}

/// Paying to a balance pays exactly that, and nothing else of the account changes, while the token fits into 96 bits.
contract PaymentIsExact {
    function prove(uint256 word, uint256 amount) external pure {
        require(amount <= type(uint96).max - word.balanceOf());
        uint256 next = word.plusBalance(amount);
        assert(next.balanceOf() == word.balanceOf() + amount);
        assert(above(next, 1 << 96) == above(word, 1 << 96));
    }
}

/// A pot is conserved: what the two parties of an agreement hold after the split is what they held plus both stakes.
contract SplitConserves {
    function prove(uint256 customer, uint256 provider, uint128 customerStake, uint128 providerStake, uint256 toProvider)
        external
        pure
    {
        uint256 pot = uint256(customerStake) + providerStake;
        require(toProvider <= pot);
        require(customer.balanceOf() + provider.balanceOf() + pot <= type(uint96).max);
        uint256 held = customer.balanceOf() + provider.balanceOf();
        uint256 paidCustomer = customer.plusBalance(pot - toProvider);
        uint256 paidProvider = provider.plusBalance(toProvider);
        assert(paidCustomer.balanceOf() + paidProvider.balanceOf() == held + pot);
    }
}

/// What is taken and paid back leaves the account as it was.
contract LockAndReturnIsNeutral {
    function prove(uint256 word, uint256 stake) external pure {
        require(stake <= word.balanceOf());
        assert(word.minusBalance(stake).plusBalance(stake) == word);
    }
}

/// No reputation counter ever touches a balance, and it grows by one until it is full.
contract CounterLeavesMoneyAlone {
    function prove(uint256 word) external pure {
        assert(word.plusHonoured().balanceOf() == word.balanceOf());
        assert(word.plusBreached().balanceOf() == word.balanceOf());
        assert(word.plusDisputesLost().balanceOf() == word.balanceOf());
    }
}

/// A counter saturates: it never wraps to zero, and never carries into the one above it.
contract CounterSaturates {
    function prove(uint256 word) external pure {
        uint256 before = (word >> 208) % (1 << 16);
        uint256 next = word.plusHonoured();
        assert((next >> 208) % (1 << 16) == (before == MAX_COUNTER ? before : before + 1));
        assert(next >> 224 == word >> 224);
    }
}

/// The value paid through an account never touches its balance or what is above it, and never falls.
contract ValueStaysInItsField {
    function prove(uint256 word, uint96 amount) external pure {
        uint256 next = word.plusValue(amount);
        assert(next.balanceOf() == word.balanceOf());
        assert(next >> 176 == word >> 176);
        assert(next >= word);
    }
}

/// Two agreements cannot be covered by the same money: after both stakes are locked, both are gone from the balance.
contract LocksAddUp {
    function prove(uint256 word, uint128 stake, uint128 otherStake) external pure {
        require(stake <= word.balanceOf());
        uint256 next = word.minusBalance(stake);
        require(otherStake <= next.balanceOf());
        uint256 last = next.minusBalance(otherStake);
        assert(uint256(stake) + otherStake <= word.balanceOf());
        assert(last.balanceOf() == word.balanceOf() - stake - otherStake);
    }
}
