import { keccak256, solidityPacked } from 'ethers';

/** One question to the network: can anybody reach the customer? Statements count only for the round that asked. */
export interface Round {
  readonly probeId: string;
  /** 1 for the first of a suspicion. */
  readonly number: number;
  readonly startedAtMs: number;
  readonly probeFailed: boolean;
  /** Rounds in a row just before this one in which enough witnesses confirmed the silence. */
  readonly confirmedBefore: number;
  /** Latest word of each witness by lower-case address. */
  readonly reachableBy: Readonly<Record<string, boolean>>;
}

/** `drawn` counts the probe ids taken from the seed so far: no two rounds of one detector share an id. */
export function newRound(init: {
  seed: string;
  drawn: number;
  number: number;
  atMs: number;
  confirmedBefore: number;
}): Round {
  return {
    probeId: keccak256(solidityPacked(['bytes32', 'uint256'], [init.seed, init.drawn])),
    number: init.number,
    startedAtMs: init.atMs,
    probeFailed: false,
    confirmedBefore: init.confirmedBefore,
    reachableBy: {},
  };
}

export function tally(round: Round): { reachable: string[]; unreachable: string[] } {
  const reachable: string[] = [];
  const unreachable: string[] = [];
  for (const [witness, isReachable] of Object.entries(round.reachableBy)) {
    (isReachable ? reachable : unreachable).push(witness);
  }
  return { reachable, unreachable };
}

/** The own probe failed, and the witnesses who confirm it are the quorum and more than those who contradict it. */
export function isConfirmed(round: Round, quorum: number): boolean {
  const { reachable, unreachable } = tally(round);
  if (!round.probeFailed || unreachable.length < quorum) return false;
  return quorum === 0 || unreachable.length > reachable.length;
}
