import type { ErrorDescription, Interface } from 'ethers';
import { EdgeError } from '../market/errors.ts';
import { ESCROW_ABI, TOKEN_ABI } from './chain/abi.ts';
import { AGREEMENT_STATUSES } from './ports.ts';

/** A contract's refusal in words. `values` are the error's arguments by name. */
export interface Revert {
  error: string;
  values: Record<string, unknown>;
  message: string;
  remedy: string;
}

type Values = Record<string, unknown>;
type Entry = [message: (values: Values) => string, remedy: string];

const time = (sec: unknown) => new Date(Number(sec) * 1000).toISOString();
const statuses = (bitmap: unknown) =>
  AGREEMENT_STATUSES.filter((_, index) => (BigInt(String(bitmap)) >> BigInt(index)) & 1n).join(' or ');

/** Every error that the escrow or a token can answer with: what happened and what to do. A test asserts completeness. */
const TABLE: Record<string, Entry> = {
  AgreementEscrowZeroAmount: [() => 'The amount is zero.', 'Give an amount above zero.'],
  AgreementEscrowTransferMismatch: [
    (v) => `The token ${v.token} moved ${v.moved} instead of ${v.expected}.`,
    'Use a token without a fee on transfer.',
  ],
  AgreementEscrowVaultFull: [
    (v) => `The escrow cannot hold more of the token ${v.token} (it holds ${v.held}).`,
    'Use a token whose whole supply is below 2^96 units.',
  ],
  AgreementEscrowInsufficientBalance: [
    (v) => `The vault balance of ${v.owner} is ${v.balance}, and ${v.needed} is needed.`,
    'Deposit the difference, or wait until another agreement has ended.',
  ],
  AgreementEscrowRevocationStale: [
    (v) => `Everything up to ${time(v.current)} is void already; ${time(v.until)} adds nothing.`,
    'Give a later time.',
  ],
  AgreementEscrowNoFees: [(v) => `There are no fees to withdraw for ${v.owner}.`, 'Nothing needs to be done.'],
  AgreementEscrowFeeTransferFailed: [
    (v) => `${v.to} refuses ${v.amountWei} wei of native currency.`,
    'Name a receiver that can take native currency.',
  ],
  AgreementEscrowInvalidAgent: [
    (v) => `${v.agent} cannot be an agent until ${time(v.expiresAt)}.`,
    'Name another account than your own, and an expiry in the future.',
  ],
  AgreementEscrowAgentCapExceeded: [
    (v) => `The agent ${v.agent} may still commit ${v.cap} for ${v.owner}, and this needs ${v.value}.`,
    'Let the owner raise the cap of the agent, or sign with the owner.',
  ],
  AgreementEscrowNotAuthorized: [
    (v) => `${v.signer} may not sign for ${v.owner}.`,
    'Check that the signature is of the owner or its agent, on this chain and escrow, over unchanged terms.',
  ],
  AgreementEscrowInvalidTerms: [
    (v) => `The terms ${v.id} contradict themselves.`,
    'Use two different parties, a response window above zero, an end in the future, and an openBy before 2106.',
  ],
  AgreementEscrowOpenByPassed: [
    (v) => `The terms ${v.id} could be opened until ${time(v.openBy)}.`,
    'Negotiate again: signatures are void after openBy.',
  ],
  AgreementEscrowTermsRevoked: [
    (v) => `${v.by} has voided all terms with an openBy up to ${time(v.revokedUntil)}.`,
    'Negotiate again with a later openBy.',
  ],
  AgreementEscrowLaneBusy: [
    (v) => `Lane ${v.lane} of ${v.provider} holds an agreement that has not ended.`,
    'Negotiate again with another lane (a random one is always right).',
  ],
  AgreementEscrowLaneUsed: [
    (v) => `Lane ${v.lane} of ${v.provider} has seen terms with an openBy of ${time(v.lastOpenBy)}.`,
    'If this agreement was opened before, nothing needs to be done; otherwise negotiate with another lane.',
  ],
  AgreementEscrowUnexpectedStatus: [
    (v) => `The agreement is ${AGREEMENT_STATUSES[Number(v.current)]}; it would have to be ${statuses(v.allowed)}.`,
    'Look at the status of the agreement (eaas agreements): somebody else may have acted first.',
  ],
  AgreementEscrowTooLate: [
    (v) => `Time has decided since ${time(v.exitsAt)}.`,
    'Only expire, or settle with both signatures, is left.',
  ],
  AgreementEscrowTooEarly: [(v) => `This can be ended by time from ${time(v.exitsAt)}.`, 'Wait until then.'],
  AgreementEscrowReceiptStale: [
    (v) => `${v.claimed} is claimed already; a receipt of ${v.earned} adds nothing.`,
    'Claim with the newest receipt of the customer.',
  ],
  AgreementEscrowAmendmentStale: [
    () => 'The amendment takes something back or changes nothing.',
    'Raise the customer stake or extend the term; neither can shrink.',
  ],
  AgreementEscrowReportedBefore: [
    (v) => `The agreement ${v.id} was reported before.`,
    'There is one report per agreement; take it to the arbitrator instead.',
  ],
  AgreementEscrowPotExceeded: [
    (v) => `The settlement pays ${v.toProvider} out of a pot of ${v.pot}.`,
    'Sign a settlement that pays at most both stakes.',
  ],
  AgreementEscrowArbitrationMismatch: [
    (v) => `The arbitration (${v.actual}) is not the one in the terms (${v.expected}).`,
    'Give exactly the arbitration that was agreed.',
  ],
  AgreementEscrowFeeAboveCap: [
    (v) => `The arbitrator asks ${v.costWei} wei; the terms allow ${v.maxFeeWei}.`,
    'Nobody can dispute at this price: settle, or let time decide.',
  ],
  AgreementEscrowFeeUnpaid: [
    (v) => `The arbitrator asks ${v.costWei} wei, and ${v.paidWei} was sent.`,
    'Send the fee along; what is too much is credited.',
  ],
  AgreementEscrowUnknownDispute: [
    (v) => `${v.arbitrator} has no dispute ${v.disputeID} of this escrow.`,
    'Only the arbitrator of the dispute can rule on it, once.',
  ],
  ReentrancyGuardReentrantCall: [
    () => 'A contract called back into the escrow.',
    'A token or arbitrator of these terms misbehaves: do not use it.',
  ],
  SafeERC20FailedOperation: [
    (v) => `The token ${v.token} refused the transfer.`,
    'Check the balance, the allowance, and that the address is a token.',
  ],
  ERC20InsufficientBalance: [
    (v) => `${v.sender} holds ${v.balance} of the token, and ${v.needed} is needed.`,
    'Get more of the token, or deposit less.',
  ],
  ERC20InsufficientAllowance: [
    (v) => `The escrow may take ${v.allowance} of the token, and ${v.needed} is needed.`,
    'Deposit with a permit, or approve the escrow first.',
  ],
  ERC20InvalidReceiver: [(v) => `The token does not go to ${v.receiver}.`, 'Name another receiver.'],
  ERC2612ExpiredSignature: [(v) => `The permit expired at ${time(v.deadline)}.`, 'Check the clock of this machine.'],
  ERC2612InvalidSigner: [
    (v) => `The permit is signed by ${v.signer}, not by ${v.owner}.`,
    'Check that the token is an ERC-2612 token on this chain.',
  ],
  Error: [(v) => String(v.message), 'The text is from a contract outside this project.'],
  Panic: [
    (v) => `A contract failed an internal check (code ${v.code}).`,
    'Report this as a bug, with the transaction.',
  ],
};

const INTERFACES: Interface[] = [ESCROW_ABI, TOKEN_ABI];

/** Names of all errors that have a remedy. */
export function knownErrors(): string[] {
  return Object.keys(TABLE);
}

/** Decodes the data of a revert; unknown data becomes the error `Unknown` with the data in `values`. */
export function decodeRevert(data: string): Revert {
  const parsed = parse(data);
  const entry = parsed && TABLE[parsed.name];
  if (!parsed || !entry) {
    return {
      error: parsed?.name ?? 'Unknown',
      values: { data },
      message: data === '0x' ? 'The contract refused without a reason.' : `The contract refused with ${data}.`,
      remedy: 'Check the addresses of the escrow and the token, and that this program fits the deployed contract.',
    };
  }
  const names = parsed.fragment.inputs.map(
    ({ name }, index) => name || ({ Error: 'message', Panic: 'code' }[parsed.name] ?? `${index}`),
  );
  const values = Object.fromEntries(names.map((name, index) => [name, parsed.args[index]]));
  return { error: parsed.name, values, message: entry[0](values), remedy: entry[1] };
}

function parse(data: string): ErrorDescription | null {
  for (const contract of INTERFACES) {
    try {
      const found = contract.parseError(data);
      if (found) return found;
    } catch {
      // The selector is known but the rest does not fit it: not this contract's error.
    }
  }
  return null;
}

/** The revert as an error, `TX_REVERTED`. `context.error` is the contract's error, `context.values` its values. */
export function revertError(revert: Revert, context: Record<string, unknown>): EdgeError<'TX_REVERTED'> {
  return new EdgeError('TX_REVERTED', revert.message, {
    context: { ...context, error: revert.error, values: revert.values },
    remedy: revert.remedy,
  });
}
