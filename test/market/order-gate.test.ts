import { expect } from 'chai';
import { canonicalJson } from '../../market/canonical.ts';
import { encodeOrder, MAX_ORDER_BYTES } from '../../market/order-codec.ts';
import { createOrderGate, type GateCode, type GateInit, type OrderGate } from '../../market/order-gate.ts';
import type { Offer } from '../../market/orders.ts';
import { cellAt } from '../../market/place.ts';
import { signDemand, signOffer } from '../../market/sign-order.ts';
import { ordersTopic } from '../../market/topics.ts';
import {
  CELL,
  CUSTOMER,
  DOMAIN,
  NOW_MS,
  NOW_SEC,
  ONE,
  PROVIDER,
  saltOf,
  sampleDemand,
  sampleOffer,
  testSigner,
} from './samples.ts';

const TOPIC = ordersTopic(DOMAIN.chainId, CELL);
const RICH = 1000n * ONE;

function gateWith(init: Partial<GateInit> = {}): OrderGate {
  return createOrderGate({ domain: DOMAIN, stakeOf: () => RICH, ...init });
}

async function offerBytes(changes: Partial<Offer> = {}, domain = DOMAIN): Promise<Uint8Array> {
  return encodeOrder(await signOffer(testSigner(2, domain), sampleOffer(changes)));
}

/** Offers by one owner from many of its peers, so that each is an order of its own. */
async function manyOffers(count: number): Promise<Uint8Array[]> {
  const each = Array.from({ length: count }, (_unused, index) =>
    offerBytes({ salt: saltOf(100 + index), peerId: `12D3KooWPeerNumber${index}` }),
  );
  return Promise.all(each);
}

describe('order-gate', () => {
  it('accepts a good offer and a good demand, and hands them over', async () => {
    const gate = gateWith();
    const demand = await signDemand(CUSTOMER, sampleDemand());
    expect(gate.check(TOPIC, await offerBytes(), NOW_MS)).to.include({ verdict: 'accept', code: 'OK' });
    expect(gate.check(TOPIC, encodeOrder(demand), NOW_MS).order).to.deep.equal(demand);
  });

  const otherTopic = ordersTopic(DOMAIN.chainId, cellAt(52.5, 13.4));
  const rows: { name: string; code: GateCode; verdict: string; changes?: Partial<Offer>; topic?: string }[] = [
    { name: 'another place', topic: otherTopic, verdict: 'reject', code: 'WRONG_TOPIC' },
    { name: "another chain's topic", topic: ordersTopic(1, CELL), verdict: 'reject', code: 'WRONG_TOPIC' },
    { name: 'no order topic', topic: '/chat', verdict: 'reject', code: 'WRONG_TOPIC' },
    { name: 'a cell H3 does not have', changes: { cell: '8fffffffffffff0' }, verdict: 'reject', code: 'WRONG_TOPIC' },
    { name: 'over an hour of life', changes: { expiresAt: NOW_SEC + 3596 }, verdict: 'reject', code: 'LIFETIME' },
    { name: 'an expiry before the issue', changes: { expiresAt: NOW_SEC - 6 }, verdict: 'reject', code: 'LIFETIME' },
    {
      name: 'an expiry just now',
      changes: { issuedAt: NOW_SEC - 600, expiresAt: NOW_SEC },
      verdict: 'ignore',
      code: 'EXPIRED',
    },
    {
      name: 'an issue 31 s ahead',
      changes: { issuedAt: NOW_SEC + 31, expiresAt: NOW_SEC + 600 },
      verdict: 'ignore',
      code: 'FROM_THE_FUTURE',
    },
    {
      name: 'an issue 30 s ahead',
      changes: { issuedAt: NOW_SEC + 30, expiresAt: NOW_SEC + 600 },
      verdict: 'accept',
      code: 'OK',
    },
    { name: 'exactly one hour of life', changes: { expiresAt: NOW_SEC + 3595 }, verdict: 'accept', code: 'OK' },
    { name: 'more stake than it has', changes: { maxProviderStake: RICH + 1n }, verdict: 'ignore', code: 'UNFUNDED' },
  ];
  for (const { name, code, verdict, changes, topic } of rows) {
    it(`answers ${verdict} ${code} to an order with ${name}`, async () => {
      const result = gateWith().check(topic ?? TOPIC, await offerBytes(changes), NOW_MS);
      expect(result).to.include({ verdict, code });
    });
  }

  it('rejects what is too large or malformed before anything else', () => {
    const gate = gateWith();
    expect(gate.check(TOPIC, new Uint8Array(MAX_ORDER_BYTES + 1), NOW_MS)).to.include({ code: 'TOO_LARGE' });
    const malformed = { verdict: 'reject', code: 'MALFORMED', order: null };
    expect(gate.check(TOPIC, new Uint8Array(10), NOW_MS)).to.deep.equal(malformed);
  });

  it('rejects an order signed by another account, also the second time', async () => {
    const gate = gateWith();
    const forged = { ...(await signOffer(PROVIDER, sampleOffer())), order: sampleOffer({ activeWeiPerSec: 1n }) };
    for (const time of ['first', 'second']) {
      const result = gate.check(TOPIC, encodeOrder(forged), NOW_MS);
      expect(result, time).to.include({ verdict: 'reject', code: 'BAD_SIGNATURE' });
    }
  });

  it('rejects an order signed for another chain', async () => {
    const bytes = await offerBytes({}, { ...DOMAIN, chainId: 1 });
    expect(gateWith().check(TOPIC, bytes, NOW_MS)).to.include({ verdict: 'reject', code: 'BAD_SIGNATURE' });
  });

  it('ignores a replayed order', async () => {
    const gate = gateWith();
    const bytes = await offerBytes();
    gate.check(TOPIC, bytes, NOW_MS);
    expect(gate.check(TOPIC, bytes, NOW_MS)).to.include({ verdict: 'ignore', code: 'SEEN' });
  });

  it('ignores a replayed order that a newer one has replaced, also when it is forgotten', async () => {
    const gate = gateWith({ limits: { maxSeen: 1 } });
    const older = await offerBytes();
    gate.check(TOPIC, older, NOW_MS);
    gate.check(TOPIC, await offerBytes({ issuedAt: NOW_SEC - 1 }), NOW_MS);
    expect(gate.check(TOPIC, older, NOW_MS)).to.include({ verdict: 'ignore', code: 'SUPERSEDED' });
  });

  it('takes the same bytes once the stake is known', async () => {
    let stake: bigint | null = null;
    const gate = gateWith({ stakeOf: () => stake });
    const bytes = await offerBytes();
    expect(gate.check(TOPIC, bytes, NOW_MS)).to.include({ verdict: 'ignore', code: 'STAKE_UNKNOWN' });
    stake = 0n;
    expect(gate.check(TOPIC, bytes, NOW_MS)).to.include({ verdict: 'ignore', code: 'UNFUNDED' });
    stake = RICH;
    expect(gate.check(TOPIC, bytes, NOW_MS)).to.include({ verdict: 'accept' });
  });

  it('asks for the stake of the owner in the token of the order', async () => {
    const asked: string[][] = [];
    const stakeOf = (owner: string, token: string): bigint => {
      asked.push([owner, token]);
      return RICH;
    };
    gateWith({ stakeOf }).check(TOPIC, await offerBytes(), NOW_MS);
    expect(asked).to.deep.equal([[PROVIDER.address, sampleOffer().token]]);
  });

  it('lets through a burst of ten and then six a minute', async () => {
    const gate = gateWith();
    const all = await manyOffers(18);
    const codes = all.slice(0, 11).map((bytes) => gate.check(TOPIC, bytes, NOW_MS).code);
    expect(codes).to.deep.equal([...Array(10).fill('OK'), 'OVER_QUOTA']);
    const later = all.slice(10).map((bytes) => gate.check(TOPIC, bytes, NOW_MS + 60_000).code);
    expect(later).to.deep.equal([...Array(6).fill('OK'), 'OVER_QUOTA', 'OVER_QUOTA']);
  });

  it('holds an owner to its live orders and lets it on when they expire', async () => {
    const gate = gateWith({ limits: { burst: 100, maxLivePerOwner: 2 } });
    const [first, second, third] = await manyOffers(3);
    const check = (bytes: Uint8Array | undefined, nowMs: number) => gate.check(TOPIC, bytes ?? new Uint8Array(), nowMs);
    expect([first, second, third].map((bytes) => check(bytes, NOW_MS).code)).to.deep.equal(['OK', 'OK', 'OVER_QUOTA']);
    const fresh = await offerBytes({
      issuedAt: NOW_SEC + 600,
      expiresAt: NOW_SEC + 900,
      peerId: '12D3KooWFreshPeer000',
    });
    expect(check(fresh, NOW_MS + 600_000).code).to.equal('OK');
  });

  it('does not charge an owner for what others forge in its name', async () => {
    const gate = gateWith();
    const { signature } = await signOffer(PROVIDER, sampleOffer());
    for (let index = 0; index < 20; index += 1) {
      const order = sampleOffer({ salt: saltOf(500 + index) });
      gate.check(TOPIC, encodeOrder({ kind: 'offer', order, signature }), NOW_MS);
    }
    expect(gate.check(TOPIC, await offerBytes(), NOW_MS).code).to.equal('OK');
  });

  it('checks no more signatures than its budget, and goes on in the next second', async () => {
    const gate = gateWith({ limits: { signatureChecksPerSec: 3 } });
    const all = await manyOffers(5);
    const codes = all.map((bytes) => gate.check(TOPIC, bytes, NOW_MS).code);
    expect(codes).to.deep.equal(['OK', 'OK', 'OK', 'BUSY', 'BUSY']);
    const [, , , fourth = new Uint8Array()] = all;
    expect(gate.check(TOPIC, fourth, NOW_MS + 1000).code).to.equal('OK');
  });

  it('checks nothing that costs a signature before the cheap checks passed', async () => {
    const gate = gateWith({
      limits: { signatureChecksPerSec: 1 },
      stakeOf: (owner) => (owner === PROVIDER.address ? RICH : 0n),
    });
    const poor = await signDemand(CUSTOMER, sampleDemand());
    for (let index = 0; index < 5; index += 1) gate.check(TOPIC, encodeOrder(poor), NOW_MS);
    expect(gate.check(TOPIC, await offerBytes(), NOW_MS).code).to.equal('OK');
  });

  it('answers any well-formed nonsense without throwing', () => {
    const gate = gateWith();
    for (const value of [null, 1, 'offer', [], {}, { kind: 'offer' }, { kind: 'offer', order: {}, signature: '0x' }]) {
      expect(gate.check(TOPIC, Buffer.from(canonicalJson(value)), NOW_MS).code).to.equal('MALFORMED');
    }
  });
});
