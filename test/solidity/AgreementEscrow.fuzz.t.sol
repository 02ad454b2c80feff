// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAgreementEscrow} from "../../contracts/interfaces/IAgreementEscrow.sol";
import {IAgents} from "../../contracts/interfaces/IAgents.sol";
import {TermsLib} from "../../contracts/libraries/TermsLib.sol";
import {Outcome, Status, Terms} from "../../contracts/types/Agreements.sol";
import {Checks} from "./support/Checks.sol";
import {EscrowBase} from "./support/EscrowBase.sol";

/// @dev Single properties over all amounts and times.
contract AgreementEscrowFuzzTest is EscrowBase {
    uint256 private constant CUSTOMER = 0;
    uint256 private constant PROVIDER = 1;

    function setUp() external {
        deployAll();
    }

    function testFuzz_idIsTheDigestOfTheTerms(Terms memory terms) external view {
        bytes32 structHash = keccak256(abi.encode(TermsLib.TERMS_TYPEHASH, terms));
        Checks.isTrue(escrow.idOf(terms) == digestOf(structHash), "id");
    }

    function testFuzz_settlementConservesMoney(uint128 customerStake, uint128 providerStake, uint128 toProvider)
        external
    {
        Terms memory terms = _open(customerStake, providerStake, 1 days, 0);
        uint256 pot = uint256(terms.customerStake) + terms.providerStake;
        toProvider = uint128(bound(toProvider, 0, pot));
        _settle(terms, toProvider);
        Checks.equal(balanceOf(terms.provider), FUNDS - terms.providerStake + toProvider, "provider");
        Checks.equal(balanceOf(terms.customer), FUNDS - terms.customerStake + pot - toProvider, "customer");
    }

    function testFuzz_settlementAboveThePotReverts(uint128 customerStake, uint128 providerStake, uint128 more) external {
        Terms memory terms = _open(customerStake, providerStake, 1 days, 0);
        uint256 pot = uint256(terms.customerStake) + terms.providerStake;
        uint128 toProvider = uint128(bound(more, pot + 1, type(uint128).max));
        bytes32 digest = digestOf(TermsLib.hashSettlement(escrow.idOf(terms), toProvider, Outcome.Neutral));
        (bytes memory customer, bytes memory provider) = (signBy(CUSTOMER, digest), signBy(PROVIDER, digest));
        vm.expectPartialRevert(IAgreementEscrow.AgreementEscrowPotExceeded.selector);
        escrow.settle(terms, toProvider, Outcome.Neutral, customer, provider);
    }

    function testFuzz_claimNeverPaysMoreThanTheStake(uint128 customerStake, uint128 earned, uint32 later) external {
        Terms memory terms = _open(customerStake, 1000, 1 days, 0);
        _claim(terms, earned);
        (,, uint256 exitsAt) = escrow.statusOf(terms);
        vm.warp(exitsAt + later);
        escrow.expire(terms);
        uint256 paid = earned < terms.customerStake ? earned : terms.customerStake;
        Checks.equal(balanceOf(terms.provider), FUNDS + paid, "provider");
        Checks.equal(balanceOf(terms.customer), FUNDS - paid, "customer");
    }

    function testFuzz_expireWorksFromItsSecondOnAndNotBefore(uint32 term, uint40 when) external {
        Terms memory terms = _open(1000, 1000, term, 0);
        uint256 exitsAt = uint256(terms.endsAt) + WINDOW;
        vm.warp(bound(when, block.timestamp, exitsAt + 1 days));
        if (block.timestamp < exitsAt) vm.expectPartialRevert(IAgreementEscrow.AgreementEscrowTooEarly.selector);
        escrow.expire(terms);
    }

    function testFuzz_reportsEndInOneWindow(uint32 term, uint40 when, bool answered) external {
        Terms memory terms = _open(1000, 1000, term, 0);
        vm.warp(bound(when, block.timestamp, uint256(terms.endsAt) + WINDOW - 1));
        vm.prank(terms.customer);
        escrow.report(terms, "");
        if (answered) {
            vm.prank(terms.provider);
            escrow.answer(terms, "");
        }
        (Status status,, uint256 exitsAt) = escrow.statusOf(terms);
        Checks.equal(uint256(status), uint256(answered ? Status.Answered : Status.Reported), "status");
        vm.warp(exitsAt);
        escrow.expire(terms);
        Checks.equal(balanceOf(terms.provider), answered ? FUNDS : FUNDS - 1000, "provider");
    }

    function testFuzz_ruledPayoutStaysInThePot(uint128 customerStake, uint128 earned, uint256 ruling, bool byProvider)
        external
    {
        Terms memory terms = _open(customerStake, 1000, 1 days, 1);
        _claim(terms, earned);
        address by = byProvider ? terms.provider : terms.customer;
        vm.prank(by);
        escrow.dispute{value: FEE_WEI}(terms, arbitrationOf(1));
        direct.ruleDirect(escrow, terms, arbitrationOf(1), escrow.idOf(terms), ruling, address(this));
        Checks.equal(balanceOf(terms.customer) + balanceOf(terms.provider), 2 * FUNDS, "pot");
        if (ruling == 2) Checks.equal(balanceOf(terms.provider), FUNDS - 1000, "slashed by its stake");
        else Checks.isTrue(balanceOf(terms.provider) >= FUNDS, "provider lost though not in breach");
    }

    function testFuzz_openedOnce(uint40 openBy, uint32 lane) external {
        Terms memory terms = _terms(1000, 1000, 1 days, 0);
        terms.openBy = uint40(bound(openBy, block.timestamp, block.timestamp + 365 days));
        terms.lane = lane;
        bytes32 id = escrow.idOf(terms);
        (bytes memory customer, bytes memory provider) = (signBy(CUSTOMER, id), signBy(PROVIDER, id));
        escrow.open(terms, customer, provider);
        vm.prank(terms.provider);
        escrow.concede(terms);
        vm.expectPartialRevert(IAgreementEscrow.AgreementEscrowLaneUsed.selector);
        escrow.open(terms, customer, provider);
    }

    function testFuzz_agentNeverCommitsMoreThanItsCap(uint128 cap, uint128 first, uint128 second) external {
        (uint256 agentKey, address agent) = (2, actorOf(2));
        vm.prank(actorOf(CUSTOMER));
        escrow.setAgent(agent, address(token), uint40(block.timestamp + 1), cap);
        uint256 committed;
        for (uint256 i = 0; i < 2; ++i) {
            Terms memory terms = _terms(i == 0 ? first : second, 0, 1 days, 0);
            terms.lane = uint32(i);
            bytes32 id = escrow.idOf(terms);
            (bytes memory customer, bytes memory provider) = (signBy(agentKey, id), signBy(PROVIDER, id));
            bool covered = committed + terms.customerStake <= cap;
            if (!covered) vm.expectPartialRevert(IAgents.AgreementEscrowAgentCapExceeded.selector);
            escrow.open(terms, customer, provider);
            if (covered) committed += terms.customerStake;
        }
        Checks.equal(escrow.agentOf(actorOf(CUSTOMER), agent).cap, cap - committed, "cap left");
    }

    function testFuzz_revocationReachesExactlyAsFarAsItSays(uint32 until, uint32 openBy) external {
        until = uint32(bound(until, START, type(uint32).max));
        Terms memory terms = _terms(1, 1, 1 days, 0);
        terms.openBy = uint40(bound(openBy, START, type(uint32).max));
        vm.prank(actorOf(CUSTOMER));
        escrow.revoke(address(token), until);
        bytes32 id = escrow.idOf(terms);
        (bytes memory customer, bytes memory provider) = (signBy(CUSTOMER, id), signBy(PROVIDER, id));
        if (terms.openBy <= until) vm.expectPartialRevert(IAgreementEscrow.AgreementEscrowTermsRevoked.selector);
        escrow.open(terms, customer, provider);
    }

    function testFuzz_randomSignaturesOpenNothing(bytes calldata customer, bytes calldata provider) external {
        Terms memory terms = _terms(1, 1, 1 days, 0);
        vm.expectPartialRevert(IAgents.AgreementEscrowNotAuthorized.selector);
        escrow.open(terms, customer, provider);
    }

    function _terms(uint256 customerStake, uint256 providerStake, uint256 term, uint256 kind)
        private
        view
        returns (Terms memory)
    {
        return Terms({
            customer: actorOf(CUSTOMER),
            provider: actorOf(PROVIDER),
            token: address(token),
            customerStake: uint128(bound(customerStake, 0, FUNDS / 2)),
            providerStake: uint128(bound(providerStake, 0, FUNDS / 2)),
            openBy: uint40(block.timestamp + 1 hours),
            endsAt: uint40(block.timestamp + bound(term, 1, type(uint32).max)),
            responseWindowSec: WINDOW,
            lane: 1,
            arbitrationHash: kind == 0 ? bytes32(0) : hashArbitration(arbitrationOf(kind)),
            dutiesHash: bytes32(0)
        });
    }

    function _open(uint256 customerStake, uint256 providerStake, uint256 term, uint256 kind)
        private
        returns (Terms memory terms)
    {
        terms = _terms(customerStake, providerStake, term, kind);
        _openByCustomer(terms);
    }

    function _settle(Terms memory terms, uint128 toProvider) private {
        bytes32 digest = digestOf(TermsLib.hashSettlement(escrow.idOf(terms), toProvider, Outcome.Honoured));
        bytes memory byProvider = signBy(PROVIDER, digest);
        vm.prank(terms.customer);
        escrow.settle(terms, toProvider, Outcome.Honoured, "", byProvider);
    }

    function _claim(Terms memory terms, uint128 earned) private {
        bytes memory receipt = signBy(CUSTOMER, digestOf(TermsLib.hashReceipt(escrow.idOf(terms), earned)));
        vm.prank(terms.provider);
        escrow.claim(terms, earned, receipt);
    }
}
