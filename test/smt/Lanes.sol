// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LaneLib} from "../../contracts/libraries/LaneLib.sol";

using LaneLib for uint256;

/// An agreement that has ended is open in no sense: every flag is off. Terminal statuses are final.
contract EndedHasNoFlag {
    function prove(uint256 word) external pure {
        uint256 ended = word.ended();
        assert(!ended.has(LaneLib.OPEN) && !ended.has(LaneLib.CLAIMED) && !ended.has(LaneLib.DISPUTED));
        assert(!ended.has(LaneLib.REPORTED) && !ended.has(LaneLib.ANSWERED) && !ended.has(LaneLib.AMENDED));
    }
}

/// Ending keeps the lane's latest `openBy`: the same terms are not opened a second time.
contract EndingKeepsOpenBy {
    function prove(uint256 word) external pure {
        assert(word.ended().lastOpenBy() == word.lastOpenBy());
    }
}

/// An agreement that was opened is open.
contract OpeningOpens {
    function prove(bytes32 id, uint40 openBy) external pure {
        assert(LaneLib.opened(id, openBy).has(LaneLib.OPEN));
    }
}

/// The `openBy` that a lane remembers is the one it was opened with.
contract OpenByIsRemembered {
    function prove(bytes32 id, uint40 openBy) external pure {
        assert(LaneLib.opened(id, openBy).lastOpenBy() == openBy);
    }
}

/// Two lanes never share a key: an agreement cannot be ended through another provider's lane.
contract KeysAreDistinct {
    function prove(address provider, uint32 lane, address other, uint32 otherLane) external pure {
        require(provider != other || lane != otherLane);
        assert(LaneLib.keyOf(provider, lane) != LaneLib.keyOf(other, otherLane));
    }
}

/// Marking a fact sets that fact and keeps the others.
contract FlagsAreIndependent {
    function prove(uint256 word) external pure {
        uint256 next = word | LaneLib.DISPUTED;
        assert(next.has(LaneLib.DISPUTED));
        assert(next.has(LaneLib.OPEN) == word.has(LaneLib.OPEN) && next.has(LaneLib.CLAIMED) == word.has(LaneLib.CLAIMED));
        assert(next.lastOpenBy() == word.lastOpenBy());
    }
}
