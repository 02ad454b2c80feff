// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Outcome, Status, Terms} from "../../../contracts/types/Agreements.sol";
import {TermsLib} from "../../../contracts/libraries/TermsLib.sol";
import {Checks} from "./Checks.sol";
import {Deals} from "./Deals.sol";

/// @dev Honest parties: every call is one that the rules allow, so none may revert, and each must have exactly the
/// effect that the model has. Where no agreement is in the right status, one is opened instead.
contract Market is Deals {
    uint256 private constant LANES = 3;
    uint256 private constant MAX_LIVE = 8;
    address internal constant PAYEE = address(0xFEE);

    mapping(uint256 lane => uint256 openBy) private _lastOpenBy;
    uint256 private _salt;
    /// @dev How many calls of each kind did what they are named after.
    mapping(bytes4 selector => uint256) public done;

    constructor() {
        deployAll();
        for (uint256 i = 0; i < ACTORS; ++i) {
            _owners[i].free = FUNDS;
        }
    }

    modifier counted() {
        done[msg.sig] += 1;
        _;
    }

    function deposit(uint256 actor, uint256 amount) external counted {
        actor = bound(actor, 0, ACTORS - 1);
        amount = bound(amount, 1, 1e6);
        token.mint(actorOf(actor), amount);
        vm.prank(actorOf(actor));
        escrow.deposit(address(token), amount);
        _owners[actor].free += amount;
        _deposited += amount;
        checkOwners();
    }

    function withdraw(uint256 actor, uint256 amount) external counted {
        actor = bound(actor, 0, ACTORS - 1);
        if (_owners[actor].free == 0) return;
        amount = bound(amount, 1, _owners[actor].free / 50 + 1);
        vm.prank(actorOf(actor));
        escrow.withdraw(address(token), amount, actorOf(actor));
        _owners[actor].free -= amount;
        _deposited -= amount;
        checkOwners();
    }

    function open(uint256 seed) public counted {
        if (_live.length >= MAX_LIVE) return;
        uint256 provider = bound(seed >> 8, 0, ACTORS - 1);
        uint256 customer = (provider + 1 + bound(seed, 0, ACTORS - 2)) % ACTORS;
        uint256 lane = bound(seed >> 16, 0, LANES - 1);
        if (_busy(provider, lane)) return;

        Terms memory terms;
        terms.customer = actorOf(customer);
        terms.provider = actorOf(provider);
        terms.token = address(token);
        terms.customerStake = uint128(bound(seed >> 24, 0, _owners[customer].free / 4));
        terms.providerStake = uint128(bound(seed >> 64, 0, _owners[provider].free / 4));
        uint256 last = _lastOpenBy[provider * LANES + lane];
        uint256 openBy = block.timestamp + bound(seed >> 104, 0, 1 hours);
        terms.openBy = uint40(openBy > last ? openBy : last + 1);
        terms.endsAt = uint40(block.timestamp + bound(seed >> 120, 1, 1 days));
        terms.responseWindowSec = WINDOW;
        terms.lane = uint32(lane);
        uint256 kind = bound(seed >> 150, 0, 3);
        if (kind == 3) kind = 1;
        terms.arbitrationHash = kind == 0 ? bytes32(0) : hashArbitration(arbitrationOf(kind));
        terms.dutiesHash = bytes32(++_salt);

        bytes32 id = escrow.idOf(terms);
        escrow.open(terms, signBy(customer, id), signBy(provider, id));
        _lastOpenBy[provider * LANES + lane] = terms.openBy;
        _owners[customer].free -= terms.customerStake;
        _owners[provider].free -= terms.providerStake;
        _record(terms, kind, customer, provider);
    }

    function settle(uint256 seed, uint256 split, uint256 outcome) external counted {
        uint256 index = _pick(seed, 0x7f);
        if (index == NONE) return open(seed);
        Deal storage deal = _deals[index];
        uint128 toProvider = uint128(bound(split, 0, deal.stake + deal.terms.providerStake));
        Outcome result = Outcome(bound(outcome, 0, 2));
        bytes32 digest = digestOf(TermsLib.hashSettlement(escrow.idOf(deal.terms), toProvider, result));
        escrow.settle(deal.terms, toProvider, result, signBy(deal.customer, digest), signBy(deal.provider, digest));
        _returnFee(deal);
        _pay(deal, toProvider, result, false);
        _after(index);
    }

    function claim(uint256 seed, uint256 earned) external counted {
        uint256 index = _pick(seed, 0x7f);
        if (index == NONE || block.timestamp >= exitsAt(_deals[index])) return open(seed);
        Deal storage deal = _deals[index];
        if (deal.hasClaim && deal.claimed == deal.stake) return open(seed);
        earned = bound(earned, deal.hasClaim ? deal.claimed + 1 : 0, deal.stake + 5);
        bytes memory receipt =
            signBy(deal.customer, digestOf(TermsLib.hashReceipt(escrow.idOf(deal.terms), uint128(earned))));
        vm.prank(deal.terms.provider);
        escrow.claim(deal.terms, uint128(earned), receipt);
        if (!deal.hasClaim) deal.claimedAt = block.timestamp;
        deal.hasClaim = true;
        deal.claimed = earned < deal.stake ? earned : deal.stake;
        _after(index);
    }

    function report(uint256 seed) external counted {
        uint256 index = _pick(seed, 0x06);
        if (index == NONE || _deals[index].reportedAt != 0 || block.timestamp >= exitsAt(_deals[index])) {
            return open(seed);
        }
        Deal storage deal = _deals[index];
        vm.prank(deal.terms.customer);
        escrow.report(deal.terms, "");
        deal.reportedAt = block.timestamp;
        _after(index);
    }

    function answer(uint256 seed) external counted {
        uint256 index = _pick(seed, 0x08);
        if (index == NONE || block.timestamp >= exitsAt(_deals[index])) return open(seed);
        Deal storage deal = _deals[index];
        vm.prank(deal.terms.provider);
        escrow.answer(deal.terms, "");
        deal.answeredAt = block.timestamp;
        _after(index);
    }

    function concede(uint256 seed) external counted {
        uint256 index = _pick(seed, 0x7f);
        if (index == NONE) return open(seed);
        Deal storage deal = _deals[index];
        vm.prank(deal.terms.provider);
        escrow.concede(deal.terms);
        _returnFee(deal);
        _pay(deal, 0, Outcome.Breached, false);
        _after(index);
    }

    function dispute(uint256 seed, bool byProvider, uint256 extra) external counted {
        uint256 index = _pick(seed, 0x1e);
        if (index == NONE || _deals[index].kind == 0 || block.timestamp >= exitsAt(_deals[index])) return open(seed);
        Deal storage deal = _deals[index];
        extra = bound(extra, 0, 2 gwei);
        uint256 raiser = byProvider ? deal.provider : deal.customer;
        plain.setNextDispute(index + 1);
        vm.prank(actorOf(raiser));
        escrow.dispute{value: FEE_WEI + extra}(deal.terms, arbitrationOf(deal.kind));
        _owners[raiser].fees += extra;
        deal.disputedAt = block.timestamp;
        deal.disputeID = index + 1;
        deal.byProvider = byProvider;
        _after(index);
    }

    function rule(uint256 seed, uint256 ruling) external counted {
        uint256 index = _pick(seed, 0x20);
        if (index == NONE || _deals[index].ruled || block.timestamp >= exitsAt(_deals[index])) return open(seed);
        Deal storage deal = _deals[index];
        ruling = bound(ruling, 0, 2);
        if (deal.kind == 2) {
            plain.rulePlain(address(escrow), deal.disputeID, ruling);
            deal.ruled = true;
            deal.ruling = ruling;
        } else {
            direct.ruleDirect(escrow, deal.terms, arbitrationOf(1), escrow.idOf(deal.terms), ruling, PAYEE);
            (uint256 toProvider, Outcome outcome) = _ruled(deal, ruling);
            _payeeFees += FEE_WEI;
            _pay(deal, toProvider, outcome, ruling != 0);
        }
        _after(index);
    }

    function expire(uint256 seed, bool wait) external counted {
        uint256 index = _pick(seed, 0x7f);
        if (index == NONE) return open(seed);
        Deal storage deal = _deals[index];
        uint256 dueAt = exitsAt(deal);
        if (block.timestamp < dueAt) {
            if (!wait) return open(seed);
            vm.warp(dueAt);
        }
        // Time may have moved the status meanwhile.
        if (block.timestamp < exitsAt(deal)) return;
        Status status = statusOf(deal);
        escrow.expire(deal.terms);
        uint256 due = deal.terms.providerStake + deal.claimed;
        if (status == Status.Reported) {
            _pay(deal, 0, Outcome.Breached, false);
        } else if (status == Status.Disputed && deal.ruled) {
            (uint256 toProvider, Outcome outcome) = _ruled(deal, deal.ruling);
            _pay(deal, toProvider, outcome, deal.ruling != 0);
        } else {
            if (status == Status.Disputed) _returnFee(deal);
            _pay(deal, due, status == Status.Claimed ? Outcome.Honoured : Outcome.Neutral, false);
        }
        _after(index);
    }

    function amend(uint256 seed, uint256 added, uint256 longer) external counted {
        uint256 index = _pick(seed, 0x06);
        if (index == NONE || block.timestamp >= exitsAt(_deals[index])) return open(seed);
        Deal storage deal = _deals[index];
        added = bound(added, 0, _owners[deal.customer].free / 4);
        uint128 stake = uint128(deal.stake + added);
        uint40 endsAt_ = uint40(deal.endsAt + bound(longer, added == 0 ? 1 : 0, 1 days));
        bytes32 digest = digestOf(TermsLib.hashAmendment(escrow.idOf(deal.terms), stake, endsAt_));
        escrow.amend(deal.terms, stake, endsAt_, signBy(deal.customer, digest), signBy(deal.provider, digest));
        _owners[deal.customer].free -= added;
        deal.stake = stake;
        deal.endsAt = endsAt_;
        _after(index);
    }

    function wait_(uint256 duration) external counted {
        vm.warp(block.timestamp + bound(duration, 1, 2 hours));
    }

    function withdrawFees(uint256 actor) external counted {
        actor = bound(actor, 0, ACTORS - 1);
        if (_owners[actor].fees == 0) return;
        vm.prank(actorOf(actor));
        escrow.withdrawFees(payable(address(0xBEEF)));
        _owners[actor].fees = 0;
        checkOwners();
    }

    /// @dev Alone and by time only: everybody gets all it is due from every deal that is left.
    function exitAll() external {
        while (_live.length > 0) {
            uint256 index = _live[_live.length - 1];
            Deal storage deal = _deals[index];
            uint256 dueAt = exitsAt(deal);
            if (block.timestamp < dueAt) vm.warp(dueAt);
            this.expire(_live.length - 1, true);
        }
        for (uint256 i = 0; i < ACTORS; ++i) {
            uint256 free = _owners[i].free;
            if (free > 0) {
                vm.prank(actorOf(i));
                escrow.withdraw(address(token), free, actorOf(i));
                _owners[i].free = 0;
                _deposited -= free;
            }
            if (_owners[i].fees > 0) {
                vm.prank(actorOf(i));
                escrow.withdrawFees(payable(actorOf(i)));
                _owners[i].fees = 0;
            }
        }
        Checks.equal(address(escrow).balance, _payeeFees, "coins left");
    }
}
