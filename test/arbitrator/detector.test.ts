import { expect } from 'chai';
import fc from 'fast-check';
import {
  type DetectorEffect,
  type DetectorEvent,
  type DetectorState,
  LIVENESS_NEXT,
  type LivenessStatus,
  startDetector,
  transition,
} from '../../arbitrator/detector.ts';
import { type DetectorConfig, detectorConfig } from '../../arbitrator/detector-config.ts';
import { DUTIES, STRANGER, WITNESSES } from './parties.ts';

const CONFIG = detectorConfig(DUTIES);
const ALONE = detectorConfig({ ...DUTIES, witnesses: [], witnessQuorum: 0 });
const names = ['w0', 'w1', 'w2'] as const;
type Name = (typeof names)[number] | 'stranger';
const addressOf = (name: Name) =>
  (name === 'stranger' ? STRANGER : WITNESSES[names.indexOf(name)])?.address ?? expect.fail(name);

/** A short script: each step at a time; the clock ticks every `tickMs` in between. */
type Step =
  | [atMs: number, 'heartbeat' | 'disconnected' | 'left' | 'refuted' | 'wait']
  | [atMs: number, 'probe ok' | 'probe failed' | 'old probe failed']
  | [atMs: number, 'unreachable' | 'reachable' | 'unreachable (old)', Name]
  | [atMs: number, 'stall until'];

interface Played {
  state: DetectorState;
  effects: [atMs: number, effect: DetectorEffect][];
  seen: LivenessStatus[];
}

function play(steps: Step[], config: DetectorConfig = CONFIG, health = 0): Played {
  const played: Played = {
    state: startDetector({ nowMs: 0, probeSeed: `0x${'5e'.repeat(32)}` }),
    effects: [],
    seen: [],
  };
  const feed = (event: DetectorEvent) => {
    const before = played.state.status;
    const step = transition(played.state, event, config);
    played.state = step.state;
    if (before !== step.state.status) {
      expect(LIVENESS_NEXT[before], `${before} to ${step.state.status}`).to.include(step.state.status);
      played.seen.push(step.state.status);
    }
    for (const effect of step.effects) played.effects.push([event.atMs, effect]);
  };
  let tickAtMs = config.tickMs;
  for (const step of steps) {
    const [atMs, what] = step;
    const isStall = what === 'stall until';
    for (; !isStall && tickAtMs <= atMs; tickAtMs += config.tickMs) {
      feed({ type: 'tick', atMs: tickAtMs, lateByMs: 0, health });
    }
    if (isStall) {
      feed({ type: 'tick', atMs, lateByMs: atMs - tickAtMs, health });
      tickAtMs = atMs + config.tickMs;
    } else if (what !== 'wait') {
      feed(eventOf(step, played));
    }
  }
  return played;
}

function eventOf([atMs, what, name]: Step, { effects }: Played): DetectorEvent {
  const ids = effects.flatMap(([, effect]) => (effect.type === 'probe' ? [effect.probeId] : []));
  const probeId = ids.at(what.includes('old') ? 0 : -1) ?? `0x${'00'.repeat(32)}`;
  if (what === 'heartbeat' || what === 'disconnected' || what === 'left' || what === 'refuted') {
    return { type: what, atMs };
  }
  if (what.includes('probe')) return { type: 'probed', atMs, probeId, reachable: what === 'probe ok' };
  const byWitness = addressOf(name ?? 'stranger');
  return { type: 'statement', atMs, probeId, reachable: what === 'reachable', byWitness };
}

const typesAt = (played: Played) => played.effects.map(([atMs, effect]) => `${atMs} ${effect.type}`);

describe('failure detector', () => {
  const DEAD: Step[] = [
    [2_100, 'probe failed'],
    [2_110, 'unreachable', 'w0'],
    [2_120, 'unreachable', 'w1'],
  ];
  const rows: [string, Step[], LivenessStatus, string[]][] = [
    [
      'trusts a customer that beats',
      [
        [900, 'heartbeat'],
        [1_900, 'heartbeat'],
        [2_900, 'wait'],
      ],
      'alive',
      [],
    ],
    ['is patient with one missed heartbeat', [[1_950, 'wait']], 'alive', []],
    ['suspects after two and asks', [[2_000, 'wait']], 'suspect', ['2000 probe', '2000 askWitnesses']],
    ['does not ask again at once', [[2_900, 'wait']], 'suspect', ['2000 probe', '2000 askWitnesses']],
    [
      'asks anew after an undecided round, then more rarely',
      [[5_900, 'wait']],
      'suspect',
      ['2000 probe', '2000 askWitnesses', '3000 probe', '3000 askWitnesses', '5000 probe', '5000 askWitnesses'],
    ],
    [
      'suspects at once when the connection closes',
      [
        [500, 'heartbeat'],
        [600, 'disconnected'],
      ],
      'suspect',
      ['600 probe', '600 askWitnesses'],
    ],
    ['activates on its own probe and the quorum', DEAD, 'dead', ['2000 probe', '2000 askWitnesses', '2120 activate']],
    [
      'activates whichever comes last',
      [
        [2_010, 'unreachable', 'w0'],
        [2_020, 'unreachable', 'w2'],
        [2_200, 'probe failed'],
      ],
      'dead',
      ['2000 probe', '2000 askWitnesses', '2200 activate'],
    ],
    [
      'waits for one missed heartbeat after a closed connection',
      [
        [500, 'heartbeat'],
        [600, 'disconnected'],
        [610, 'probe failed'],
        [620, 'unreachable', 'w0'],
        [630, 'unreachable', 'w1'],
        [2_000, 'wait'],
      ],
      'dead',
      ['600 probe', '600 askWitnesses', '1500 activate'],
    ],
    ['does not activate without its own probe', DEAD.slice(1), 'suspect', ['2000 probe', '2000 askWitnesses']],
    ['does not activate below the quorum', DEAD.slice(0, 2), 'suspect', ['2000 probe', '2000 askWitnesses']],
    [
      'counts a witness once',
      [
        [2_100, 'probe failed'],
        [2_110, 'unreachable', 'w0'],
        [2_120, 'unreachable', 'w0'],
      ],
      'suspect',
      ['2000 probe', '2000 askWitnesses'],
    ],
    [
      'counts named witnesses only',
      [
        [2_100, 'probe failed'],
        [2_110, 'unreachable', 'w0'],
        [2_120, 'unreachable', 'stranger'],
      ],
      'suspect',
      ['2000 probe', '2000 askWitnesses'],
    ],
    [
      'counts no statement of an earlier round',
      [
        [3_000, 'wait'],
        [3_100, 'probe failed'],
        [3_110, 'unreachable', 'w0'],
        [3_120, 'unreachable (old)', 'w1'],
      ],
      'suspect',
      ['2000 probe', '2000 askWitnesses', '3000 probe', '3000 askWitnesses'],
    ],
    [
      'counts no failed probe of an earlier round',
      [
        [3_000, 'wait'],
        [3_100, 'old probe failed'],
        [3_110, 'unreachable', 'w0'],
        [3_120, 'unreachable', 'w1'],
      ],
      'suspect',
      ['2000 probe', '2000 askWitnesses', '3000 probe', '3000 askWitnesses'],
    ],
    ['recovers by a heartbeat', [[2_050, 'heartbeat']], 'alive', ['2000 probe', '2000 askWitnesses', '2050 recovered']],
    [
      'recovers by an answered probe',
      [[2_050, 'probe ok']],
      'alive',
      ['2000 probe', '2000 askWitnesses', '2050 recovered'],
    ],
    ['recovers by a refutation', [[2_050, 'refuted']], 'alive', ['2000 probe', '2000 askWitnesses', '2050 recovered']],
    [
      'does not activate after a fresher heartbeat',
      [[2_050, 'heartbeat'], ...DEAD],
      'alive',
      ['2000 probe', '2000 askWitnesses', '2050 recovered'],
    ],
    [
      'lets a customer leave',
      [
        [500, 'left'],
        [60_000, 'wait'],
      ],
      'left',
      [],
    ],
    [
      'lets a suspect leave',
      [
        [2_050, 'left'],
        [60_000, 'wait'],
      ],
      'left',
      ['2000 probe', '2000 askWitnesses'],
    ],
    [
      'welcomes one that left',
      [
        [500, 'left'],
        [9_000, 'heartbeat'],
      ],
      'alive',
      ['9000 recovered'],
    ],
    [
      'sees one that left close its connection',
      [
        [500, 'left'],
        [510, 'disconnected'],
      ],
      'left',
      [],
    ],
    [
      'stays with dead until proof of life',
      [...DEAD, [9_000, 'left'], [9_100, 'disconnected']],
      'dead',
      ['2000 probe', '2000 askWitnesses', '2120 activate'],
    ],
    ['activates once', [...DEAD, [60_000, 'wait']], 'dead', ['2000 probe', '2000 askWitnesses', '2120 activate']],
    [
      'sees the dead come back',
      [...DEAD, [9_000, 'heartbeat']],
      'alive',
      ['2000 probe', '2000 askWitnesses', '2120 activate', '9000 recovered'],
    ],
  ];
  for (const [title, steps, status, effects] of rows) {
    it(title, () => {
      const played = play(steps);
      expect(typesAt(played)).to.deep.equal(effects);
      expect(played.state.status).to.equal(status);
      expect(played.state.suspicion === null).to.equal(status !== 'suspect');
    });
  }

  it('names the witnesses and the round in the activation', () => {
    const played = play(DEAD);
    const ask = played.effects.find(([, effect]) => effect.type === 'askWitnesses')?.[1];
    const activate = played.effects.at(-1)?.[1];
    expect(activate).to.deep.equal({
      type: 'activate',
      probeId: ask?.type === 'askWitnesses' && ask.probeId,
      unreachableBy: [addressOf('w0'), addressOf('w1')].map((address) => address.toLowerCase()),
    });
  });

  it('draws another probe id for every round', () => {
    const ids = play([[60_000, 'wait']]).effects.flatMap(([, effect]) =>
      effect.type === 'probe' ? effect.probeId : [],
    );
    expect(new Set(ids).size).to.equal(ids.length).and.to.be.above(5);
  });
});

describe('failure detector, contrary voices', () => {
  const round = (atMs: number, w2: 'reachable' | 'unreachable'): Step[] => [
    [atMs + 100, 'probe failed'],
    [atMs + 110, w2, 'w2'],
    [atMs + 120, 'unreachable', 'w0'],
    [atMs + 130, 'unreachable', 'w1'],
  ];

  it('doubts itself when a witness gets through', () => {
    expect(typesAt(play(round(2_000, 'reachable').slice(0, 2))).at(-1)).to.equal('2110 doubtSelf');
  });

  it('wants the same result in a second round', () => {
    const played = play([...round(2_000, 'reachable'), ...round(3_000, 'reachable')]);
    expect(typesAt(played).at(-1)).to.equal('3130 activate');
  });

  it('does not add up rounds that are not in a row', () => {
    const undecided: Step[] = [[3_100, 'probe failed']];
    const played = play([...round(2_000, 'reachable'), ...undecided, ...round(5_000, 'reachable')]);
    expect(played.state.status).to.equal('suspect');
  });

  it('does not activate against as many contrary voices', () => {
    const split = (atMs: number): Step[] => [
      [atMs + 100, 'probe failed'],
      [atMs + 110, 'reachable', 'w1'],
      [atMs + 120, 'unreachable', 'w0'],
    ];
    const one = { ...CONFIG, witnessQuorum: 1 };
    const played = play([...split(2_100), ...split(3_100), ...split(5_100), [40_000, 'wait']], one);
    expect(played.state.status).to.equal('suspect');
  });

  it('takes the latest word of a witness', () => {
    const changed: Step[] = [
      [2_100, 'unreachable', 'w0'],
      [2_110, 'reachable', 'w0'],
      [2_120, 'unreachable', 'w1'],
      [2_130, 'probe failed'],
    ];
    expect(play(changed).state.status).to.equal('suspect');
  });
});

describe('failure detector without witnesses', () => {
  const failing = (...atMs: number[]): Step[] => atMs.map((ms) => [ms, 'probe failed']);

  it('waits the full suspicion time and asks nobody else', () => {
    const played = play([...failing(2_200, 3_200, 5_200), [8_000, 'wait']], ALONE);
    expect(typesAt(played)).to.deep.equal(['2000 probe', '3000 probe', '5000 probe', '6000 activate']);
  });

  it('does not activate on an old probe alone', () => {
    const played = play([...failing(2_200), [7_900, 'wait']], ALONE);
    expect(played.state.status).to.equal('suspect');
  });

  it('gives up at the first answered probe', () => {
    expect(play([...failing(2_200, 3_200), [5_200, 'probe ok']], ALONE).state.status).to.equal('alive');
  });
});

describe('failure detector, sick observer', () => {
  const ready: Step[] = [
    [2_100, 'probe failed'],
    [2_110, 'unreachable', 'w0'],
  ];

  it('does not take its own sleep for silence', () => {
    expect(
      play([
        [1_500, 'wait'],
        [31_500, 'stall until'],
      ]).state.status,
    ).to.equal('alive');
  });

  it('opens a new round after a stall instead of deciding', () => {
    const played = play([...ready, [9_000, 'stall until'], [9_010, 'unreachable (old)', 'w1']]);
    expect(played.state.status).to.equal('suspect');
    expect(typesAt(played).slice(2)).to.deep.equal(['9000 probe', '9000 askWitnesses']);
  });

  it('notices the stall even if the answers come before the late tick', () => {
    const state = play(ready).state;
    const probeId = state.suspicion?.round.probeId ?? '';
    const late = { type: 'statement', atMs: 9_000, probeId, reachable: false, byWitness: addressOf('w1') } as const;
    const step = transition(state, late, CONFIG);
    expect(step.state.status).to.equal('suspect');
    expect(step.effects.map((effect) => effect.type)).to.deep.equal(['probe', 'askWitnesses']);
  });

  it('decides after a stall once fresh answers are in', () => {
    const fresh: Step[] = [
      [9_100, 'probe failed'],
      [9_110, 'unreachable', 'w0'],
      [9_120, 'unreachable', 'w1'],
    ];
    expect(typesAt(play([...ready, [9_000, 'stall until'], ...fresh])).at(-1)).to.equal('9120 activate');
  });

  it('gives the silence and the probes more time the worse it feels', () => {
    const played = play([[6_000, 'wait']], CONFIG, 2);
    expect(typesAt(played)).to.deep.equal(['6000 probe', '6000 askWitnesses']);
    expect(played.effects[0]?.[1]).to.include({ timeoutMs: CONFIG.probeTimeoutMs * 3 });
  });

  it('is not blinded by a clock that is set back', () => {
    const hourMs = 3_600_000;
    const config = CONFIG;
    let state = startDetector({ nowMs: hourMs, probeSeed: `0x${'5e'.repeat(32)}` });
    for (let atMs = 0; atMs <= 2_000; atMs += config.tickMs) {
      state = transition(state, { type: 'tick', atMs, lateByMs: 0, health: 0 }, config).state;
    }
    expect(state.status).to.equal('suspect');
  });
});

describe('failure detector, any order of events', () => {
  const ms = fc.integer({ min: 0, max: 3_000 });
  const script = fc.array(
    fc.record({
      type: fc.constantFrom(
        ...(['tick', 'tick', 'tick', 'probed', 'statement', 'statement'] as const),
        ...(['heartbeat', 'disconnected', 'left', 'refuted'] as const),
      ),
      gapMs: ms,
      health: fc.nat(8),
      reachable: fc.boolean(),
      witness: fc.constantFrom<Name>('w0', 'w1', 'w2', 'stranger'),
    }),
    { maxLength: 80 },
  );

  /** What must hold of every step, whatever came before. */
  function checkStep(before: DetectorState, after: DetectorState, effects: DetectorEffect[], gapMs: number): void {
    if (before.status !== after.status) expect(LIVENESS_NEXT[before.status]).to.include(after.status);
    const activation = effects.find((effect) => effect.type === 'activate');
    expect(activation !== undefined, 'activates exactly when it declares dead').to.equal(
      after.status === 'dead' && before.status !== 'dead',
    );
    if (activation?.type !== 'activate') return;
    expect(gapMs, 'no activation out of a stall').to.be.at.most(CONFIG.tickMs + CONFIG.lateAfterMs);
    expect(new Set(activation.unreachableBy).size).to.be.at.least(CONFIG.witnessQuorum);
    expect(activation.probeId).to.equal(before.suspicion?.round.probeId);
  }

  it('moves along the table, and to dead only with the quorum of one round and never out of a stall', () => {
    fc.assert(
      fc.property(script, (steps) => {
        let state = startDetector({ nowMs: 0, probeSeed: `0x${'5e'.repeat(32)}` });
        let atMs = 0;
        for (const { type, gapMs, health, reachable, witness } of steps) {
          atMs += gapMs;
          const probeId = state.suspicion?.round.probeId ?? `0x${'00'.repeat(32)}`;
          const fields = { atMs, health, lateByMs: 0, probeId, reachable, byWitness: addressOf(witness) };
          const step = transition(state, { type, ...fields } as DetectorEvent, CONFIG);
          checkStep(state, step.state, step.effects, gapMs);
          state = step.state;
        }
      }),
      { numRuns: 500 },
    );
  });
});
