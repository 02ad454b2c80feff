// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @dev The cheatcodes that these tests use, of those that forge has.
interface Vm {
    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function prank(address sender) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function warp(uint256 timestamp) external;
    function getBlockTimestamp() external view returns (uint256 timestamp);
    function envOr(string calldata name, uint256 fallbackValue) external view returns (uint256);
    function deal(address account, uint256 balance) external;
    function assume(bool condition) external pure;
    function expectPartialRevert(bytes4 selector) external;
}
