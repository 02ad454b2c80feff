// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IArbitrable} from "@kleros/erc-792/contracts/IArbitrable.sol";
import {IArbitrator} from "@kleros/erc-792/contracts/IArbitrator.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {PanelMembers} from "./abstracts/PanelMembers.sol";
import {IAgreementArbitrator} from "./interfaces/IAgreementArbitrator.sol";
import {IDisputes} from "./interfaces/IDisputes.sol";
import {IPanelArbitrator} from "./interfaces/IPanelArbitrator.sol";
import {PanelLib} from "./libraries/PanelLib.sol";
import {Arbitration, Terms} from "./types/Agreements.sol";
import {PanelDispute} from "./types/Panel.sol";

/// @title PanelArbitrator: k of n named members rule by signatures
/// @notice No owner and no upgrade: the members themselves are the only ones who can change it, in the open.
contract PanelArbitrator is PanelMembers, IArbitrator, IAgreementArbitrator, IERC165 {
    uint8 private constant REFUNDED = type(uint8).max;
    uint256 private constant MAX_CHOICES = REFUNDED - 2;

    /// @notice How long the panel may take to rule, in seconds.
    uint256 public immutable rulingTimeoutSec;
    uint256 private _disputeCount;
    mapping(uint256 disputeID => PanelDispute) private _disputes;
    mapping(address owner => uint256 amountWei) private _credits;

    constructor(
        address[] memory members,
        uint8 threshold,
        uint40 feeGwei,
        uint256 delaySec,
        uint256 timeoutSec
    ) PanelMembers(members, threshold, feeGwei, delaySec) {
        rulingTimeoutSec = timeoutSec;
    }

    /// @inheritdoc IArbitrator
    function createDispute(uint256 choices, bytes calldata) external payable returns (uint256 disputeID) {
        uint40 feeGwei = _config.feeGwei;
        if (choices == 0 || choices > MAX_CHOICES) revert PanelArbitratorInvalidChoices(choices);
        if (msg.value != uint256(feeGwei) * 1 gwei) {
            revert PanelArbitratorFeeMismatch(uint256(feeGwei) * 1 gwei, msg.value);
        }

        disputeID = _disputeCount++;
        _disputes[disputeID] = PanelDispute({
            arbitrable: msg.sender,
            ruleBy: uint40(block.timestamp + rulingTimeoutSec),
            feeGwei: feeGwei,
            choices: uint8(choices),
            solved: 0
        });
        emit DisputeCreation(disputeID, IArbitrable(msg.sender));
    }

    /// @inheritdoc IPanelArbitrator
    function ruleAgreement(
        address escrow,
        Terms calldata terms,
        Arbitration calldata arbitration,
        bytes32 id,
        uint256 ruling,
        address payee,
        bytes[] calldata signatures
    ) external {
        _requireSigned(PanelLib.hashRuling(escrow, uint256(id), ruling, payee), signatures);
        // The escrow knows whether there is such a dispute, who pays, and until when a ruling counts.
        IDisputes(escrow).ruleAgreement(terms, arbitration, id, ruling, payee);
    }

    /// @inheritdoc IPanelArbitrator
    function rule(uint256 disputeID, uint256 ruling, address payee, bytes[] calldata signatures) external {
        PanelDispute memory open = _requireOpen(disputeID);
        if (block.timestamp >= open.ruleBy) revert PanelArbitratorRulingLate(disputeID, open.ruleBy);
        if (ruling > open.choices) revert PanelArbitratorInvalidRuling(disputeID, ruling, open.choices);
        _requireSigned(PanelLib.hashRuling(open.arbitrable, disputeID, ruling, payee), signatures);

        open.solved = uint8(ruling + 1);
        _disputes[disputeID] = open;
        _credits[payee] += uint256(open.feeGwei) * 1 gwei;
        emit DisputeRuled(disputeID, ruling, payee);

        IArbitrable(open.arbitrable).rule(disputeID, ruling);
    }

    /// @inheritdoc IPanelArbitrator
    function refund(uint256 disputeID) external {
        PanelDispute memory open = _requireOpen(disputeID);
        if (block.timestamp < open.ruleBy) revert PanelArbitratorRefundEarly(disputeID, open.ruleBy);

        uint256 amountWei = uint256(open.feeGwei) * 1 gwei;
        _disputes[disputeID].solved = REFUNDED;
        _credits[open.arbitrable] += amountWei;
        emit DisputeRefunded(disputeID, open.arbitrable, amountWei);
    }

    /// @inheritdoc IPanelArbitrator
    function withdraw(address payable to) external {
        uint256 amountWei = _credits[msg.sender];
        if (amountWei == 0) revert PanelArbitratorNoCredit(msg.sender);

        _credits[msg.sender] = 0;
        emit CreditWithdrawn(msg.sender, to, amountWei);

        (bool sent,) = to.call{value: amountWei}("");
        if (!sent) revert PanelArbitratorTransferFailed(to, amountWei);
    }

    /// @inheritdoc IArbitrator
    function appeal(uint256 disputeID, bytes calldata) external payable {
        revert PanelArbitratorNoAppeal(disputeID);
    }

    /// @inheritdoc IPanelArbitrator
    function creditOf(address owner) external view returns (uint256 amountWei) {
        return _credits[owner];
    }

    /// @inheritdoc IPanelArbitrator
    function disputeOf(uint256 disputeID) external view returns (PanelDispute memory) {
        return _disputes[disputeID];
    }

    /// @inheritdoc IArbitrator
    function arbitrationCost(bytes calldata) external view returns (uint256 cost) {
        return uint256(_config.feeGwei) * 1 gwei;
    }

    /// @inheritdoc IAgreementArbitrator
    function agreementFee(bytes calldata) external view returns (uint256 feeWei) {
        return uint256(_config.feeGwei) * 1 gwei;
    }

    /// @inheritdoc IArbitrator
    function disputeStatus(uint256 disputeID) external view returns (DisputeStatus status) {
        return _disputes[disputeID].solved == 0 ? DisputeStatus.Waiting : DisputeStatus.Solved;
    }

    /// @inheritdoc IArbitrator
    function currentRuling(uint256 disputeID) external view returns (uint256 ruling) {
        uint8 solved = _disputes[disputeID].solved;
        return solved == 0 || solved == REFUNDED ? 0 : solved - 1;
    }

    /// @inheritdoc IArbitrator
    function appealCost(uint256, bytes calldata) external pure returns (uint256 cost) {
        return type(uint256).max;
    }

    /// @inheritdoc IArbitrator
    function appealPeriod(uint256) external pure returns (uint256 start, uint256 end) {
        return (0, 0);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IAgreementArbitrator).interfaceId || interfaceId == type(IArbitrator).interfaceId
            || interfaceId == type(IERC165).interfaceId;
    }

    function _requireOpen(uint256 disputeID) private view returns (PanelDispute memory open) {
        open = _disputes[disputeID];
        if (open.ruleBy == 0 || open.solved != 0) revert PanelArbitratorDisputeClosed(disputeID);
    }
}
