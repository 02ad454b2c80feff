import type { EscrowCall } from '../ports.ts';
import { ESCROW_ABI } from './abi.ts';

/** The arguments of a call in the order of the contract; `depositWithPermit` is not here: it needs a signature first. */
export function encodeCall(call: Exclude<EscrowCall, { name: 'depositWithPermit' }>): string {
  return ESCROW_ABI.encodeFunctionData(call.name, argumentsOf(call));
}

/** Native currency to send along, wei. */
export function weiOf(call: EscrowCall): bigint {
  return call.name === 'dispute' ? call.feeWei : 0n;
}

function argumentsOf(call: Exclude<EscrowCall, { name: 'depositWithPermit' }>): unknown[] {
  switch (call.name) {
    case 'withdraw':
      return [call.token, call.amount, call.to];
    case 'open':
      return [call.terms, call.customerSignature, call.providerSignature];
    case 'settle': {
      const { toProvider, outcome } = call.settlement;
      return [call.terms, toProvider, outcome, call.customerSignature, call.providerSignature];
    }
    case 'claim':
      return [call.terms, call.receipt.earned, call.customerSignature];
    case 'report':
    case 'answer':
      return [call.terms, call.evidence];
    case 'concede':
    case 'expire':
      return [call.terms];
    case 'dispute':
      return [call.terms, call.arbitration];
    case 'revoke':
      return [call.token, call.until];
    case 'setAgent':
      return [call.agent, call.token, call.expiresAt, call.cap];
    case 'revokeAgent':
      return [call.agent];
  }
}
