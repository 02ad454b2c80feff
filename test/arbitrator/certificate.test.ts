import { expect } from 'chai';
import { checkCertificate, signActivation } from '../../arbitrator/certificate.ts';
import type { ActivationRecord, WitnessStatement } from '../../arbitrator/types.ts';
import { checkStatement, signStatement } from '../../arbitrator/witness.ts';
import { escrowDomain, type Signer } from '../../market/eip712.ts';
import { AGREEMENT_ID, CUSTOMER, DOMAIN, DUTIES, PROVIDER, STRANGER, TERMS, WITNESSES } from './parties.ts';

const NOW = 1_700_000_000_000;
const PROBE = `0x${'be'.repeat(32)}`;
const OTHER = `0x${'00'.repeat(32)}`;
const [w0, w1, w2, unnamed] = WITNESSES as [Signer, Signer, Signer, Signer];

const statement: WitnessStatement = {
  agreementId: AGREEMENT_ID,
  epoch: 1,
  probeId: PROBE,
  reachable: false,
  observedAtMs: NOW,
};
const activation: ActivationRecord = {
  agreementId: AGREEMENT_ID,
  epoch: 2,
  lastHeartbeatAtMs: NOW - 2_000,
  probeId: PROBE,
  issuedAtMs: NOW + 50,
};

const say = (signer: Signer, change: Partial<WitnessStatement> = {}) =>
  signStatement(signer, { ...statement, ...change });
const certify = async (
  statements: ReturnType<typeof say>[],
  change: Partial<ActivationRecord> = {},
  signer: Signer = PROVIDER,
) => signActivation(signer, { ...activation, ...change }, await Promise.all(statements));
const expected = { terms: TERMS, duties: DUTIES, agreementId: AGREEMENT_ID, currentEpoch: 1 };
const twoVoices = () => [say(w0), say(w1)];

describe('checkStatement', () => {
  const expect1 = { agreementId: AGREEMENT_ID, epoch: 1, probeId: PROBE, nowMs: NOW };
  const rows: [string, () => ReturnType<typeof say>, string | null][] = [
    ['accepts a named witness', () => say(w0), null],
    ['accepts the word that it is reachable', () => say(w0, { reachable: true }), null],
    ['refuses a witness that the duties do not name', () => say(unnamed), 'not-a-witness'],
    ['refuses the provider as its own witness', () => say(PROVIDER), 'not-a-witness'],
    ['refuses another agreement', () => say(w0, { agreementId: OTHER }), 'wrong-agreement'],
    ['refuses another epoch', () => say(w0, { epoch: 3 }), 'wrong-epoch'],
    ['refuses another probe', () => say(w0, { probeId: OTHER }), 'wrong-probe'],
    ['refuses an old one', () => say(w0, { observedAtMs: NOW - 30_001 }), 'wrong-time'],
    ['refuses one from the future', () => say(w0, { observedAtMs: NOW + 30_001 }), 'wrong-time'],
    ['refuses bytes that are no signature', async () => ({ statement, signature: '0x1234' }), 'bad-signature'],
    [
      'refuses one changed after signing',
      async () => ({ ...(await say(w0)), statement: { ...statement, reachable: true } }),
      'not-a-witness',
    ],
  ];
  for (const [title, make, fault] of rows) {
    it(title, async () => {
      const checked = checkStatement(DOMAIN, await make(), DUTIES, expect1);
      expect(checked).to.deep.equal({ fault, witness: fault === null ? w0.address : null });
    });
  }
});

describe('checkCertificate', () => {
  const late = NOW + 120_000;
  const rows: [string, () => ReturnType<typeof certify>, string | null][] = [
    ['accepts the quorum', () => certify(twoVoices()), null],
    ['accepts more than the quorum', () => certify([say(w2), ...twoVoices()]), null],
    ['refuses another agreement', () => certify(twoVoices(), { agreementId: OTHER }), 'wrong-agreement'],
    ['refuses an epoch that is not the next', () => certify(twoVoices(), { epoch: 4 }), 'wrong-epoch'],
    ['refuses the current epoch', () => certify(twoVoices(), { epoch: 1 }), 'wrong-epoch'],
    ['refuses one signed by a stranger', () => certify(twoVoices(), {}, STRANGER), 'not-the-provider'],
    ['refuses one signed by the customer', () => certify(twoVoices(), {}, CUSTOMER), 'not-the-provider'],
    [
      'refuses a broken signature',
      async () => ({ ...(await certify(twoVoices())), signature: `0x${'00'.repeat(65)}` }),
      'bad-signature',
    ],
    [
      'refuses one changed after signing',
      async () => ({ ...(await certify(twoVoices())), activation: { ...activation, issuedAtMs: NOW + 51 } }),
      'not-the-provider',
    ],
    ['refuses no statements', () => certify([]), 'quorum-missing'],
    ['refuses fewer than the quorum', () => certify([say(w0)]), 'quorum-missing'],
    ['refuses one witness twice', () => certify([say(w0), say(w0)]), 'statement-duplicate'],
    [
      'refuses one witness twice with different words',
      () => certify([say(w0), say(w0, { observedAtMs: NOW + 1 })]),
      'statement-duplicate',
    ],
    ['refuses a witness that is not named', () => certify([say(w0), say(unnamed)]), 'statement-not-a-witness'],
    [
      'refuses a reachable customer',
      () => certify([...twoVoices(), say(w2, { reachable: true })]),
      'statement-says-reachable',
    ],
    [
      'refuses statements of another probe',
      () => certify([say(w0), say(w1, { probeId: OTHER })]),
      'statement-wrong-probe',
    ],
    ['refuses statements of another epoch', () => certify([say(w0), say(w1, { epoch: 3 })]), 'statement-wrong-epoch'],
    [
      'refuses statements of another agreement',
      () => certify([say(w0), say(w1, { agreementId: OTHER })]),
      'statement-wrong-agreement',
    ],
    [
      'refuses a statement from before the last heartbeat',
      () => certify([say(w0), say(w1, { observedAtMs: NOW - 32_001 })]),
      'statement-too-old',
    ],
    ['refuses statements kept for later', () => certify(twoVoices(), { issuedAtMs: late }), 'statement-too-old'],
    [
      'refuses a statement from after the activation',
      () => certify([say(w0), say(w1, { observedAtMs: late })]),
      'statement-from-future',
    ],
    [
      'refuses a heartbeat after the activation',
      () => certify(twoVoices(), { lastHeartbeatAtMs: late }),
      'issued-before-heartbeat',
    ],
    [
      'refuses a statement without a signature',
      async () => certify([say(w0), Promise.resolve({ statement, signature: '0x' })]),
      'statement-bad-signature',
    ],
  ];
  for (const [title, make, fault] of rows) {
    it(title, async () => expect(checkCertificate(DOMAIN, await make(), expected)).to.equal(fault));
  }

  it('refuses everything signed for another chain', async () => {
    const elsewhere = escrowDomain(1, DOMAIN.verifyingContract);
    expect(checkCertificate(elsewhere, await certify(twoVoices()), expected)).to.equal('not-the-provider');
  });

  it('refuses to take an epoch from the provider itself', async () => {
    const certificate = await certify(twoVoices(), { epoch: 3 });
    expect(checkCertificate(DOMAIN, certificate, { ...expected, currentEpoch: 2 })).to.equal('wrong-epoch');
  });

  it('takes the provider’s word alone when the duties name no witnesses', async () => {
    const duties = { ...DUTIES, witnesses: [], witnessQuorum: 0 };
    expect(checkCertificate(DOMAIN, await certify([]), { ...expected, duties })).to.equal(null);
  });

  it('accepts the account of the provider’s node where the terms name its owner', async () => {
    const terms = { ...TERMS, provider: STRANGER.address };
    expect(checkCertificate(DOMAIN, await certify(twoVoices()), { ...expected, terms })).to.equal(null);
  });
});
