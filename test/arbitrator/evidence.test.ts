import { expect } from 'chai';
import { signActivation } from '../../arbitrator/certificate.ts';
import { checkEvidence } from '../../arbitrator/claims.ts';
import { decodeEvidence, type EvidencePack, encodeEvidence, evidenceHash } from '../../arbitrator/evidence.ts';
import { signHandback } from '../../arbitrator/handback.ts';
import { readingsRoot } from '../../arbitrator/reading-set.ts';
import { recommendRuling } from '../../arbitrator/ruling.ts';
import type { ServiceRecord, SignedHeartbeat } from '../../arbitrator/types.ts';
import { signStatement } from '../../arbitrator/witness.ts';
import { toPlainJson } from '../../market/canonical.ts';
import { agreementIdOf, type Signer } from '../../market/eip712.ts';
import {
  AGREEMENT_ID,
  CLOUD,
  CUSTOMER,
  DOMAIN,
  DUTIES,
  PROVIDER,
  STRANGER,
  TERMS,
  termsFor,
  WITNESSES,
} from './parties.ts';

const NOW = 1_700_000_000_000;
const PROBE = `0x${'be'.repeat(32)}`;
const ROOT = readingsRoot([{ devAddr: '26011f01', fCnt: 1, payload: 'aa' }]);
const GENUINE = `0x${'11'.repeat(64)}`;
/** Stands for Ed25519: real key parsing belongs to the sdk. */
const context = { verifyPeer: (_peer: string, _bytes: Uint8Array, signature: string) => signature === GENUINE };
const [w0, w1, w2] = WITNESSES as [Signer, Signer, Signer];

async function basePack(): Promise<EvidencePack> {
  return {
    version: 1,
    chainId: DOMAIN.chainId,
    escrow: DOMAIN.verifyingContract,
    terms: TERMS,
    duties: DUTIES,
    customerSignature: await CUSTOMER.sign('Terms', TERMS),
    providerSignature: await PROVIDER.sign('Terms', TERMS),
    heartbeats: [],
    statements: [],
    certificates: [],
    handbacks: [],
    records: [],
    receipts: [],
  };
}

const voice = (signer: Signer, reachable = false) =>
  signStatement(signer, { agreementId: AGREEMENT_ID, epoch: 1, probeId: PROBE, reachable, observedAtMs: NOW });
const outage = () => Promise.all([voice(w0), voice(w1)]);

const certificate = async () =>
  signActivation(
    PROVIDER,
    { agreementId: AGREEMENT_ID, epoch: 2, lastHeartbeatAtMs: NOW - 2_000, probeId: PROBE, issuedAtMs: NOW + 50 },
    await outage(),
  );

async function record(acceptedCount: number, afterMs = 400, signer = CLOUD) {
  const firstAcceptedAtMs = acceptedCount === 0 ? 0 : NOW + afterMs;
  const words: ServiceRecord = {
    agreementId: AGREEMENT_ID,
    epoch: 2,
    acceptedCount,
    readingsRoot: ROOT,
    firstAcceptedAtMs,
    lastAcceptedAtMs: firstAcceptedAtMs,
  };
  return { record: words, signature: await signer.sign('ServiceRecord', words) };
}

async function handback(deliveredCount: number) {
  const words = { agreementId: AGREEMENT_ID, epoch: 3, deliveredCount, readingsRoot: ROOT };
  const providerSignature = await signHandback(PROVIDER, words);
  return { handback: words, providerSignature, customerSignature: await signHandback(CUSTOMER, words) };
}

async function receipt(earned: bigint) {
  const words = { agreementId: AGREEMENT_ID, earned };
  return { receipt: words, signature: await CUSTOMER.sign('Receipt', words) };
}

function heartbeat(afterMs: number, signature = GENUINE): SignedHeartbeat {
  const sentAtMs = NOW + afterMs;
  const words = { agreementId: AGREEMENT_ID, epoch: 1, seq: 1, bootId: '00000000000000aa', sentAtMs, serving: true };
  return { heartbeat: words, signature };
}

describe('checkEvidence', () => {
  it('confirms a whole and true pack', async () => {
    const pack = {
      ...(await basePack()),
      heartbeats: [heartbeat(-2_000)],
      statements: await outage(),
      certificates: [await certificate()],
      handbacks: [await handback(1)],
      records: [await record(1)],
      receipts: [await receipt(5n)],
    };
    const claims = checkEvidence(pack, context);
    expect(claims.filter((claim) => !claim.holds)).to.deep.equal([]);
    expect(claims.map((claim) => claim.name)).to.include.members(['certificate[0]', 'accounts-of-epoch[2]']);
  });

  const lies: [string, () => Promise<Partial<EvidencePack>>, string, string][] = [
    ['duties changed later', async () => ({ duties: { ...DUTIES, witnessQuorum: 0 } }), 'duties', 'not the duties'],
    [
      'terms signed by another',
      async () => ({ customerSignature: await STRANGER.sign('Terms', TERMS) }),
      'terms-by-customer',
      'signed by 0x',
    ],
    ['terms not signed', async () => ({ providerSignature: '0x' }), 'terms-by-provider', 'bad-signature'],
    ['a forged heartbeat', async () => ({ heartbeats: [heartbeat(0, '0x00')] }), 'heartbeat[0]', 'bad-signature'],
    [
      'a statement of a stranger',
      async () => ({ statements: [await voice(w0), await voice(STRANGER)] }),
      'statement[1]',
      'not-a-witness',
    ],
    [
      'a record that the provider wrote',
      async () => ({ records: [await record(3, 400, PROVIDER)] }),
      'record[0]',
      'not-the-cloud',
    ],
    [
      'accounts that differ',
      async () => ({ handbacks: [await handback(2)], records: [await record(1)] }),
      'accounts-of-epoch[2]',
      'cloud-has-fewer',
    ],
    ['a receipt over the stake', async () => ({ receipts: [await receipt(10n ** 9n)] }), 'receipt[0]', 'over-stake'],
  ];
  for (const [title, change, name, reason] of lies) {
    it(`finds ${title}`, async () => {
      const claims = checkEvidence({ ...(await basePack()), ...(await change()) }, context);
      const found = claims.filter((claim) => !claim.holds).find((claim) => claim.name === name);
      expect(found?.reason).to.contain(reason);
    });
  }

  it('accepts the agents that the escrow knows', async () => {
    const pack = { ...(await basePack()), customerSignature: await STRANGER.sign('Terms', TERMS) };
    const claims = checkEvidence(pack, { ...context, customerAgents: [STRANGER.address] });
    expect(claims.every((claim) => claim.holds)).to.equal(true);
  });
});

describe('recommendRuling', () => {
  const rows: [string, () => Promise<Partial<EvidencePack>>, 0 | 1 | 2, string][] = [
    [
      'refuses when a party never signed',
      async () => ({ statements: await outage(), providerSignature: '0x' }),
      0,
      'not signed by both',
    ],
    ['refuses an empty pack', async () => ({}), 0, 'nothing to rule on'],
    [
      'finds a breach in an outage that nobody served',
      async () => ({ statements: await outage() }),
      2,
      'nothing shows',
    ],
    [
      'finds a breach in a certificate without service',
      async () => ({ certificates: [await certificate()], records: [await record(0)] }),
      2,
      'nothing shows',
    ],
    [
      'finds it honoured when the cloud accepted readings in time',
      async () => ({ certificates: [await certificate()], records: [await record(7)] }),
      1,
      'the cloud accepted 7 readings',
    ],
    [
      'finds a breach when they came too late',
      async () => ({ statements: await outage(), records: [await record(7, 30_001)] }),
      2,
      'later than the 30000 ms',
    ],
    [
      'finds it honoured when the customer signed for the readings',
      async () => ({ statements: await outage(), handbacks: [await handback(7)] }),
      1,
      'the customer signed',
    ],
    [
      'does not take a handback of nothing for service',
      async () => ({ statements: await outage(), handbacks: [await handback(0)] }),
      2,
      'nothing shows',
    ],
    [
      'does not believe a record that the provider signed',
      async () => ({ statements: await outage(), records: [await record(7, 400, PROVIDER)] }),
      2,
      'nothing shows',
    ],
    [
      'excuses an absence shorter than a takeover',
      async () => ({ statements: await outage(), heartbeats: [heartbeat(5_000)] }),
      0,
      'back by itself',
    ],
    [
      'does not excuse by a forged heartbeat',
      async () => ({ statements: await outage(), heartbeats: [heartbeat(5_000, '0x00')] }),
      2,
      'nothing shows',
    ],
    [
      'does not excuse by a heartbeat from long after',
      async () => ({ statements: await outage(), heartbeats: [heartbeat(30_001)] }),
      2,
      'nothing shows',
    ],
    ['proves no outage with one voice', async () => ({ statements: [await voice(w0)] }), 0, 'No outage'],
    ['counts no voice twice', async () => ({ statements: [await voice(w0), await voice(w0)] }), 0, 'No outage'],
    [
      'counts no voice that reached the customer',
      async () => ({ statements: [await voice(w0), await voice(w1, true), await voice(w2, true)] }),
      0,
      'No outage',
    ],
    ['finds a quiet term honoured', async () => ({ receipts: [await receipt(5n)] }), 1, 'signed a receipt'],
    ['finds service without an outage honoured', async () => ({ records: [await record(2)] }), 1, 'service is'],
  ];
  for (const [title, change, ruling, reason] of rows) {
    it(title, async () => {
      const recommendation = recommendRuling({ ...(await basePack()), ...(await change()) }, context);
      expect(recommendation.reasons.join(' ')).to.contain(reason);
      expect(recommendation.ruling).to.equal(ruling);
    });
  }

  it('takes the certificate itself for service where no cloud was named that could count', async () => {
    const duties = { ...DUTIES, cloud: null };
    const terms = termsFor(duties);
    const agreementId = agreementIdOf(DOMAIN, terms);
    const times = { lastHeartbeatAtMs: NOW - 2_000, issuedAtMs: NOW + 50 };
    const words = { agreementId, epoch: 1, probeId: PROBE, reachable: false, observedAtMs: NOW };
    const voices = await Promise.all([w0, w1].map((witness) => signStatement(witness, words)));
    const pack = {
      ...(await basePack()),
      terms,
      duties,
      customerSignature: await CUSTOMER.sign('Terms', terms),
      providerSignature: await PROVIDER.sign('Terms', terms),
      certificates: [await signActivation(PROVIDER, { agreementId, epoch: 2, probeId: PROBE, ...times }, voices)],
    };
    expect(recommendRuling(pack, context).ruling).to.equal(1);
  });
});

describe('evidence packs', () => {
  it('travel as text that the hash on chain names', async () => {
    const pack = { ...(await basePack()), statements: await outage() };
    const text = encodeEvidence(pack);
    const decoded = decodeEvidence(text, evidenceHash(pack));
    expect(decoded.fault).to.equal(null);
    expect(toPlainJson(decoded.pack)).to.deep.equal(toPlainJson(pack));
  });

  it('are refused when a byte differs, and when they are something else', async () => {
    const pack = await basePack();
    const text = encodeEvidence(pack).replace('"warm"', '"cold"');
    expect(decodeEvidence(text, evidenceHash(pack)).fault).to.contain('the chain names');
    expect(decodeEvidence('{"version":1}', null).fault).to.contain('no evidence pack');
    expect(decodeEvidence('not json', null).fault).to.contain('no evidence pack');
  });
});
