import { keccak256, TypedDataEncoder, type TypedDataField, toUtf8Bytes, verifyTypedData } from 'ethers';
import { canonicalJson } from './canonical.ts';
import type { Arbitration, Duties, Terms } from './terms.ts';

/** EIP-712 domain of everything this project signs: one escrow contract on one chain. */
export interface Domain {
  name: string;
  version: string;
  chainId: number;
  verifyingContract: string;
}

export function escrowDomain(chainId: number, escrow: string): Domain {
  return { name: 'EaaS AgreementEscrow', version: '1', chainId, verifyingContract: escrow };
}

const RESOURCES: TypedDataField[] = [
  { name: 'cpuMillis', type: 'uint32' },
  { name: 'memoryBytes', type: 'uint64' },
  { name: 'storageBytes', type: 'uint64' },
  { name: 'bandwidthBps', type: 'uint64' },
  { name: 'interfaces', type: 'string[]' },
];

/** The one definition of every signed type. A test compares the hashes of those the escrow knows with the contract's. */
export const TYPES = {
  Terms: [
    { name: 'customer', type: 'address' },
    { name: 'provider', type: 'address' },
    { name: 'token', type: 'address' },
    { name: 'customerStake', type: 'uint128' },
    { name: 'providerStake', type: 'uint128' },
    { name: 'openBy', type: 'uint40' },
    { name: 'endsAt', type: 'uint40' },
    { name: 'responseWindowSec', type: 'uint32' },
    { name: 'lane', type: 'uint32' },
    { name: 'arbitrationHash', type: 'bytes32' },
    { name: 'dutiesHash', type: 'bytes32' },
  ],
  Arbitration: [
    { name: 'arbitrator', type: 'address' },
    { name: 'maxFeeWei', type: 'uint128' },
    { name: 'rulingWindowSec', type: 'uint32' },
    { name: 'feeShareBps', type: 'uint16' },
    { name: 'extraData', type: 'bytes' },
  ],
  Receipt: [
    { name: 'agreementId', type: 'bytes32' },
    { name: 'earned', type: 'uint128' },
  ],
  Settlement: [
    { name: 'agreementId', type: 'bytes32' },
    { name: 'toProvider', type: 'uint128' },
    { name: 'outcome', type: 'uint8' },
  ],
  Amendment: [
    { name: 'agreementId', type: 'bytes32' },
    { name: 'customerStake', type: 'uint128' },
    { name: 'endsAt', type: 'uint40' },
  ],
  Need: RESOURCES,
  Resources: [...RESOURCES, { name: 'uptimePermille', type: 'uint16' }, { name: 'batteryPermille', type: 'uint16' }],
  Offer: [
    { name: 'provider', type: 'address' },
    { name: 'peerId', type: 'string' },
    { name: 'addrs', type: 'string[]' },
    { name: 'cell', type: 'string' },
    { name: 'resources', type: 'Resources' },
    { name: 'tiers', type: 'string[]' },
    { name: 'token', type: 'address' },
    { name: 'standbyWeiPerSec', type: 'uint128' },
    { name: 'activeWeiPerSec', type: 'uint128' },
    { name: 'maxProviderStake', type: 'uint128' },
    { name: 'issuedAt', type: 'uint40' },
    { name: 'expiresAt', type: 'uint40' },
    { name: 'salt', type: 'bytes32' },
  ],
  Demand: [
    { name: 'customer', type: 'address' },
    { name: 'peerId', type: 'string' },
    { name: 'addrs', type: 'string[]' },
    { name: 'cell', type: 'string' },
    { name: 'need', type: 'Need' },
    { name: 'tier', type: 'string' },
    { name: 'token', type: 'address' },
    { name: 'maxDistanceM', type: 'uint32' },
    { name: 'maxStandbyWeiPerSec', type: 'uint128' },
    { name: 'maxActiveWeiPerSec', type: 'uint128' },
    { name: 'minProviderStake', type: 'uint128' },
    { name: 'termSec', type: 'uint32' },
    { name: 'issuedAt', type: 'uint40' },
    { name: 'expiresAt', type: 'uint40' },
    { name: 'salt', type: 'bytes32' },
  ],
  WitnessStatement: [
    { name: 'agreementId', type: 'bytes32' },
    { name: 'epoch', type: 'uint64' },
    { name: 'probeId', type: 'bytes32' },
    { name: 'reachable', type: 'bool' },
    { name: 'observedAtMs', type: 'uint64' },
  ],
  Activation: [
    { name: 'agreementId', type: 'bytes32' },
    { name: 'epoch', type: 'uint64' },
    { name: 'lastHeartbeatAtMs', type: 'uint64' },
    { name: 'probeId', type: 'bytes32' },
    { name: 'issuedAtMs', type: 'uint64' },
  ],
  Handback: [
    { name: 'agreementId', type: 'bytes32' },
    { name: 'epoch', type: 'uint64' },
    { name: 'deliveredCount', type: 'uint64' },
    { name: 'readingsRoot', type: 'bytes32' },
  ],
  ServiceRecord: [
    { name: 'agreementId', type: 'bytes32' },
    { name: 'epoch', type: 'uint64' },
    { name: 'acceptedCount', type: 'uint64' },
    { name: 'readingsRoot', type: 'bytes32' },
    { name: 'firstAcceptedAtMs', type: 'uint64' },
    { name: 'lastAcceptedAtMs', type: 'uint64' },
  ],
} satisfies Record<string, TypedDataField[]>;

export type SignedType = keyof typeof TYPES;

/** The type and those it refers to, as ethers and wallets want them. */
export function typesOf(primary: SignedType): Record<string, TypedDataField[]> {
  const found: Record<string, TypedDataField[]> = { [primary]: TYPES[primary] };
  for (const field of TYPES[primary]) {
    if (field.type in TYPES) Object.assign(found, typesOf(field.type as SignedType));
  }
  return found;
}

/** EIP-712 digest of a value: what is signed. For `Terms` it is also the agreement's id. */
export function digestOf(domain: Domain, primary: SignedType, value: object): string {
  return TypedDataEncoder.hash({ ...domain }, typesOf(primary), value as Record<string, unknown>);
}

/** The checksummed address that signed, or null for bytes that are no signature (a peer's bad input is an answer). */
export function signerOf(domain: Domain, primary: SignedType, value: object, signature: string): string | null {
  try {
    return verifyTypedData({ ...domain }, typesOf(primary), value as Record<string, unknown>, signature);
  } catch {
    return null;
  }
}

/** The agreement's id: the EIP-712 digest of its terms, as the contract computes it. */
export function agreementIdOf(domain: Domain, terms: Terms): string {
  return digestOf(domain, 'Terms', terms);
}

export function dutiesHash(duties: Duties): string {
  return keccak256(toUtf8Bytes(canonicalJson(duties)));
}

/** The `arbitrationHash` of terms. */
export function arbitrationHash(arbitration: Arbitration): string {
  return TypedDataEncoder.hashStruct('Arbitration', typesOf('Arbitration'), arbitration);
}

/** Signs typed data for one account: a wallet, or a stand-in in tests. */
export interface Signer {
  readonly address: string;
  sign(primary: SignedType, value: object): Promise<string>;
}
