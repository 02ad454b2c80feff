import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { expect } from 'chai';
import { checkHeartbeat, type HeartbeatExpectation, heartbeatBytes } from '../../arbitrator/heartbeat.ts';
import type { Heartbeat } from '../../arbitrator/types.ts';
import { AGREEMENT_ID } from './parties.ts';

const keys = { bridge: generateKeyPairSync('ed25519'), other: generateKeyPairSync('ed25519') };
const NOW = 1_700_000_000_000;

const expected: HeartbeatExpectation = {
  agreementId: AGREEMENT_ID,
  customerPeerId: 'bridge',
  epoch: 3,
  nowMs: NOW,
  verify: (peerId, bytes, signature) =>
    peerId === 'bridge' && verify(null, bytes, keys.bridge.publicKey, Buffer.from(signature.slice(2), 'hex')),
};

const base: Heartbeat = {
  agreementId: AGREEMENT_ID,
  epoch: 3,
  seq: 7,
  bootId: '00000000000000aa',
  sentAtMs: NOW - 20,
  serving: true,
};

function signed(change: Partial<Heartbeat> = {}, by: keyof typeof keys = 'bridge') {
  const heartbeat = { ...base, ...change };
  const signature = sign(null, heartbeatBytes(heartbeat), keys[by].privateKey).toString('hex');
  return { heartbeat, signature: `0x${signature}` };
}

describe('checkHeartbeat', () => {
  const earlierBoot = { ...base, bootId: '00000000000000bb', seq: 900, sentAtMs: NOW - 5_000 };
  const rows: [string, ReturnType<typeof signed>, Heartbeat | null, string | null][] = [
    ['the first one', signed(), null, null],
    ['the next one', signed({ seq: 8 }), base, null],
    ['one after lost ones', signed({ seq: 70 }), base, null],
    ['the first of a new run', signed({ seq: 0 }), earlierBoot, null],
    ['one of another agreement', signed({ agreementId: `0x${'00'.repeat(32)}` }), null, 'wrong-agreement'],
    ['a repeated one', signed(), base, 'replayed'],
    ['an older one of the same run', signed({ seq: 6 }), base, 'replayed'],
    ['one of a run before the last', signed({ ...earlierBoot }), base, 'replayed'],
    ['one of an epoch that is over', signed({ epoch: 1 }), null, 'stale-epoch'],
    ['a forged one of an epoch that is over', signed({ epoch: 1 }, 'other'), null, 'bad-signature'],
    ['one of an epoch nobody knows', signed({ epoch: 5 }), null, 'unknown-epoch'],
    ['one at the edge of the future', signed({ sentAtMs: NOW + 30_000 }), null, null],
    ['one of the future', signed({ sentAtMs: NOW + 30_001 }), null, 'from-future'],
    ['one at the edge of the past', signed({ sentAtMs: NOW - 30_000 }), null, null],
    ['one of the past', signed({ sentAtMs: NOW - 30_001 }), null, 'too-old'],
    ['one signed by another key', signed({}, 'other'), null, 'bad-signature'],
    ['one changed after signing', { ...signed(), heartbeat: { ...base, serving: false } }, null, 'bad-signature'],
  ];
  for (const [title, heartbeat, last, fault] of rows) {
    it(`${fault === null ? 'accepts' : 'refuses'} ${title}`, () => {
      expect(checkHeartbeat(heartbeat, expected, last)).to.equal(fault);
    });
  }

  it('verifies no signature of what it refuses anyway', () => {
    const verifyNothing = () => expect.fail('verified');
    const replayed = checkHeartbeat(signed(), { ...expected, verify: verifyNothing }, base);
    expect(replayed).to.equal('replayed');
  });

  it('signs equal heartbeats with equal bytes whatever the order of members', () => {
    const reversed = Object.fromEntries(Object.entries(base).reverse()) as Heartbeat;
    expect(heartbeatBytes(reversed)).to.deep.equal(heartbeatBytes(base));
  });
});
