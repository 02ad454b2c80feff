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
        Agreement memory agreement = _readOpen(terms);
        _requireSender(terms.provider, terms.token, terms.providerStake);
        _end(terms, agreement, 0, Outcome.Breached, Ending.Conceded);
    }

    /// @inheritdoc IAgreementEscrow
    function expire(Terms calldata terms) external {
        Agreement memory agreement = _read(terms);
        _requireStatus(agreement, WARM);
        if (block.timestamp < agreement.exitsAt) revert AgreementEscrowTooEarly(agreement.id, agreement.exitsAt);

        if (agreement.status == Status.Reported) {
            _end(terms, agreement, 0, Outcome.Breached, Ending.Unanswered);
        } else if (agreement.status == Status.Disputed && agreement.progress.ruled) {
            _executeRuling(terms, agreement, agreement.progress.ruling);
        } else {
            _end(
                terms,
                agreement,
                terms.providerStake + _payable(agreement),
                agreement.status == Status.Claimed ? Outcome.Honoured : Outcome.Neutral,
                agreement.status == Status.Disputed
                    ? Ending.Silent
                    : agreement.status == Status.Claimed ? Ending.Claimed : Ending.Lapsed
            );
        }
    }

    /// @dev 1 honours the claim, 2 breaches, anything else is the fixed rule of a silent arbitrator with nobody to
    /// blame. A provider that advanced the fee and won gets its share from what the customer's stake has left.
    function _executeRuling(Terms calldata terms, Agreement memory agreement, uint256 ruling) internal {
        if (ruling == RULING_BREACHED) return _end(terms, agreement, 0, Outcome.Breached, Ending.Ruled);

        uint256 earned = _payable(agreement);
        if (ruling == RULING_HONOURED) {
            if (agreement.word.has(LaneLib.BY_PROVIDER)) {
                uint256 share = (agreement.customerStake * agreement.progress.feeShareBps) / BPS;
                earned = Math.min(earned + share, agreement.customerStake);
            }
            return _end(terms, agreement, terms.providerStake + earned, Outcome.Honoured, Ending.Ruled);
        }
        _end(terms, agreement, terms.providerStake + earned, Outcome.Neutral, Ending.Ruled);
    }

    /// @dev The one place that pays a pot out and moves reputation. Checks nothing: callers have.
    function _end(
        Terms calldata terms,
        Agreement memory agreement,
        uint256 toProvider,
        Outcome outcome,
        Ending ending
    ) private {
        _lanes[agreement.key] = agreement.word.ended();

        uint256 providerStake = terms.providerStake;
        uint256 toCustomer = agreement.customerStake + providerStake - toProvider;
        mapping(address owner => uint256) storage accounts = _accounts[terms.token];
        uint256 customer = accounts[terms.customer].plusBalance(toCustomer);
        uint256 provider = accounts[terms.provider].plusBalance(toProvider);

        if (outcome == Outcome.Breached) {
            provider = provider.plusBreached();
            if (ending == Ending.Ruled) provider = provider.plusDisputesLost();
        } else {
            uint256 paid = Math.saturatingSub(toProvider, providerStake);
            customer = customer.plusValue(paid);
            provider = provider.plusValue(paid);
            if (outcome == Outcome.Honoured) {
                provider = provider.plusHonoured();
                customer = ending == Ending.Ruled ? customer.plusDisputesLost() : customer.plusHonoured();
            }
        }

        accounts[terms.customer] = customer;
        accounts[terms.provider] = provider;
        emit AgreementEnded(agreement.id, toProvider, outcome, ending);
    }

    function _settle(
        Terms calldata terms,
        uint128 toProvider,
        Outcome outcome,
        bytes calldata customerSignature,
        bytes calldata providerSignature
    ) private {
        Agreement memory agreement = _readOpen(terms);
        uint256 pot = agreement.customerStake + terms.providerStake;
        if (toProvider > pot) revert AgreementEscrowPotExceeded(agreement.id, pot, toProvider);

        bytes32 digest = _hashTypedDataV4(TermsLib.hashSettlement(agreement.id, toProvider, outcome));
        // What an agent commits by signing is what its owner gives away of its own stake.
        uint256 customerGives = Math.saturatingSub(toProvider, terms.providerStake);
        uint256 providerGives = Math.saturatingSub(terms.providerStake, toProvider);
        _requireConsent(terms.customer, digest, customerSignature, terms.token, customerGives);
        _requireConsent(terms.provider, digest, providerSignature, terms.token, providerGives);

        _end(terms, agreement, toProvider, outcome, Ending.Settled);
    }

    /// @dev The claim, never above the customer's stake (stored so already).
    function _payable(Agreement memory agreement) private pure returns (uint256) {
        return agreement.progress.claimed;
    }
}
