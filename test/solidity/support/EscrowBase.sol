// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AgreementEscrow} from "../../../contracts/AgreementEscrow.sol";
import {TestToken} from "../../../contracts/local/TestToken.sol";
import {HostileArbitrator} from "../../../contracts/mocks/HostileArbitrator.sol";
import {Arbitration, Outcome, Status, Terms} from "../../../contracts/types/Agreements.sol";
import {Account} from "../../../contracts/types/Accounts.sol";
import {TermsLib} from "../../../contracts/libraries/TermsLib.sol";
import {Vm} from "./Vm.sol";

/// @dev An escrow with four funded owners whose keys are known, and everything they need to sign.
abstract contract EscrowBase {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant ACTORS = 4;
    uint256 internal constant FUNDS = 1e12;
    uint256 internal constant START = 1_800_000_000;
    uint128 internal constant FEE_WEI = 3 gwei;
    uint32 internal constant WINDOW = 1 hours;
    uint32 internal constant RULING_WINDOW = 2 days;
    uint16 internal constant FEE_SHARE_BPS = 1_000;

    AgreementEscrow internal escrow;
    TestToken internal token;
    /// @dev Knows agreements / plain ERC-792.
    HostileArbitrator internal direct;
    HostileArbitrator internal plain;
    address[ACTORS] private _actors;

    function keyOf(uint256 actor) internal pure returns (uint256) {
        return 0xA11CE + actor;
    }

    function actorOf(uint256 actor) internal view returns (address) {
        return _actors[actor];
    }

    /// @dev Once: an address is a multiplication on the curve.
    function _nameActors() internal {
        for (uint256 i = 0; i < ACTORS; ++i) {
            _actors[i] = vm.addr(keyOf(i));
        }
    }

    function deployAll() internal {
        vm.warp(START);
        _nameActors();
        escrow = new AgreementEscrow("");
        token = new TestToken();
        direct = new HostileArbitrator();
        direct.set(FEE_WEI, false, true);
        plain = new HostileArbitrator();
        plain.set(FEE_WEI, false, false);
        for (uint256 i = 0; i < ACTORS; ++i) {
            address owner = actorOf(i);
            vm.deal(owner, 1_000 ether);
            token.mint(owner, 10 * FUNDS);
            vm.startPrank(owner);
            token.approve(address(escrow), type(uint256).max);
            escrow.deposit(address(token), FUNDS);
            vm.stopPrank();
        }
    }

    /// @param kind 0 nobody, 1 the one that knows agreements, 2 the plain one.
    function arbitrationOf(uint256 kind) internal view returns (Arbitration memory) {
        return Arbitration({
            arbitrator: kind == 1 ? address(direct) : address(plain),
            maxFeeWei: FEE_WEI,
            rulingWindowSec: RULING_WINDOW,
            feeShareBps: FEE_SHARE_BPS,
            extraData: ""
        });
    }

    function hashArbitration(Arbitration memory arbitration) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                TermsLib.ARBITRATION_TYPEHASH,
                arbitration.arbitrator,
                arbitration.maxFeeWei,
                arbitration.rulingWindowSec,
                arbitration.feeShareBps,
                keccak256(arbitration.extraData)
            )
        );
    }

    function digestOf(bytes32 structHash) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("EaaS AgreementEscrow"),
                keccak256("1"),
                block.chainid,
                address(escrow)
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function signBy(uint256 actor, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf(actor), digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev By actor 0, to actor 1. The customer sends: making and checking signatures takes longer than all the rest.
    function _openByCustomer(Terms memory terms) internal {
        bytes memory byProvider = signBy(1, escrow.idOf(terms));
        vm.prank(terms.customer);
        escrow.open(terms, "", byProvider);
    }

    function balanceOf(address owner) internal view returns (uint256) {
        return escrow.accountOf(address(token), owner).balance;
    }

    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + value % (high - low + 1);
    }
}
