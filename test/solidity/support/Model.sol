// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Arbitration, Outcome, Status, Terms} from "../../../contracts/types/Agreements.sol";
import {Account} from "../../../contracts/types/Accounts.sol";
import {Checks} from "./Checks.sol";
import {EscrowBase} from "./EscrowBase.sol";

/// @dev The rules of the escrow written a second time, from the documentation and not from the code: what every owner
/// must have, and what status every agreement must be in.
abstract contract Model is EscrowBase {
    struct Deal {
        Terms terms;
        uint256 kind;
        uint256 customer;
        uint256 provider;
        uint256 stake;
        uint256 endsAt;
        uint256 claimed;
        uint256 claimedAt;
        uint256 reportedAt;
        uint256 answeredAt;
        uint256 disputedAt;
        uint256 disputeID;
        uint256 ruling;
        bool hasClaim;
        bool ruled;
        bool byProvider;
        bool ended;
        Status last;
    }

    struct Owner {
        uint256 free;
        uint256 fees;
        uint256 value;
        uint256 honoured;
        uint256 breached;
        uint256 lost;
    }

    uint256 internal constant NONE = type(uint256).max;

    Deal[] internal _deals;
    /// @dev Indexes of deals that have not ended.
    uint256[] internal _live;
    Owner[ACTORS] internal _owners;
    uint256 internal _deposited = ACTORS * FUNDS;
    uint256 internal _payeeFees;

    function statusOf(Deal storage deal) internal view returns (Status) {
        if (deal.ended) return Status.Ended;
        if (deal.disputedAt != 0) return Status.Disputed;
        if (deal.answeredAt != 0 && block.timestamp < deal.answeredAt + WINDOW) return Status.Answered;
        if (deal.reportedAt != 0 && deal.answeredAt == 0) return Status.Reported;
        return deal.hasClaim ? Status.Claimed : Status.Open;
    }

    function exitsAt(Deal storage deal) internal view returns (uint256 dueAt) {
        Status status = statusOf(deal);
        if (status == Status.Disputed) return deal.ruled ? block.timestamp : deal.disputedAt + RULING_WINDOW;
        if (status == Status.Reported) return deal.reportedAt + WINDOW;
        dueAt = deal.endsAt + WINDOW;
        if (deal.hasClaim) {
            dueAt = deal.claimedAt + WINDOW > deal.endsAt ? deal.claimedAt + WINDOW : deal.endsAt;
        }
        if (deal.answeredAt != 0 && deal.answeredAt + WINDOW > dueAt) dueAt = deal.answeredAt + WINDOW;
    }

    /// @dev Pays the pot out in the model.
    function _pay(Deal storage deal, uint256 toProvider, Outcome outcome, bool ruled) internal {
        uint256 pot = deal.stake + deal.terms.providerStake;
        Owner storage customer = _owners[deal.customer];
        Owner storage provider = _owners[deal.provider];
        customer.free += pot - toProvider;
        provider.free += toProvider;
        if (outcome == Outcome.Breached) {
            provider.breached += 1;
            if (ruled) provider.lost += 1;
        } else {
            uint256 paid = toProvider > deal.terms.providerStake ? toProvider - deal.terms.providerStake : 0;
            customer.value += paid;
            provider.value += paid;
            if (outcome == Outcome.Honoured) {
                provider.honoured += 1;
                if (ruled) customer.lost += 1;
                else customer.honoured += 1;
            }
        }
        deal.ended = true;
    }

    function _returnFee(Deal storage deal) internal {
        if (deal.disputedAt == 0 || deal.kind != 1) return;
        _owners[deal.byProvider ? deal.provider : deal.customer].fees += FEE_WEI;
    }

    /// @dev What a ruling must pay the provider.
    function _ruled(Deal storage deal, uint256 ruling) internal view returns (uint256 toProvider, Outcome outcome) {
        if (ruling == 2) return (0, Outcome.Breached);
        uint256 earned = deal.claimed;
        if (ruling == 1 && deal.byProvider) earned += deal.stake * FEE_SHARE_BPS / 10_000;
        if (earned > deal.stake) earned = deal.stake;
        return (deal.terms.providerStake + earned, ruling == 1 ? Outcome.Honoured : Outcome.Neutral);
    }

    /// @dev Compares every owner's word and fees with the model: nobody else was touched either.
    function checkOwners() public view {
        for (uint256 i = 0; i < ACTORS; ++i) {
            Account memory account = escrow.accountOf(address(token), actorOf(i));
            Owner storage owner = _owners[i];
            Checks.equal(account.balance, owner.free, "free balance");
            Checks.equal(account.value, owner.value, "value");
            Checks.equal(account.honoured, owner.honoured, "honoured");
            Checks.equal(account.breached, owner.breached, "breached");
            Checks.equal(account.disputesLost, owner.lost, "disputes lost");
            Checks.equal(escrow.feesOf(actorOf(i)), owner.fees, "fees");
        }
    }

    /// @dev Compares status, claim and exit of a deal with the model, and the step it took with the table.
    function checkDeal(uint256 index) public {
        Deal storage deal = _deals[index];
        (Status status, uint256 claimed, uint256 dueAt) = escrow.statusOf(deal.terms);
        Status expected = statusOf(deal);
        Checks.equal(uint256(status), uint256(expected), "status");
        Checks.equal(claimed, deal.ended ? 0 : deal.claimed, "claimed");
        Checks.equal(dueAt, deal.ended ? 0 : exitsAt(deal), "exits at");
        Checks.atMost(deal.claimed, deal.stake, "claim above the stake");
        Checks.isTrue(mayFollow(deal.last, status), "a step that is not in the table");
        deal.last = status;
    }

    /// @dev The table of docs/contracts.md. Several steps may lie between two looks, by time.
    function mayFollow(Status from, Status to) internal pure returns (bool) {
        if (from == to) return true;
        if (from == Status.Ended || to == Status.None) return false;
        if (to == Status.Ended) return true;
        if (from == Status.Disputed) return false;
        if (from == Status.Claimed && to == Status.Open) return false;
        return true;
    }

    /// @dev Tokens and coins held cover exactly what is owed: free balances, locked stakes, credited and held fees.
    function checkTotals(uint256 donated) public view {
        uint256 owed = donated;
        uint256 fees = _payeeFees;
        for (uint256 i = 0; i < ACTORS; ++i) {
            owed += _owners[i].free;
            fees += _owners[i].fees;
        }
        for (uint256 i = 0; i < _live.length; ++i) {
            Deal storage deal = _deals[_live[i]];
            owed += deal.stake + deal.terms.providerStake;
            if (deal.disputedAt != 0 && deal.kind == 1) fees += FEE_WEI;
        }
        Checks.equal(owed, _deposited + donated, "money in the model");
        Checks.equal(token.balanceOf(address(escrow)), owed, "tokens held");
        Checks.equal(address(escrow).balance, fees, "coins held");
    }
}
