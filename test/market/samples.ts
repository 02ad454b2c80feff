import { Wallet } from 'ethers';
import { dutiesHash, escrowDomain, type SignedType, type Signer, typesOf } from '../../market/eip712.ts';
import type { Demand, Offer } from '../../market/orders.ts';
import { cellAt } from '../../market/place.ts';
import { worstCaseWei } from '../../market/settlement-math.ts';
import { type Duties, dutiesSchema, type Terms } from '../../market/terms.ts';

export const NOW_SEC = 1_800_000_000;
export const NOW_MS = NOW_SEC * 1000;
export const TOKEN = '0x5FbDB2315678afecb367f032d93F642f64180aa3';
export const ESCROW = '0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512';
export const DOMAIN = escrowDomain(31_337, ESCROW);
/** The bridge at Rio. */
export const CELL = cellAt(-22.8697, -43.1706);
export const MIB = 1024 ** 2;
export const ONE = 10n ** 18n;

/** Signs with the key of an account that exists in tests only: number 1 to 255. */
export function testSigner(number: number, domain = DOMAIN): Signer {
  const wallet = new Wallet(`0x${number.toString(16).padStart(2, '0').repeat(32)}`);
  return {
    address: wallet.address,
    sign: (primary: SignedType, value: object) =>
      wallet.signTypedData({ ...domain }, typesOf(primary), value as Record<string, unknown>),
  };
}

export const CUSTOMER = testSigner(1);
export const PROVIDER = testSigner(2);
export const CUSTOMER_PEER = '12D3KooWCustomerCustomerCustomer';
export const PROVIDER_PEER = '12D3KooWProviderProviderProvider';

export function saltOf(number: number): string {
  return `0x${number.toString(16).padStart(64, '0')}`;
}

export function sampleOffer(changes: Partial<Offer> = {}): Offer {
  return {
    provider: PROVIDER.address,
    peerId: PROVIDER_PEER,
    addrs: ['/ip4/10.0.0.2/tcp/4001'],
    cell: CELL,
    resources: {
      cpuMillis: 2000,
      memoryBytes: 512 * MIB,
      storageBytes: 4096 * MIB,
      bandwidthBps: 20_000_000,
      interfaces: ['ethernet', 'lorawan-eu868'],
      uptimePermille: 995,
      batteryPermille: 1000,
    },
    tiers: ['cold', 'warm'],
    token: TOKEN,
    standbyWeiPerSec: 100n,
    activeWeiPerSec: 1000n,
    maxProviderStake: 50n * ONE,
    issuedAt: NOW_SEC - 5,
    expiresAt: NOW_SEC + 600,
    salt: saltOf(1),
    ...changes,
  };
}

export function sampleDemand(changes: Partial<Demand> = {}): Demand {
  return {
    customer: CUSTOMER.address,
    peerId: CUSTOMER_PEER,
    addrs: [],
    cell: CELL,
    need: {
      cpuMillis: 500,
      memoryBytes: 64 * MIB,
      storageBytes: 256 * MIB,
      bandwidthBps: 1_000_000,
      interfaces: ['lorawan-eu868'],
    },
    tier: 'warm',
    token: TOKEN,
    maxDistanceM: 5000,
    maxStandbyWeiPerSec: 200n,
    maxActiveWeiPerSec: 2000n,
    minProviderStake: 5n * ONE,
    termSec: 86_400,
    issuedAt: NOW_SEC - 5,
    expiresAt: NOW_SEC + 600,
    salt: saltOf(2),
    ...changes,
  };
}

export function sampleDuties(changes: Partial<Duties> = {}): Duties {
  const { need, tier, cell } = sampleDemand();
  return dutiesSchema.parse({
    version: 1,
    customer: { address: CUSTOMER.address, peerId: CUSTOMER_PEER, addrs: [] },
    provider: { address: PROVIDER.address, peerId: PROVIDER_PEER, addrs: [] },
    cloud: null,
    cell,
    workloadHash: saltOf(7),
    need,
    tier,
    activation: 'failure',
    heartbeatIntervalMs: 1000,
    suspectAfterMissed: 2,
    witnesses: [],
    witnessQuorum: 0,
    devices: ['26011f22'],
    frameBufferSec: 60,
    standbyWeiPerSec: 100n,
    activeWeiPerSec: 1000n,
    salt: saltOf(3),
    ...changes,
  });
}

/** Terms that bind the duties: a day, enough stake. */
export function sampleTerms(duties: Duties, changes: Partial<Terms> = {}): Terms {
  return {
    customer: CUSTOMER.address,
    provider: PROVIDER.address,
    token: TOKEN,
    customerStake: worstCaseWei(duties, 86_400),
    providerStake: 5n * ONE,
    openBy: NOW_SEC + 120,
    endsAt: NOW_SEC + 86_400,
    responseWindowSec: 3600,
    lane: 0,
    arbitrationHash: saltOf(0),
    dutiesHash: dutiesHash(duties),
    ...changes,
  };
}
