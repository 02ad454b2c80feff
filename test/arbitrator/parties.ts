import { Wallet } from 'ethers';
import { agreementIdOf, type Domain, dutiesHash, escrowDomain, type Signer, typesOf } from '../../market/eip712.ts';
import type { Duties, Terms } from '../../market/terms.ts';

/** A signer with a fixed key per name: the same in every run, so that failures can be repeated. */
export function party(name: string): Signer {
  const wallet = new Wallet(`0x${Buffer.from(name).toString('hex').padStart(64, '1')}`);
  return {
    address: wallet.address,
    sign: (primary, value) => wallet.signTypedData({ ...DOMAIN }, typesOf(primary), value as Record<string, unknown>),
  };
}

export const DOMAIN: Domain = escrowDomain(31337, `0x${'e5'.repeat(20)}`);
export const CUSTOMER = party('bridge');
export const PROVIDER = party('university');
export const CLOUD = party('cloud');
export const WITNESSES = ['harbour', 'pump', 'lighthouse', 'airport', 'stadium'].map(party);
export const STRANGER = party('stranger');

const node = (signer: Signer) => ({ address: signer.address, peerId: `12D3KooW${signer.address.slice(2)}`, addrs: [] });

export const DUTIES: Duties = {
  version: 1,
  customer: node(CUSTOMER),
  provider: node(PROVIDER),
  cloud: { url: 'http://127.0.0.1:9000', address: CLOUD.address },
  cell: '87a8a072affffff',
  workloadHash: `0x${'aa'.repeat(32)}`,
  need: { cpuMillis: 100, memoryBytes: 1 << 26, storageBytes: 0, bandwidthBps: 0, interfaces: [] },
  tier: 'warm',
  activation: 'failure',
  heartbeatIntervalMs: 1_000,
  suspectAfterMissed: 2,
  witnesses: WITNESSES.slice(0, 3).map(node),
  witnessQuorum: 2,
  devices: [],
  frameBufferSec: 60,
  standbyWeiPerSec: 10n,
  activeWeiPerSec: 100n,
  salt: `0x${'01'.repeat(32)}`,
};

export function termsFor(duties: Duties): Terms {
  return {
    customer: CUSTOMER.address,
    provider: PROVIDER.address,
    token: `0x${'70'.repeat(20)}`,
    customerStake: 1_000_000n,
    providerStake: 500_000n,
    openBy: 1_800_000_000,
    endsAt: 1_800_086_400,
    responseWindowSec: 3_600,
    lane: 0,
    arbitrationHash: `0x${'00'.repeat(32)}`,
    dutiesHash: dutiesHash(duties),
  };
}

export const TERMS = termsFor(DUTIES);
export const AGREEMENT_ID = agreementIdOf(DOMAIN, TERMS);
