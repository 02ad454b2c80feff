// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AgreementEscrow} from "../../../contracts/AgreementEscrow.sol";
import {TestToken} from "../../../contracts/local/TestToken.sol";
import {HostileArbitrator} from "../../../contracts/mocks/HostileArbitrator.sol";
import {Outcome, Status, Terms} from "../../../contracts/types/Agreements.sol";
import {TermsLib} from "../../../contracts/libraries/TermsLib.sol";
import {EscrowBase} from "./EscrowBase.sol";
import {Market} from "./Market.sol";
import {Model} from "./Model.sol";

/// @dev Everything that must never work, tried on whatever state the honest parties have reached. `wins` counts what
/// worked all the same. The attacker has a funded account and keys of its own.
contract Adversary is EscrowBase {
    uint256 private constant ATTACKER = 77;

    Market private immutable _market;
    address private _attacker;
    uint256 public wins;
    uint256 public donated;

    constructor(Market market) {
        _market = market;
        (address escrow_, address token_, address direct_, address plain_) = market.contracts();
        escrow = AgreementEscrow(escrow_);
        token = TestToken(token_);
        direct = HostileArbitrator(payable(direct_));
        plain = HostileArbitrator(payable(plain_));
        _nameActors();
        _attacker = vm.addr(keyOf(ATTACKER));
        vm.deal(_attacker, 1_000 ether);
    }

    function attacker() public view returns (address) {
        return _attacker;
    }

    function reopen(uint256 seed) external {
        Model.Deal memory deal = _any(seed);
        bytes32 id = escrow.idOf(deal.terms);
        _try(attacker(), abi.encodeCall(escrow.open, (deal.terms, signBy(deal.customer, id), signBy(deal.provider, id))));
    }

    function openUnsigned(uint256 seed, bool asCustomer) external {
        Terms memory terms = _any(seed).terms;
        terms.openBy = uint40(block.timestamp + 1 days);
        terms.endsAt = uint40(block.timestamp + 2 days);
        terms.lane = uint32(100 + (seed >> 240));
        uint256 partner = _any(seed).customer;
        if (asCustomer) partner = _any(seed).provider;
        bytes32 id = escrow.idOf(terms);
        bytes memory own = signBy(ATTACKER, id);
        bytes memory theirs = signBy(partner, id);
        (bytes memory byCustomer, bytes memory byProvider) = asCustomer ? (own, theirs) : (theirs, own);
        _try(attacker(), abi.encodeCall(escrow.open, (terms, byCustomer, byProvider)));
    }

    function settleAlone(uint256 seed, uint128 toProvider, bool byCustomer) external {
        Model.Deal memory deal = _any(seed);
        bytes32 digest = digestOf(TermsLib.hashSettlement(escrow.idOf(deal.terms), toProvider, Outcome.Neutral));
        bytes memory own = signBy(byCustomer ? deal.customer : deal.provider, digest);
        _try(
            byCustomer ? deal.terms.customer : deal.terms.provider,
            abi.encodeCall(escrow.settle, (deal.terms, toProvider, Outcome.Neutral, own, own))
        );
    }

    function settleAbovePot(uint256 seed, uint256 more) external {
        Model.Deal memory deal = _any(seed);
        uint128 toProvider = uint128(deal.stake + deal.terms.providerStake + bound(more, 1, 1e12));
        bytes32 digest = digestOf(TermsLib.hashSettlement(escrow.idOf(deal.terms), toProvider, Outcome.Neutral));
        bytes memory byCustomer = signBy(deal.customer, digest);
        bytes memory byProvider = signBy(deal.provider, digest);
        _try(
            attacker(),
            abi.encodeCall(escrow.settle, (deal.terms, toProvider, Outcome.Neutral, byCustomer, byProvider))
        );
    }

    function claimUnsigned(uint256 seed, uint128 earned) external {
        Model.Deal memory deal = _any(seed);
        bytes32 digest = digestOf(TermsLib.hashReceipt(escrow.idOf(deal.terms), earned));
        _try(deal.terms.provider, abi.encodeCall(escrow.claim, (deal.terms, earned, signBy(deal.provider, digest))));
    }

    function claimForAnother(uint256 seed, uint128 earned) external {
        Model.Deal memory deal = _any(seed);
        bytes32 digest = digestOf(TermsLib.hashReceipt(escrow.idOf(deal.terms), earned));
        _try(attacker(), abi.encodeCall(escrow.claim, (deal.terms, earned, signBy(deal.customer, digest))));
    }

    function actAsOutsider(uint256 seed, uint256 which) external {
        Model.Deal memory deal = _any(seed);
        which = bound(which, 0, 3);
        bytes memory call = abi.encodeCall(escrow.concede, (deal.terms));
        if (which == 1) call = abi.encodeCall(escrow.report, (deal.terms, ""));
        if (which == 2) call = abi.encodeCall(escrow.answer, (deal.terms, ""));
        if (which == 3) call = abi.encodeCall(escrow.withdraw, (address(token), 1, attacker()));
        _try(attacker(), call);
    }

    function actOutOfTurn(uint256 seed, uint256 which) external {
        Model.Deal memory deal = _any(seed);
        (Status status,, uint256 dueAt) = escrow.statusOf(deal.terms);
        which = bound(which, 0, 2);
        if (which == 0 && (status != Status.Reported || block.timestamp >= dueAt)) {
            _try(deal.terms.provider, abi.encodeCall(escrow.answer, (deal.terms, "")));
        } else if (which == 1 && (deal.reportedAt != 0 || block.timestamp >= dueAt)) {
            _try(deal.terms.customer, abi.encodeCall(escrow.report, (deal.terms, "")));
        } else if (which == 2) {
            _try(deal.terms.customer, abi.encodeCall(escrow.concede, (deal.terms)));
        }
    }

    function expireEarly(uint256 seed) external {
        Model.Deal memory deal = _any(seed);
        (,, uint256 dueAt) = escrow.statusOf(deal.terms);
        if (dueAt == 0 || block.timestamp < dueAt) _try(attacker(), abi.encodeCall(escrow.expire, (deal.terms)));
    }

    function overdraw(uint256 actor, uint256 more) external {
        address owner = actorOf(bound(actor, 0, ACTORS - 1));
        uint256 amount = balanceOf(owner) + bound(more, 1, 1e12);
        _try(owner, abi.encodeCall(escrow.withdraw, (address(token), amount, owner)));
    }

    function ruleAsOutsider(uint256 seed, uint256 ruling) external {
        Model.Deal memory deal = _any(seed);
        _try(attacker(), abi.encodeCall(escrow.rule, (deal.disputeID, ruling)));
        bytes32 id = escrow.idOf(deal.terms);
        _try(
            attacker(),
            abi.encodeCall(escrow.ruleAgreement, (deal.terms, arbitrationOf(deal.kind), id, ruling, attacker()))
        );
    }

    function amendAlone(uint256 seed, uint128 stake) external {
        Model.Deal memory deal = _any(seed);
        bytes32 digest = digestOf(TermsLib.hashAmendment(escrow.idOf(deal.terms), stake, deal.terms.endsAt + 1));
        bytes memory own = signBy(deal.provider, digest);
        _try(deal.terms.provider, abi.encodeCall(escrow.amend, (deal.terms, stake, deal.terms.endsAt + 1, own, own)));
    }

    function donate(uint256 amount) external {
        amount = bound(amount, 0, 1e6);
        token.mint(address(escrow), amount);
        donated += amount;
    }

    function _any(uint256 seed) private view returns (Model.Deal memory) {
        // Rather one that is alive than one that has ended.
        uint256 live = _market.live();
        if (seed % 4 != 0 && live > 0) return _market.dealAt(_market.liveAt(seed % live));
        uint256 count = _market.dealCount();
        return _market.dealAt(seed % count);
    }

    function _try(address sender, bytes memory call) private {
        vm.prank(sender);
        (bool succeeded,) = address(escrow).call(call);
        if (succeeded) wins += 1;
    }
}
