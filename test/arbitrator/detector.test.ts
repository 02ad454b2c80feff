import { expect } from 'chai';
import type { LivenessStatus } from '../../arbitrator/detector.ts';
import { addressOf, play, type Step, typesAt } from './detector-script.ts';

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
