// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Status, Terms} from "../../../contracts/types/Agreements.sol";
import {Model} from "./Model.sol";

/// @dev The list of agreements behind the moves: which there are, which of them fits a move, and what to compare after it.
abstract contract Deals is Model {
    function live() external view returns (uint256) {
        return _live.length;
    }

    function dealCount() external view returns (uint256) {
        return _deals.length;
    }

    function dealAt(uint256 index) external view returns (Deal memory) {
        return _deals[index];
    }

    function liveAt(uint256 index) external view returns (uint256) {
        return _live[index];
    }

    function contracts() external view returns (address escrow_, address token_, address direct_, address plain_) {
        return (address(escrow), address(token), address(direct), address(plain));
    }

    function _record(Terms memory terms, uint256 kind, uint256 customer, uint256 provider) internal {
        Deal storage deal = _deals.push();
        deal.terms = terms;
        deal.kind = kind;
        deal.customer = customer;
        deal.provider = provider;
        deal.stake = terms.customerStake;
        deal.endsAt = terms.endsAt;
        deal.last = Status.Open;
        _live.push(_deals.length - 1);
        _after(_deals.length - 1);
    }

    /// @dev A live deal whose status is in the bitmap, looked for from the seed on.
    function _pick(uint256 seed, uint256 allowed) internal view returns (uint256) {
        uint256 count = _live.length;
        for (uint256 i = 0; i < count; ++i) {
            uint256 index = _live[(seed % count + i) % count];
            if (allowed & (1 << uint8(statusOf(_deals[index]))) != 0) return index;
        }
        return NONE;
    }

    function _busy(uint256 provider, uint256 lane) internal view returns (bool) {
        for (uint256 i = 0; i < _live.length; ++i) {
            Deal storage deal = _deals[_live[i]];
            if (deal.provider == provider && deal.terms.lane == lane) return true;
        }
        return false;
    }

    function _after(uint256 index) internal {
        checkDeal(index);
        checkOwners();
        if (!_deals[index].ended) return;
        for (uint256 i = 0; i < _live.length; ++i) {
            if (_live[i] != index) continue;
            _live[i] = _live[_live.length - 1];
            _live.pop();
            return;
        }
    }
}
