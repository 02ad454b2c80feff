// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev A token of every bad habit that ERC-20s are known for; one at a time, switchable at any moment.
contract ZooToken {
    enum Behaviour {
        Standard,
        NoReturnValue,
        ReturnsFalse,
        RevertsOnZero,
        FeeOnTransfer,
        FeeOnTop,
        Blacklist,
        Paused,
        HookOnMove,
        RevertsOnLargeApprove,
        MovesNothing
    }

    uint256 private constant FEE_DIVISOR = 100;
    uint256 private constant ONE = 1e18;

    uint8 public immutable decimals;
    Behaviour public behaviour;
    address public blacklisted;
    /// @dev What every balance is multiplied with: changed by a rebase.
    uint256 public factor = ONE;
    address public hookTarget;
    bytes public hookData;
    bool public hookSucceeded;
    mapping(address owner => uint256 shares) private _shares;
    mapping(address owner => mapping(address spender => uint256 amount)) public allowance;

    constructor(uint8 decimals_, Behaviour behaviour_) {
        decimals = decimals_;
        behaviour = behaviour_;
    }

    function setBehaviour(Behaviour behaviour_) external {
        behaviour = behaviour_;
    }

    function setBlacklisted(address account) external {
        blacklisted = account;
    }

    function setHook(address target, bytes calldata data) external {
        hookTarget = target;
        hookData = data;
    }

    function rebase(uint256 factor_) external {
        factor = factor_;
    }

    function mint(address to, uint256 amount) external {
        _shares[to] += amount * ONE / factor;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        require(behaviour != Behaviour.RevertsOnLargeApprove || amount <= type(uint96).max, "large approve");
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function transfer(address to, uint256 amount) external {
        _answer(_move(msg.sender, to, amount));
    }

    function transferFrom(address from, address to, uint256 amount) external {
        require(allowance[from][msg.sender] >= amount, "allowance");
        allowance[from][msg.sender] -= amount;
        _answer(_move(from, to, amount));
    }

    function balanceOf(address owner) external view returns (uint256) {
        return _shares[owner] * factor / ONE;
    }

    function _move(address from, address to, uint256 amount) private returns (bool) {
        Behaviour now_ = behaviour;
        if (now_ == Behaviour.ReturnsFalse) return false;
        if (now_ == Behaviour.MovesNothing) return true;
        require(now_ != Behaviour.Paused, "paused");
        require(now_ != Behaviour.RevertsOnZero || amount != 0, "zero");
        require(now_ != Behaviour.Blacklist || (from != blacklisted && to != blacklisted), "blacklisted");

        if (now_ == Behaviour.HookOnMove) _hook();
        uint256 fee = now_ == Behaviour.FeeOnTransfer || now_ == Behaviour.FeeOnTop ? amount / FEE_DIVISOR : 0;
        _shares[from] -= (now_ == Behaviour.FeeOnTop ? amount + fee : amount) * ONE / factor;
        _shares[to] += (now_ == Behaviour.FeeOnTransfer ? amount - fee : amount) * ONE / factor;
        if (now_ == Behaviour.HookOnMove) _hook();
        return true;
    }

    function _hook() private {
        (hookSucceeded,) = hookTarget.call(hookData);
    }

    /// @dev Returns nothing at all for the behaviour of that name, a bool otherwise.
    function _answer(bool result) private view {
        if (behaviour == Behaviour.NoReturnValue) return;
        assembly ("memory-safe") {
            mstore(0, result)
            return(0, 0x20)
        }
    }
}
