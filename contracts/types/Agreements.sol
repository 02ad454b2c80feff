// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice What both parties sign. Its EIP-712 digest is the agreement's id; it lives in calldata and events only.
/// @param customer Pays; `customerStake` is the most it can pay.
/// @param provider Serves; loses `providerStake` to the customer on breach.
/// @param token ERC-20 that both stakes are in.
/// @param openBy Last second (Unix) at which these terms can be opened. Grows from agreement to agreement in a lane.
/// @param endsAt End of the term (Unix seconds).
/// @param responseWindowSec How long the other side may answer a claim or a report; also how long after `endsAt` the
/// provider may still claim.
/// @param lane Which of the provider's lanes holds the agreement: one agreement at a time.
/// @param arbitrationHash EIP-712 struct hash of the `Arbitration`; zero when nobody can rule.
/// @param dutiesHash Binds everything that the contract does not read.
struct Terms {
    address customer;
    address provider;
    address token;
    uint128 customerStake;
    uint128 providerStake;
    uint40 openBy;
    uint40 endsAt;
    uint32 responseWindowSec;
    uint32 lane;
    bytes32 arbitrationHash;
    bytes32 dutiesHash;
}

/// @notice Who rules on a dispute and at what cost; revealed only when there is one.
/// @param maxFeeWei Most native currency the arbitrator may ask; above it nobody can dispute and time decides.
/// @param rulingWindowSec How long the arbitrator may take; afterwards the fixed rule applies.
/// @param feeShareBps Part of the customer's stake, in basis points, that a losing customer owes a provider that
/// advanced the fee. A losing provider loses its stake anyway.
/// @param extraData Passed on to the arbitrator.
struct Arbitration {
    address arbitrator;
    uint128 maxFeeWei;
    uint32 rulingWindowSec;
    uint16 feeShareBps;
    bytes extraData;
}

/// @notice Derived from stored facts and the clock. All but `None` and `Ended` are warm: time can move them.
enum Status {
    /// Never opened, and still can be.
    None,
    /// Both stakes are locked.
    Open,
    /// The provider has presented a receipt.
    Claimed,
    /// The customer says that the provider broke its duty; the provider has to answer.
    Reported,
    /// The provider has answered; either party may take it to the arbitrator.
    Answered,
    /// The arbitrator is asked.
    Disputed,
    /// Paid out; or voided before it was opened. Final.
    Ended
}

/// @notice What an end says about the provider.
enum Outcome {
    Neutral,
    Honoured,
    Breached
}

/// @notice How an agreement came to its end.
enum Ending {
    /// Both signed the split.
    Settled,
    /// Nobody objected to the claim in time.
    Claimed,
    /// The provider never claimed.
    Lapsed,
    /// The provider admitted the breach.
    Conceded,
    /// The provider did not answer a report in time.
    Unanswered,
    /// The arbitrator ruled.
    Ruled,
    /// The arbitrator did not rule in time: both stakes go back, and what was claimed is paid.
    Silent
}

/// @notice One agreement to open, in a batch.
struct OpenRequest {
    Terms terms;
    bytes customerSignature;
    bytes providerSignature;
}

/// @notice One agreement to settle, in a batch.
struct SettleRequest {
    Terms terms;
    uint128 toProvider;
    Outcome outcome;
    bytes customerSignature;
    bytes providerSignature;
}
