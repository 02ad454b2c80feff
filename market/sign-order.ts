import type { Signer } from './eip712.ts';
import { EdgeError } from './errors.ts';
import { checksummedDemand, checksummedOffer } from './order-codec.ts';
import type { Demand, Offer, SignedDemand, SignedOffer } from './orders.ts';

/** Signs an offer for its provider. Throws `ORDER_SIGNER_MISMATCH` when the signer is another account. */
export async function signOffer(signer: Signer, offer: Offer): Promise<SignedOffer> {
  const order = checksummedOffer(offer);
  requireOwner(signer, order.provider);
  return { kind: 'offer', order, signature: await signer.sign('Offer', order) };
}

/** Signs a demand for its customer. Throws `ORDER_SIGNER_MISMATCH` when the signer is another account. */
export async function signDemand(signer: Signer, demand: Demand): Promise<SignedDemand> {
  const order = checksummedDemand(demand);
  requireOwner(signer, order.customer);
  return { kind: 'demand', order, signature: await signer.sign('Demand', order) };
}

function requireOwner(signer: Signer, owner: string): void {
  if (signer.address.toLowerCase() === owner.toLowerCase()) return;
  throw new EdgeError('ORDER_SIGNER_MISMATCH', `account ${signer.address} cannot sign an order of ${owner}`, {
    context: { signer: signer.address, owner },
    remedy: 'Sign with the account that the order names.',
  });
}
