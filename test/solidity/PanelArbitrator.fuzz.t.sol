// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {PanelArbitrator} from "../../contracts/PanelArbitrator.sol";
import {IPanelArbitrator} from "../../contracts/interfaces/IPanelArbitrator.sol";
import {PanelLib} from "../../contracts/libraries/PanelLib.sol";
import {RecordingArbitrable} from "../../contracts/mocks/RecordingArbitrable.sol";
import {PanelChange} from "../../contracts/types/Panel.sol";
import {Checks} from "./support/Checks.sol";
import {Vm} from "./support/Vm.sol";

/// @dev A panel of three of five; accounts above five are outsiders.
contract PanelArbitratorFuzzTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant START = 1_800_000_000;
    uint256 private constant MEMBERS = 5;
    uint256 private constant ACCOUNTS = 8;
    uint8 private constant THRESHOLD = 3;
    uint40 private constant FEE_GWEI = 2_000;
    uint256 private constant FEE_WEI = uint256(FEE_GWEI) * 1 gwei;
    uint256 private constant DELAY = 2 days;
    uint256 private constant TIMEOUT = 7 days;
    uint256 private constant CHOICES = 2;
    uint256 private constant MAX_DISPUTES = 4;

    PanelArbitrator private _panel;
    /// @dev Of the same members, one of whom is enough: for what does not depend on their number.
    PanelArbitrator private _quick;
    RecordingArbitrable private _arbitrable;
    address private _joining;
    address private _leaving;
    /// @dev In ascending order of their addresses, as signatures have to be.
    uint256[ACCOUNTS] private _keys;
    /// @dev Of ruling 1 on each dispute, for this contract: made once, since signing takes longer than all the rest.
    mapping(uint256 disputeID => bytes[]) private _rulings;

    receive() external payable {}

    function setUp() external {
        vm.warp(START);
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            _keys[i] = 0xB0B + i;
            for (uint256 j = i; j > 0 && vm.addr(_keys[j]) < vm.addr(_keys[j - 1]); --j) {
                (_keys[j], _keys[j - 1]) = (_keys[j - 1], _keys[j]);
            }
        }
        address[] memory members = new address[](MEMBERS);
        // Outsiders are at places 1, 4 and 6: between the members.
        uint256 count = 0;
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            if (_isMember(i)) members[count++] = vm.addr(_keys[i]);
        }
        _panel = new PanelArbitrator(members, THRESHOLD, FEE_GWEI, DELAY, TIMEOUT);
        _quick = new PanelArbitrator(members, 1, FEE_GWEI, DELAY, TIMEOUT);
        _arbitrable = new RecordingArbitrable();
        (_joining, _leaving) = (vm.addr(_keys[1]), vm.addr(_keys[0]));
        vm.deal(address(this), 1_000 ether);
        for (uint256 id = 0; id < MAX_DISPUTES; ++id) {
            _rulings[id] = _signed(PanelLib.hashRuling(address(_arbitrable), id, 1, address(this)));
        }
    }

    /// @dev Any signers, in any order, some of them twice: it rules exactly if the first three are members in ascending
    /// order.
    function testFuzz_rulesExactlyByThreeMembersInOrder(uint256 seed, uint256 ruling) external {
        _arbitrable.raise{value: FEE_WEI}(_panel, CHOICES);
        ruling %= CHOICES + 1;
        uint256 count = seed % 6;
        uint256[] memory signers = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            signers[i] = (seed >> (8 + 8 * i)) % ACCOUNTS;
        }
        // A third of them sorted, or hardly one would pass.
        if ((seed >> 128) % 3 == 0) _sort(signers);
        bool passes = count >= THRESHOLD;
        for (uint256 i = 0; passes && i < THRESHOLD; ++i) {
            passes = _isMember(signers[i]) && (i == 0 || signers[i - 1] < signers[i]);
        }

        bytes32 structHash = PanelLib.hashRuling(address(_arbitrable), 0, ruling, address(this));
        bytes[] memory signatures = _sign(_panel, signers, structHash);
        try _panel.rule(0, ruling, address(this), signatures) {
            Checks.isTrue(passes, "a ruling without its signatures");
            Checks.equal(_arbitrable.lastRuling(), ruling, "ruling");
            Checks.equal(_panel.creditOf(address(this)), FEE_WEI, "fee");
        } catch {
            Checks.isTrue(!passes, "a signed ruling was refused");
        }
    }

    /// @dev What was signed is the ruling, the dispute, the payee and the panel: with any of them changed it is worth
    /// nothing.
    function testFuzz_signaturesAreForOneRuling(uint256 ruling, uint256 other, address payee, address otherPayee)
        external
    {
        _arbitrable.raise{value: FEE_WEI}(_quick, CHOICES);
        _arbitrable.raise{value: FEE_WEI}(_quick, CHOICES);
        (ruling, other) = (ruling % (CHOICES + 1), other % (CHOICES + 1));
        bytes[] memory signatures = _signedQuick(PanelLib.hashRuling(address(_arbitrable), 0, ruling, payee));

        _mustRefuse(1, ruling, payee, signatures);
        if (other != ruling) _mustRefuse(0, other, payee, signatures);
        if (otherPayee != payee) _mustRefuse(0, ruling, otherPayee, signatures);
        _mustRefuse(0, 1, address(this), _rulings[0]);
        _quick.rule(0, ruling, payee, signatures);
        _mustRefuse(0, ruling, payee, signatures);
    }

    /// @dev The panel holds exactly what it owes, whatever is raised, ruled, refunded and withdrawn in whatever order.
    function testFuzz_holdsWhatItOwes(uint256 seed) external {
        uint256 raised = 0;
        for (uint256 turn = 0; turn < 12; ++turn) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 move = seed % 5;
            uint256 id = raised == 0 ? 0 : (seed >> 8) % raised;
            if (move == 0 && raised < MAX_DISPUTES) {
                _arbitrable.raise{value: FEE_WEI}(_panel, CHOICES);
                raised += 1;
            } else if (move == 1) {
                try _panel.rule(id, 1, address(this), _rulings[id]) {} catch {}
            } else if (move == 2) {
                try _panel.refund(id) {} catch {}
            } else if (move == 3) {
                vm.warp(vm.getBlockTimestamp() + (seed >> 16) % TIMEOUT);
            } else if ((seed >> 16) % 2 == 0) {
                try _panel.withdraw(payable(address(this))) {} catch {}
            } else {
                try _arbitrable.collect(_panel) {} catch {}
            }
            _checkCoins(raised);
        }
    }

    /// @dev Until the timeout only the panel can end a dispute, from it on only a refund can.
    function testFuzz_rulesBeforeTheTimeoutAndRefundsFromIt(uint32 later) external {
        _arbitrable.raise{value: FEE_WEI}(_panel, CHOICES);
        vm.warp(START + _around(TIMEOUT, later));
        bool inTime = vm.getBlockTimestamp() < START + TIMEOUT;
        bytes[] memory signatures = _rulings[0];

        if (inTime) vm.expectPartialRevert(IPanelArbitrator.PanelArbitratorRefundEarly.selector);
        else vm.expectPartialRevert(IPanelArbitrator.PanelArbitratorRulingLate.selector);
        if (inTime) _panel.refund(0);
        else _panel.rule(0, 1, address(this), signatures);

        if (inTime) _panel.rule(0, 1, address(this), signatures);
        else _panel.refund(0);
        Checks.equal(_panel.creditOf(inTime ? address(this) : address(_arbitrable)), FEE_WEI, "fee");
    }

    /// @dev A change needs its signatures, its nonce and its delay, and then is exactly what was announced.
    function testFuzz_changesOnlyAsAnnounced(uint8 threshold, uint40 feeGwei, uint32 later, uint256 nonce) external {
        PanelChange memory change = PanelChange({
            nonce: nonce % 2, added: new address[](1), removed: new address[](1), threshold: threshold, feeGwei: feeGwei
        });
        (change.added[0], change.removed[0]) = (_joining, _leaving);
        bytes[] memory signatures = _signedQuick(_hash(change));
        // An outsider's, on the same change.
        uint256[] memory outsider = new uint256[](1);
        outsider[0] = 1;
        try _quick.scheduleChange(change, _sign(_quick, outsider, _hash(change))) {
            Checks.isTrue(false, "an outsider announced a change");
        } catch {}

        if (change.nonce != 0) vm.expectPartialRevert(IPanelArbitrator.PanelArbitratorNonceMismatch.selector);
        _quick.scheduleChange(change, signatures);
        if (change.nonce != 0) return;

        vm.warp(START + _around(DELAY, later));
        if (vm.getBlockTimestamp() < START + DELAY) {
            vm.expectPartialRevert(IPanelArbitrator.PanelArbitratorChangeNotReady.selector);
            _quick.applyChange(change);
            return;
        }
        bool valid = threshold != 0 && threshold <= MEMBERS;
        if (!valid) vm.expectPartialRevert(IPanelArbitrator.PanelArbitratorInvalidThreshold.selector);
        _quick.applyChange(change);
        Checks.isTrue(_quick.isMember(change.added[0]) == valid, "added");
        Checks.isTrue(_quick.isMember(change.removed[0]) != valid, "removed");
        Checks.equal(_quick.arbitrationCost(""), valid ? uint256(feeGwei) * 1 gwei : FEE_WEI, "fee");
    }

    function _checkCoins(uint256 raised) private view {
        uint256 owedWei = _panel.creditOf(address(this)) + _panel.creditOf(address(_arbitrable));
        for (uint256 id = 0; id < raised; ++id) {
            if (_panel.disputeOf(id).solved == 0) owedWei += FEE_WEI;
        }
        Checks.equal(address(_panel).balance, owedWei, "coins held");
    }

    function _mustRefuse(uint256 id, uint256 ruling, address payee, bytes[] memory signatures) private {
        try _quick.rule(id, ruling, payee, signatures) {
            Checks.isTrue(false, "signatures were taken for another ruling");
        } catch {}
    }

    function _signed(bytes32 structHash) private view returns (bytes[] memory) {
        uint256[] memory signers = new uint256[](THRESHOLD);
        (signers[0], signers[1], signers[2]) = (0, 2, 3);
        return _sign(_panel, signers, structHash);
    }

    /// @dev By one member, for the panel where one is enough.
    function _signedQuick(bytes32 structHash) private view returns (bytes[] memory) {
        return _sign(_quick, new uint256[](1), structHash);
    }

    function _sign(PanelArbitrator panel, uint256[] memory signers, bytes32 structHash)
        private
        view
        returns (bytes[] memory signatures)
    {
        signatures = new bytes[](signers.length);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("EaaS PanelArbitrator"),
                keccak256("1"),
                block.chainid,
                address(panel)
            )
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, structHash));
        for (uint256 i = 0; i < signers.length; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(_keys[signers[i]], digest);
            signatures[i] = abi.encodePacked(r, s, v);
        }
    }

    function _hash(PanelChange memory change) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                PanelLib.CHANGE_TYPEHASH,
                change.nonce,
                keccak256(abi.encodePacked(change.added)),
                keccak256(abi.encodePacked(change.removed)),
                change.threshold,
                change.feeGwei
            )
        );
    }

    /// @dev Anything up to twice the limit; half of it at the limit, a second before or a second after.
    function _around(uint256 limit, uint256 seed) private pure returns (uint256) {
        return seed % 2 == 0 ? (seed >> 1) % (2 * limit) : limit - 1 + (seed >> 1) % 3;
    }

    function _isMember(uint256 account) private pure returns (bool) {
        return account != 1 && account != 4 && account != 6;
    }

    function _sort(uint256[] memory values) private pure {
        for (uint256 i = 1; i < values.length; ++i) {
            for (uint256 j = i; j > 0 && values[j] < values[j - 1]; --j) {
                (values[j], values[j - 1]) = (values[j - 1], values[j]);
            }
        }
    }
}
