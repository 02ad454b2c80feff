import { type Domain, signerOf } from '../market/eip712.ts';
import type { Receipt } from '../market/terms.ts';
import { isOneOf, sameAddress } from './addresses.ts';

export interface ReceiptExpectation {
  agreementId: string;
  customer: string;
  /** Accounts that the customer named in the escrow to sign for it. */
  agents: readonly string[];
  /** The most the customer can pay. */
  customerStake: bigint;
  /** The newest receipt so far, null for none. */
  last: Receipt | null;
}

export type ReceiptFault = 'wrong-agreement' | 'over-stake' | 'goes-back' | 'bad-signature' | 'not-the-customer';

/** Null for a receipt worth keeping. An equal one is fine (a repeated message), a smaller one is not. */
export function checkReceipt(
  domain: Domain,
  receipt: Receipt,
  signature: string,
  expect: ReceiptExpectation,
): ReceiptFault | null {
  if (receipt.agreementId !== expect.agreementId) return 'wrong-agreement';
  if (receipt.earned > expect.customerStake) return 'over-stake';
  if (expect.last !== null && receipt.earned < expect.last.earned) return 'goes-back';
  const signer = signerOf(domain, 'Receipt', receipt, signature);
  if (signer === null) return 'bad-signature';
  return sameAddress(signer, expect.customer) || isOneOf(signer, expect.agents) ? null : 'not-the-customer';
}
