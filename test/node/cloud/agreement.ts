import { createHash, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { Wallet } from 'ethers';
import { signActivation } from '../../../arbitrator/certificate.ts';
import { signHandback } from '../../../arbitrator/handback.ts';
import type { ActivationCertificate, Reading, SignedHandback } from '../../../arbitrator/types.ts';
import { agreementIdOf, type Domain, dutiesHash, escrowDomain, type Signer, typesOf } from '../../../market/eip712.ts';
import type { Duties, Terms } from '../../../market/terms.ts';
import type { Registration } from '../../../node/cloud/storage.ts';

export const domain: Domain = escrowDomain(31_337, `0x${'e5'.repeat(20)}`);

/** The same account for the same name, in every run. */
export function signerNamed(name: string): Signer {
  const wallet = new Wallet(`0x${createHash('sha256').update(name).digest('hex')}`);
  return {
    address: wallet.address,
    sign: (primary, value) => wallet.signTypedData({ ...domain }, typesOf(primary), value as Record<string, unknown>),
  };
}

/** A node's Ed25519 key under a name instead of a real peer id. */
export interface TestPeer {
  peerId: string;
  sign: (bytes: Uint8Array) => { peerId: string; signature: string };
}

const publicKeys = new Map<string, KeyObject>();

export function peerNamed(name: string): TestPeer {
  const peerId = `peer-${name}`.padEnd(20, '-');
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  publicKeys.set(peerId, publicKey);
  return { peerId, sign: (bytes) => ({ peerId, signature: `0x${sign(null, bytes, privateKey).toString('hex')}` }) };
}

export function verifyPeer(peerId: string, bytes: Uint8Array, signature: string): boolean {
  const key = publicKeys.get(peerId);
  return key !== undefined && verify(null, bytes, key, Buffer.from(signature.slice(2), 'hex'));
}

export const customer = signerNamed('customer');
export const provider = signerNamed('provider');
export const witness = signerNamed('witness');
export const cloudSigner = signerNamed('cloud');
export const customerPeer = peerNamed('customer');
export const providerPeer = peerNamed('provider');
export const strangerPeer = peerNamed('stranger');

export const DEVICES = Array.from({ length: 12 }, (_, index) => `0100000${index.toString(16)}`);

const party = (signer: Signer, peer: TestPeer) => ({ address: signer.address, peerId: peer.peerId, addrs: [] });

export function dutiesWith(fields: Partial<Duties> = {}): Duties {
  return {
    version: 1,
    customer: party(customer, customerPeer),
    provider: party(provider, providerPeer),
    cloud: { url: 'http://127.0.0.1:1', address: cloudSigner.address },
    cell: '85194ad3fffffff',
    workloadHash: `0x${'11'.repeat(32)}`,
    need: { cpuMillis: 100, memoryBytes: 1, storageBytes: 1, bandwidthBps: 1, interfaces: [] },
    tier: 'warm',
    activation: 'failure',
    heartbeatIntervalMs: 1000,
    suspectAfterMissed: 3,
    witnesses: [{ address: witness.address, peerId: 'peer-witness--------', addrs: [] }],
    witnessQuorum: 1,
    devices: DEVICES,
    frameBufferSec: 60,
    standbyWeiPerSec: 1n,
    activeWeiPerSec: 2n,
    salt: `0x${'22'.repeat(32)}`,
    ...fields,
  };
}

export function termsFor(duties: Duties, fields: Partial<Terms> = {}): Terms {
  return {
    customer: customer.address,
    provider: provider.address,
    token: `0x${'70'.repeat(20)}`,
    customerStake: 1000n,
    providerStake: 500n,
    openBy: 2_000_000_000,
    endsAt: 2_000_003_600,
    responseWindowSec: 60,
    lane: 0,
    arbitrationHash: `0x${'00'.repeat(32)}`,
    dutiesHash: dutiesHash(duties),
    ...fields,
  };
}

export interface TestAgreement {
  agreementId: string;
  registration: Registration;
}

export async function agreementWith(
  duties: Duties = dutiesWith(),
  terms: Terms = termsFor(duties),
): Promise<TestAgreement> {
  const customerSignature = await customer.sign('Terms', terms);
  const providerSignature = await provider.sign('Terms', terms);
  return {
    agreementId: agreementIdOf(domain, terms),
    registration: { terms, duties, customerSignature, providerSignature },
  };
}

/** The provider's right to run `epoch`, with one witness. */
export async function certificateFor(agreementId: string, epoch: number): Promise<ActivationCertificate> {
  const probeId = `0x${'33'.repeat(32)}`;
  const statement = { agreementId, epoch: epoch - 1, probeId, reachable: false, observedAtMs: 10_000 };
  const signed = { statement, signature: await witness.sign('WitnessStatement', statement) };
  const activation = { agreementId, epoch, lastHeartbeatAtMs: 9_000, probeId, issuedAtMs: 10_001 };
  return signActivation(provider, activation, [signed]);
}

export async function handbackFor(agreementId: string, epoch: number): Promise<SignedHandback> {
  const handback = { agreementId, epoch, deliveredCount: 0, readingsRoot: `0x${'44'.repeat(32)}` };
  return {
    handback,
    providerSignature: await signHandback(provider, handback),
    customerSignature: await signHandback(customer, handback),
  };
}

export function reading(fCnt: number, fields: Partial<Reading> = {}): Reading {
  return { devAddr: '01000000', fCnt, payload: '0a0b', receivedAtMs: 1000 + fCnt, ...fields };
}
