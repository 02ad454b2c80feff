// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAgreementEscrow} from "../interfaces/IAgreementEscrow.sol";
import {AccountLib} from "../libraries/AccountLib.sol";
import {LaneLib} from "../libraries/LaneLib.sol";
import {TermsLib} from "../libraries/TermsLib.sol";
import {Ending, Outcome, SettleRequest, Status, Terms} from "../types/Agreements.sol";
import {AgreementState} from "./AgreementState.sol";
import {Agents} from "./Agents.sol";
import {Vault} from "./Vault.sol";

/// @dev Every way in which the pot of an agreement is paid out. All of them go through `_end`.
abstract contract Endings is AgreementState, Agents, Vault {
    using AccountLib for uint256;
    using LaneLib for uint256;

    uint256 internal constant RULING_HONOURED = 1;
    uint256 internal constant RULING_BREACHED = 2;
    uint256 internal constant BPS = 10_000;

    /// @inheritdoc IAgreementEscrow
    function settle(
        Terms calldata terms,
        uint128 toProvider,
        Outcome outcome,
        bytes calldata customerSignature,
        bytes calldata providerSignature
    ) external {
        _settle(terms, toProvider, outcome, customerSignature, providerSignature);
    }

    /// @inheritdoc IAgreementEscrow
    function settleMany(SettleRequest[] calldata requests) external {
        for (uint256 i = 0; i < requests.length; ++i) {
            SettleRequest calldata request = requests[i];
            _settle(
                request.terms,
                request.toProvider,
                request.outcome,
                request.customerSignature,
                request.providerSignature
            );
        }
    }

    /// @inheritdoc IAgreementEscrow
    function concede(Terms calldata terms) external {
        (bytes32 id, uint256 key, uint256 word, uint256 customerStake) = _requireWarm(terms);
        _requireSender(terms.provider, terms.token, terms.providerStake);
        _returnFee(terms, key, word);
        _end(terms, id, key, word, customerStake, 0, Outcome.Breached, Ending.Conceded);
    }

    /// @inheritdoc IAgreementEscrow
    function expire(Terms calldata terms) external {
        Agreement memory agreement = _read(terms);
        _requireStatus(agreement, WARM);
        if (block.timestamp < agreement.exitsAt) revert AgreementEscrowTooEarly(agreement.id, agreement.exitsAt);

        if (agreement.status == Status.Reported) {
            _conclude(terms, agreement, 0, Outcome.Breached, Ending.Unanswered);
        } else if (agreement.status == Status.Claimed) {
            _conclude(terms, agreement, _due(terms, agreement), Outcome.Honoured, Ending.Claimed);
        } else if (agreement.status == Status.Open) {
            _conclude(terms, agreement, _due(terms, agreement), Outcome.Neutral, Ending.Lapsed);
        } else if (agreement.progress.ruled != 0) {
            _executeRuling(terms, agreement, agreement.progress.ruled - 1);
        } else {
            _returnFee(terms, agreement.key, agreement.word);
            _conclude(terms, agreement, _due(terms, agreement), Outcome.Neutral, Ending.Silent);
        }
    }

    /// @dev 1 honours the claim, 2 breaches, anything else is the fixed rule of a silent arbitrator with nobody to
    /// blame. A provider that advanced the fee and won gets its share from what the customer's stake has left.
    function _executeRuling(Terms calldata terms, Agreement memory agreement, uint256 ruling) internal {
        if (ruling == RULING_BREACHED) {
            _conclude(terms, agreement, 0, Outcome.Breached, Ending.Ruled);
        } else if (ruling == RULING_HONOURED) {
            uint256 toProvider = _due(terms, agreement);
            if (agreement.word.has(LaneLib.BY_PROVIDER)) {
                toProvider += (agreement.customerStake * agreement.progress.feeShareBps) / BPS;
            }
            uint256 pot = agreement.customerStake + terms.providerStake;
            _conclude(terms, agreement, Math.min(toProvider, pot), Outcome.Honoured, Ending.Ruled);
        } else {
            _conclude(terms, agreement, _due(terms, agreement), Outcome.Neutral, Ending.Ruled);
        }
    }

    /// @dev Its own stake and what it claimed, which was never more than the customer's.
    function _due(Terms calldata terms, Agreement memory agreement) private pure returns (uint256) {
        return terms.providerStake + agreement.progress.claimed;
    }

    /// @dev A fee that the arbitrator has not earned goes back to the party in whose name it was advanced.
    function _returnFee(Terms calldata terms, uint256 key, uint256 word) private {
        if (!word.has(LaneLib.DISPUTED)) return;
        uint256 feeWei = uint256(_progress[key].feeGwei) * 1 gwei;
        if (feeWei != 0) _creditFee(word.has(LaneLib.BY_PROVIDER) ? terms.provider : terms.customer, feeWei);
    }

    function _conclude(
        Terms calldata terms,
        Agreement memory agreement,
        uint256 toProvider,
        Outcome outcome,
        Ending ending
    ) private {
        _end(
            terms, agreement.id, agreement.key, agreement.word, agreement.customerStake, toProvider, outcome, ending
        );
    }

    /// @dev The one place that pays a pot out and moves reputation. Checks nothing: callers have.
    function _end(
        Terms calldata terms,
        bytes32 id,
        uint256 key,
        uint256 word,
        uint256 customerStake,
        uint256 toProvider,
        Outcome outcome,
        Ending ending
    ) private {
        _lanes[key] = word.ended();
        uint256 providerStake = terms.providerStake;
        Word storage customer = _accounts[terms.token][terms.customer];
        Word storage provider = _accounts[terms.token][terms.provider];
        uint256 customerWord = customer.word.plusBalance(customerStake + providerStake - toProvider);
        uint256 providerWord = provider.word.plusBalance(toProvider);

        if (outcome == Outcome.Breached) {
            providerWord = providerWord.plusBreached();
            if (ending == Ending.Ruled) providerWord = providerWord.plusDisputesLost();
        } else {
            uint256 paid = Math.saturatingSub(toProvider, providerStake);
            customerWord = customerWord.plusValue(paid);
            providerWord = providerWord.plusValue(paid);
            if (outcome == Outcome.Honoured) {
                providerWord = providerWord.plusHonoured();
                customerWord = ending == Ending.Ruled ? customerWord.plusDisputesLost() : customerWord.plusHonoured();
            }
        }

        customer.word = customerWord;
        provider.word = providerWord;
        emit AgreementEnded(id, toProvider, outcome, ending);
    }

    function _settle(
        Terms calldata terms,
        uint128 toProvider,
        Outcome outcome,
        bytes calldata customerSignature,
        bytes calldata providerSignature
    ) private {
        (bytes32 id, uint256 key, uint256 word, uint256 customerStake) = _requireWarm(terms);
        uint256 pot = customerStake + terms.providerStake;
        if (toProvider > pot) revert AgreementEscrowPotExceeded(id, pot, toProvider);

        bytes32 digest = _hashTypedDataV4(TermsLib.hashSettlement(id, toProvider, outcome));
        // What an agent commits by signing is what its owner gives away of its own stake.
        uint256 customerGives = Math.saturatingSub(toProvider, terms.providerStake);
        uint256 providerGives = Math.saturatingSub(terms.providerStake, toProvider);
        _requireConsent(terms.customer, digest, customerSignature, terms.token, customerGives);
        _requireConsent(terms.provider, digest, providerSignature, terms.token, providerGives);

        _returnFee(terms, key, word);
        _end(terms, id, key, word, customerStake, toProvider, outcome, Ending.Settled);
    }
}
