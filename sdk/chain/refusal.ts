import { EdgeError } from '../../market/errors.ts';
import { decodeRevert, revertError } from '../revert.ts';
import type { RpcError } from './rpc.ts';

/**
 * What a chain's "no" to a new transaction means to the user. Chains share no error codes for this, so the texts of
 * geth, reth, nethermind, besu and anvil are matched.
 */
export function refusalOf(error: RpcError, context: Record<string, unknown>): EdgeError {
  if (error.data !== null || /revert/i.test(error.message)) {
    return revertError(decodeRevert(error.data ?? '0x'), context);
  }
  if (/insufficient (funds|balance)/i.test(error.message)) {
    return new EdgeError('TX_UNFUNDED', 'The account cannot pay for gas.', {
      context: { ...context, reason: error.message },
      cause: error,
      remedy: `Send native currency to ${context.sender}.`,
    });
  }
  return new EdgeError('TX_REJECTED', `The chain rejects the transaction: ${error.message}`, {
    context: { ...context, rpcCode: error.rpcCode },
    cause: error,
    remedy: 'Nothing was sent. Check the settings under chain.',
  });
}

/** True when the refused bytes are on their way or in a block already: the receipt decides. */
export function isSentBefore(error: RpcError): boolean {
  return /already known|already imported|known transaction|already in|nonce too low|nonce is too low|old ?nonce/i.test(
    error.message,
  );
}

/** True when another form of the same transaction, or of the same nonce, is waiting with fees that are as high. */
export function isUnderpriced(error: RpcError): boolean {
  return /underpriced|gas price too low to replace|fee too low/i.test(error.message);
}
