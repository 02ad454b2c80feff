import { dutiesHash } from '../market/eip712.ts';
import type { SignedOffer } from '../market/orders.ts';
import type { Rates } from '../market/pricing.ts';
import type { Need } from '../market/resources.ts';
import { worstCaseWei } from '../market/settlement-math.ts';
import type { Duties, Party, Terms, Tier } from '../market/terms.ts';

/** What a customer wants insured: everything of an agreement that does not depend on the provider or the price. */
export interface Wish {
  customer: Party;
  cloud: Duties['cloud'];
  cell: string;
  workloadHash: string;
  need: Need;
  tier: Tier;
  activation: Duties['activation'];
  heartbeatIntervalMs: number;
  suspectAfterMissed: number;
  devices: string[];
  frameBufferSec: number;
  token: string;
  providerStakeWei: bigint;
  termSec: number;
  responseWindowSec: number;
  arbitrationHash: string;
  witnesses: { count: number; quorum: number };
}

/** How long signatures wait for the agreement to be opened: short, since a signed stake is bound meanwhile. */
const OPEN_WITHIN_SEC = 60;

export interface DraftFacts {
  nowSec: number;
  /** 32 random bytes, hex. */
  salt: string;
}

/** Complete terms and duties with one provider. `witnesses` are other nodes of the place, never the parties. */
export function draftAgreement(
  wish: Wish,
  offer: SignedOffer,
  rates: Rates,
  witnesses: Party[],
  { nowSec, salt }: DraftFacts,
): { terms: Terms; duties: Duties } {
  const duties = draftDuties(wish, offer, rates, witnesses, salt);
  const openBy = nowSec + OPEN_WITHIN_SEC;
  const endsAt = openBy + wish.termSec;
  const terms: Terms = {
    customer: wish.customer.address,
    provider: offer.order.provider,
    token: wish.token,
    customerStake: worstCaseWei(duties, endsAt - nowSec),
    providerStake: wish.providerStakeWei,
    openBy,
    endsAt,
    responseWindowSec: wish.responseWindowSec,
    lane: Number.parseInt(salt.slice(2, 10), 16),
    arbitrationHash: wish.arbitrationHash,
    dutiesHash: dutiesHash(duties),
  };
  return { terms, duties };
}

function draftDuties(wish: Wish, { order }: SignedOffer, rates: Rates, witnesses: Party[], salt: string): Duties {
  const named = witnesses.slice(0, wish.witnesses.count);
  return {
    version: 1,
    customer: wish.customer,
    provider: { address: order.provider, peerId: order.peerId, addrs: order.addrs },
    cloud: wish.cloud,
    cell: wish.cell,
    workloadHash: wish.workloadHash,
    need: wish.need,
    tier: wish.tier,
    activation: wish.activation,
    heartbeatIntervalMs: wish.heartbeatIntervalMs,
    suspectAfterMissed: wish.suspectAfterMissed,
    witnesses: named,
    witnessQuorum: Math.min(wish.witnesses.quorum, named.length),
    devices: wish.devices,
    frameBufferSec: wish.frameBufferSec,
    standbyWeiPerSec: rates.standbyWeiPerSec,
    activeWeiPerSec: rates.activeWeiPerSec,
    salt,
  };
}
