// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @dev An owner that is a contract, with an ERC-1271 check that behaves as it is told.
contract ContractAccount is IERC1271 {
    enum Check {
        Honest,
        AlwaysValid,
        AlwaysInvalid,
        Reverts,
        BurnsGas,
        HugeReturn,
        ShortReturn
    }

    address private immutable _key;
    Check public check;
    bool public acceptsCoins = true;
    address private _target;
    bytes private _reentry;
    bool public reentered;

    constructor(address key) {
        _key = key;
    }

    receive() external payable {
        _onCoins();
    }

    function setCheck(Check check_) external {
        check = check_;
    }

    function setAcceptsCoins(bool accepts) external {
        acceptsCoins = accepts;
    }

    /// @dev What it calls whenever it is sent coins.
    function setReentry(address target, bytes calldata call_) external {
        (_target, _reentry) = (target, call_);
    }

    function execute(address target, uint256 value, bytes calldata data)
        external
        payable
        returns (bytes memory result)
    {
        bool succeeded;
        (succeeded, result) = target.call{value: value}(data);
        if (!succeeded) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        Check now_ = check;
        if (now_ == Check.AlwaysValid) return IERC1271.isValidSignature.selector;
        if (now_ == Check.AlwaysInvalid) return bytes4(0xffffffff);
        require(now_ != Check.Reverts, "reverts");
        if (now_ == Check.BurnsGas) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        if (now_ == Check.HugeReturn) {
            assembly ("memory-safe") {
                return(0, 1000000)
            }
        }
        if (now_ == Check.ShortReturn) {
            assembly ("memory-safe") {
                mstore(0, shl(224, 0x1626ba7e))
                return(0, 4)
            }
        }
        (address signer,,) = ECDSA.tryRecoverCalldata(hash, signature);
        return signer == _key ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    function _onCoins() private {
        require(acceptsCoins, "no coins");
        if (_target != address(0)) (reentered,) = _target.call(_reentry);
    }
}
