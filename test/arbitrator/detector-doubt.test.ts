import { expect } from 'chai';
import fc from 'fast-check';
import {
  type DetectorEffect,
  type DetectorEvent,
  type DetectorState,
  LIVENESS_NEXT,
  startDetector,
  transition,
} from '../../arbitrator/detector.ts';
import { ALONE, addressOf, CONFIG, type Name, play, type Step, typesAt } from './detector-script.ts';

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
