// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {TermsLib} from "../../contracts/libraries/TermsLib.sol";
import {Arbitration, Status, Terms} from "../../contracts/types/Agreements.sol";
import {Checks} from "./support/Checks.sol";
import {EscrowBase} from "./support/EscrowBase.sol";

/// @dev Dispute economics: one party plays as docs/contracts.md advises, the other one whatever may hurt it, the
/// arbitrator rules what is true, asks too much, refuses, or says nothing. Nobody deposits anything after the opening.
contract DisputeGameTest is EscrowBase {
    uint256 private constant CUSTOMER = 0;
    uint256 private constant PROVIDER = 1;
    uint256 private constant MAX_TURNS = 6;
    uint256 private constant COINS = 1_000 ether;

    enum Mood {
        Truthful,
        Undecided,
        Silent,
        Refusing,
        Greedy
    }

    /// @dev One game. `truth` is what a truthful arbitrator rules.
    struct Game {
        Terms terms;
        bytes32 id;
        Arbitration arbitration;
        Mood mood;
        bool direct;
        uint256 truth;
        uint128 receipt;
        bytes signedReceipt;
        uint256 disputes;
        address disputer;
    }

    receive() external payable {}

    function setUp() external {
        deployAll();
    }

    /// @dev One game by each input; which side attacks is part of it.
    function testFuzz_attackersNeverGain(uint256 seed, uint128 customerStake, uint128 providerStake, uint128 receipt)
        external
    {
        // Inputs are chosen for their edges; what a game is made of has none.
        seed = uint256(keccak256(abi.encode(seed)));
        bool breached = seed >> 255 == 1;
        Game memory game = _start(seed, customerStake, providerStake, receipt, breached ? 2 : 1);
        for (uint256 turn = 0; turn < MAX_TURNS && _isWarm(game.terms); ++turn) {
            uint256 move = uint256(keccak256(abi.encode(seed, turn)));
            if (breached) _attackAsProvider(game, move);
            else _attackAsCustomer(game, move);
            if (!_isWarm(game.terms)) break;
            if (breached) _defendAsCustomer(game);
            else _defendAsProvider(game);
        }
        _finish(game);
        uint256 total = balanceOf(game.terms.customer) + balanceOf(game.terms.provider);
        Checks.equal(total, 2 * FUNDS, "conserved");
        if (breached) _checkBreached(game);
        else _checkHonoured(game);
    }

    /// @dev Whatever a provider in breach tries, it keeps no more than what its customer signed for. The customer pays
    /// for at most one arbitration, and is only out of that fee where the arbitrator earned or kept it.
    function _checkBreached(Game memory game) private view {
        Terms memory terms = game.terms;
        uint256 most = FUNDS + game.receipt;
        Checks.atMost(balanceOf(terms.provider), most, "the provider gained more than what was signed for");
        Checks.atMost(game.disputes, 1, "disputes");
        if (_rulesTruthfully(game)) {
            Checks.equal(balanceOf(terms.customer), FUNDS + terms.providerStake, "the customer gets both stakes");
        }
        Checks.atMost(COINS - _coinsOf(terms.customer), _lostFee(game, terms.customer), "customer's coins");
        Checks.atMost(_coinsOf(terms.provider), COINS, "provider's coins");
    }

    /// @dev Whatever a customer tries against a provider that honours its part, the provider gets its stake and all
    /// that was signed for, spends no coin and keeps its name.
    function _checkHonoured(Game memory game) private view {
        Terms memory terms = game.terms;
        Checks.equal(balanceOf(terms.provider), FUNDS + game.receipt, "the provider gets what was signed for");
        Checks.atMost(_coinsOf(terms.customer), COINS, "customer's coins");
        Checks.equal(_coinsOf(terms.provider), COINS, "provider's coins");
        Checks.equal(escrow.accountOf(address(token), terms.provider).breached, 0, "provider's reputation");
    }

    function _start(uint256 seed, uint128 customerStake, uint128 providerStake, uint128 receipt, uint256 truth)
        private
        returns (Game memory game)
    {
        game.mood = Mood(seed % 5);
        game.direct = (seed >> 8) % 2 == 0;
        game.truth = truth;
        game.arbitration = arbitrationOf(game.direct ? 1 : 2);
        game.terms = Terms({
            customer: actorOf(CUSTOMER),
            provider: actorOf(PROVIDER),
            token: address(token),
            customerStake: uint128(bound(customerStake, 0, FUNDS / 2)),
            providerStake: uint128(bound(providerStake, 0, FUNDS / 2)),
            openBy: uint40(block.timestamp + 1 hours),
            endsAt: uint40(block.timestamp + 1 days),
            responseWindowSec: WINDOW,
            lane: 1,
            arbitrationHash: hashArbitration(game.arbitration),
            dutiesHash: bytes32(0)
        });
        game.id = escrow.idOf(game.terms);
        game.receipt = uint128(bound(receipt, 0, game.terms.customerStake));
        game.signedReceipt = _signReceipt(game.id, game.receipt);
        _openByCustomer(game.terms);

        bool greedy = game.mood == Mood.Greedy;
        (game.direct ? direct : plain).set(greedy ? FEE_WEI + 1 : FEE_WEI, game.mood == Mood.Refusing, game.direct);
    }

    // A move that is not allowed now reverts, and is no move.

    function _attackAsProvider(Game memory game, uint256 seed) private {
        uint256 move = seed % 6;
        if (move == 0) {
            uint128 earned = uint128(bound(seed >> 8, 0, game.receipt));
            _claim(game, game.terms.provider, earned, _signReceipt(game.id, earned));
        } else if (move == 1) {
            _claim(game, game.terms.provider, game.receipt, game.signedReceipt);
        } else if (move == 2) {
            _call(game.terms.provider, 0, abi.encodeCall(escrow.answer, (game.terms, "")));
        } else if (move == 3) {
            _dispute(game, game.terms.provider);
        } else if (move == 4) {
            vm.warp(vm.getBlockTimestamp() + (seed >> 8) % 1 days);
        } else {
            _call(game.terms.provider, 0, abi.encodeCall(escrow.expire, (game.terms)));
        }
    }

    function _attackAsCustomer(Game memory game, uint256 seed) private {
        uint256 move = seed % 5;
        if (move == 0) _call(game.terms.customer, 0, abi.encodeCall(escrow.report, (game.terms, "")));
        else if (move == 1) _dispute(game, game.terms.customer);
        else if (move == 2) vm.warp(vm.getBlockTimestamp() + (seed >> 8) % WINDOW);
        else if (move == 3) _call(game.terms.customer, 0, abi.encodeCall(escrow.expire, (game.terms)));
        else _claim(game, game.terms.customer, game.receipt, game.signedReceipt);
    }

    /// @dev Reports; answered, disputes; ruled against silence by time alone.
    function _defendAsCustomer(Game memory game) private {
        _rule(game);
        if (!_isWarm(game.terms)) return;
        Status status = _statusOf(game.terms);
        if (status == Status.Answered) {
            _dispute(game, game.terms.customer);
        } else if (status != Status.Disputed) {
            _call(game.terms.customer, 0, abi.encodeCall(escrow.report, (game.terms, "")));
        }
    }

    /// @dev Presents its receipt as soon as it has one, and answers reports.
    function _defendAsProvider(Game memory game) private {
        _claim(game, game.terms.provider, game.receipt, game.signedReceipt);
        _call(game.terms.provider, 0, abi.encodeCall(escrow.answer, (game.terms, "")));
        _rule(game);
    }

    /// @dev Time decides what nobody decided; then everybody takes what is credited.
    function _finish(Game memory game) private {
        _rule(game);
        while (_isWarm(game.terms)) {
            (,, uint256 exitsAt) = escrow.statusOf(game.terms);
            if (vm.getBlockTimestamp() < exitsAt) vm.warp(exitsAt);
            escrow.expire(game.terms);
        }
        for (uint256 i = CUSTOMER; i <= PROVIDER; ++i) {
            address owner = actorOf(i);
            if (escrow.feesOf(owner) == 0) continue;
            vm.prank(owner);
            escrow.withdrawFees(payable(owner));
        }
    }

    function _rule(Game memory game) private {
        if (_statusOf(game.terms) != Status.Disputed || game.mood > Mood.Undecided) return;
        uint256 ruling = game.mood == Mood.Truthful ? game.truth : 0;
        if (game.direct) {
            try direct.ruleDirect(escrow, game.terms, game.arbitration, game.id, ruling, address(this)) {} catch {}
            return;
        }
        try plain.rulePlain(address(escrow), plain.nextDispute(), ruling) {
            // Recorded: anybody executes it.
            try escrow.expire(game.terms) {} catch {}
        } catch {}
    }

    function _dispute(Game memory game, address by) private {
        bytes memory call = abi.encodeCall(escrow.dispute, (game.terms, game.arbitration));
        if (!_call(by, game.mood == Mood.Greedy ? FEE_WEI + 1 : FEE_WEI, call)) return;
        game.disputes += 1;
        game.disputer = by;
    }

    function _claim(Game memory game, address by, uint128 earned, bytes memory signed) private {
        _call(by, 0, abi.encodeCall(escrow.claim, (game.terms, earned, signed)));
    }

    function _signReceipt(bytes32 id, uint128 earned) private view returns (bytes memory) {
        return signBy(CUSTOMER, digestOf(TermsLib.hashReceipt(id, earned)));
    }

    function _call(address by, uint256 valueWei, bytes memory call) private returns (bool succeeded) {
        vm.prank(by);
        (succeeded,) = address(escrow).call{value: valueWei}(call);
    }

    function _statusOf(Terms memory terms) private view returns (Status status) {
        (status,,) = escrow.statusOf(terms);
    }

    function _isWarm(Terms memory terms) private view returns (bool) {
        return _statusOf(terms) != Status.Ended;
    }

    function _coinsOf(address owner) private view returns (uint256) {
        return owner.balance + escrow.feesOf(owner);
    }

    function _rulesTruthfully(Game memory game) private pure returns (bool) {
        return game.mood == Mood.Truthful && game.disputes == 1;
    }

    /// @dev What the party may be out of pocket: a fee that was earned, or that a plain arbitrator keeps.
    function _lostFee(Game memory game, address party) private pure returns (uint256) {
        if (game.disputer != party) return 0;
        return game.direct && game.mood > Mood.Undecided ? 0 : FEE_WEI;
    }
}
