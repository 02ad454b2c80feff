// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Status} from "../../../contracts/types/Agreements.sol";
import {TermsLib} from "../../../contracts/libraries/TermsLib.sol";
import {Checks} from "./Checks.sol";
import {Market} from "./Market.sol";

/// @dev A market in which, at any moment, everybody but one party can fall silent for ever.
contract LonelyExits is Market {
    /// @dev The party got all it was due. An error, so that nothing of it happened.
    error GotAll();

    /// @return exact Everything that the escrow knows about the deal, and how far away its times are.
    /// @return coarse The same without amounts and seconds: none, some or all of an amount, hours until an exit.
    function fingerprintOf(uint256 index) external view returns (bytes32 exact, bytes32 coarse) {
        Deal storage deal = _deals[index];
        Status status = statusOf(deal);
        bytes memory facts = abi.encode(
            status,
            deal.kind,
            deal.hasClaim,
            deal.reportedAt != 0,
            deal.answeredAt != 0,
            deal.byProvider,
            deal.ruled,
            deal.ruling,
            deal.stake != deal.terms.customerStake,
            deal.endsAt != deal.terms.endsAt
        );
        uint256 exitsIn = _until(exitsAt(deal));
        uint256 endsIn = _until(deal.endsAt);
        exact = keccak256(abi.encode(facts, deal.stake, deal.terms.providerStake, deal.claimed, exitsIn, endsIn));
        uint256 claimed = deal.claimed == 0 ? 0 : deal.claimed < deal.stake ? 1 : 2;
        uint256 hour = 1 hours;
        coarse = keccak256(
            abi.encode(facts, deal.stake == 0, deal.terms.providerStake == 0, claimed, exitsIn / hour, endsIn / hour)
        );
    }

    /// @dev The provider alone: answers what it is asked, presents the receipt it holds, waits and leaves.
    function leaveAsProvider(uint256 index, uint256 seed) external {
        Deal storage deal = _deals[index];
        if (statusOf(deal) == Status.Reported && block.timestamp < exitsAt(deal)) {
            vm.prank(deal.terms.provider);
            escrow.answer(deal.terms, "");
            deal.answeredAt = block.timestamp;
        }
        uint256 receipt = bound(seed, 0, deal.stake + 5);
        bool isBetter = !deal.hasClaim || (receipt > deal.claimed && deal.claimed < deal.stake);
        if (isBetter && block.timestamp < exitsAt(deal)) {
            bytes32 digest = digestOf(TermsLib.hashReceipt(escrow.idOf(deal.terms), uint128(receipt)));
            bytes memory signature = signBy(deal.customer, digest);
            vm.prank(deal.terms.provider);
            escrow.claim(deal.terms, uint128(receipt), signature);
            if (!deal.hasClaim) deal.claimedAt = block.timestamp;
            deal.hasClaim = true;
            deal.claimed = receipt < deal.stake ? receipt : deal.stake;
        }
        vm.warp(_later(exitsAt(deal)));
        // A call of its own: the compiler takes the time for a constant within one.
        this.leave(index, deal.provider);
    }

    /// @dev The customer alone: reports a breach where it has one to report, waits and leaves.
    function leaveAsCustomer(uint256 index, bool wasBreached) external {
        Deal storage deal = _deals[index];
        Status status = statusOf(deal);
        bool isQuiet = status == Status.Open || status == Status.Claimed;
        if (wasBreached && isQuiet && deal.reportedAt == 0 && block.timestamp < exitsAt(deal)) {
            vm.prank(deal.terms.customer);
            escrow.report(deal.terms, "");
            deal.reportedAt = block.timestamp;
        }
        vm.warp(_later(exitsAt(deal)));
        this.leave(index, deal.customer);
    }

    /// @dev At the second of the exit: the party ends the deal itself and takes home tokens and coins, to the last unit.
    function leave(uint256 index, uint256 party) external {
        Deal storage deal = _deals[index];
        address owner = actorOf(party);
        (uint256 tokens, uint256 coins) = (token.balanceOf(owner), owner.balance);
        uint256 due = _owners[party].free + _dueTo(deal, party);
        uint256 fees = _owners[party].fees;
        bool isSilent = deal.disputedAt != 0 && !deal.ruled && deal.kind == 1;
        if (isSilent && party == (deal.byProvider ? deal.provider : deal.customer)) fees += FEE_WEI;

        vm.startPrank(owner);
        escrow.expire(deal.terms);
        if (due > 0) escrow.withdraw(address(token), due, owner);
        if (fees > 0) escrow.withdrawFees(payable(owner));
        vm.stopPrank();
        Checks.equal(token.balanceOf(owner), tokens + due, "tokens taken home");
        Checks.equal(owner.balance, coins + fees, "coins taken home");
        Checks.equal(balanceOf(owner), 0, "left behind");
        revert GotAll();
    }

    function _dueTo(Deal storage deal, uint256 party) private view returns (uint256) {
        uint256 toProvider = deal.terms.providerStake + deal.claimed;
        if (statusOf(deal) == Status.Reported) toProvider = 0;
        if (deal.ruled) (toProvider,) = _ruled(deal, deal.ruling);
        return party == deal.provider ? toProvider : deal.stake + deal.terms.providerStake - toProvider;
    }

    function _until(uint256 time) private view returns (uint256) {
        return time > block.timestamp ? time - block.timestamp : 0;
    }

    function _later(uint256 time) private view returns (uint256) {
        return time > block.timestamp ? time : block.timestamp;
    }
}
