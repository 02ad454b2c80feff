import { type BaseWallet, getAddress, type Result } from 'ethers';
import { EdgeError } from '../../market/errors.ts';
import type { Clock } from '../../market/ports.ts';
import type { Log } from '../log.ts';
import { AGREEMENT_STATUSES, type Chain, type EscrowCall, type KeyValue } from '../ports.ts';
import { decodeRevert } from '../revert.ts';
import { ESCROW_ABI, TOKEN_ABI } from './abi.ts';
import { encodeCall, weiOf } from './calls.ts';
import { agreementStory, type StoryEvent } from './events.ts';
import { Outbox, type TxRequest } from './outbox.ts';
import { signPermit } from './permit.ts';
import { quantity } from './receipts.ts';
import { httpRpc, type Rpc, RpcError, withoutSecrets } from './rpc.ts';
import { type SenderSettings, TxSender } from './sender.ts';

export interface ChainSettings extends SenderSettings {
  rpcUrl: string;
  escrow: string;
  /** A request without an answer after this long counts as unreachable. */
  requestTimeoutMs: number;
}

export interface ChainParts {
  wallet: BaseWallet;
  store: KeyValue;
  /** First part of the outbox's keys in the store; two accounts or chains in one store do not meet. */
  storePrefix: string;
  clock: Clock;
  log: Log;
  /** For tests; `httpRpc(rpcUrl)` when left out. */
  rpc?: Rpc;
}

/** What a node asks of a chain beyond the port. */
export interface ChainClient extends Chain {
  /** Waits for every transaction that was on its way when the process ended last. */
  resume(options?: { signal?: AbortSignal }): Promise<void>;
  /** Everything the escrow has said about one agreement, oldest first. */
  story(agreementId: string, options?: { fromBlock?: number }): Promise<StoryEvent[]>;
}

export const CHAIN_DEFAULTS = {
  pollIntervalMs: 500,
  resendAfterMs: 15_000,
  bumpAfterMs: 45_000,
  maxFeePerGasWei: 500_000_000_000n,
  confirmations: 1,
  requestTimeoutMs: 10_000,
} satisfies Partial<ChainSettings>;

const PERMIT_LIFETIME_SEC = 3600;

/** The escrow at `settings.escrow`, used by the wallet's account. Nothing else may send from that account. */
export function createChain(parts: ChainParts, settings: ChainSettings): ChainClient {
  const { wallet, store, storePrefix, clock, log } = parts;
  const rpc = parts.rpc ?? httpRpc(settings.rpcUrl, settings.requestTimeoutMs);
  const escrow = getAddress(settings.escrow);
  const outbox = new Outbox(store, `${storePrefix}/${settings.chainId}/${wallet.address}`);
  const sender = new TxSender({ rpc, wallet, outbox, clock, log }, settings);
  const build = (call: EscrowCall, signal?: AbortSignal) => buildTx({ rpc, wallet, escrow, settings }, call, signal);
  return {
    chainId: settings.chainId,
    escrow,
    sender: wallet.address,
    check: () => check(rpc, settings),
    nowSec: () => chainTimeSec(rpc),
    ...reads(rpc, escrow),
    submit: (key, call, { signal } = {}) => sender.send(key, () => build(call, signal), signal),
    dryRun: async (call) => dryRun(rpc, wallet.address, await build(call)),
    resume: ({ signal } = {}) => sender.resume(signal),
    story: (id, { fromBlock = 0 } = {}) => agreementStory(rpc, escrow, id, fromBlock),
  };
}

function reads(rpc: Rpc, escrow: string): Pick<Chain, 'account' | 'tokenBalance' | 'agreement' | 'isAgent'> {
  const ask = async (name: string, args: unknown[]): Promise<Result> => {
    const data = ESCROW_ABI.encodeFunctionData(name, args);
    return ESCROW_ABI.decodeFunctionResult(name, String(await rpc('eth_call', [{ to: escrow, data }, 'latest'])));
  };
  return {
    async account(token, owner) {
      const [{ balance, value, honoured, breached, disputesLost }] = await ask('accountOf', [token, owner]);
      const counters = { honoured: Number(honoured), breached: Number(breached), disputesLost: Number(disputesLost) };
      return { balance, value, ...counters };
    },
    async tokenBalance(token, owner) {
      const data = TOKEN_ABI.encodeFunctionData('balanceOf', [owner]);
      return BigInt(String(await rpc('eth_call', [{ to: token, data }, 'latest'])));
    },
    async agreement(terms) {
      const { status, claimed, exitsAt } = await ask('statusOf', [terms]);
      const name = AGREEMENT_STATUSES[Number(status)];
      if (!name) throw new TypeError(`the escrow answers with an unknown status: ${status}`);
      return { status: name, claimed, exitsAt: Number(exitsAt) };
    },
    async isAgent(owner, agent) {
      const [is] = await ask('isAgent', [owner, agent]);
      return is;
    },
  };
}

async function check(rpc: Rpc, { chainId, escrow, rpcUrl }: ChainSettings): Promise<void> {
  const found = Number(await rpc('eth_chainId', []));
  const context = { url: withoutSecrets(rpcUrl), chainId: found, expected: chainId, escrow };
  if (found !== chainId) {
    throw new EdgeError('CHAIN_WRONG_ID', `The chain at ${context.url} is ${found}, not ${chainId}.`, {
      context,
      remedy: 'Correct chain.rpcUrl or chain.chainId.',
    });
  }
  if ((await rpc('eth_getCode', [escrow, 'latest'])) === '0x') {
    throw new EdgeError('CONTRACT_MISSING', `There is no contract at ${escrow} on chain ${chainId}.`, {
      context,
      remedy: 'Correct chain.escrow, or deploy the contracts to this chain.',
    });
  }
}

/** Time of the block being made, which a call will see; of the newest block where the chain does not tell. */
async function chainTimeSec(rpc: Rpc): Promise<number> {
  for (const block of ['pending', 'latest']) {
    const answer = (await rpc('eth_getBlockByNumber', [block, false])) as { timestamp?: string } | null;
    if (answer?.timestamp) return Number(answer.timestamp);
  }
  throw new EdgeError('CHAIN_UNREACHABLE', 'The chain has no newest block.', { remedy: 'Check chain.rpcUrl.' });
}

interface BuildParts {
  rpc: Rpc;
  wallet: BaseWallet;
  escrow: string;
  settings: ChainSettings;
}

async function buildTx(parts: BuildParts, call: EscrowCall, signal?: AbortSignal): Promise<TxRequest> {
  signal?.throwIfAborted();
  const data = call.name === 'depositWithPermit' ? await depositData(parts, call) : encodeCall(call);
  return { to: parts.escrow, data, value: weiOf(call) };
}

async function depositData(
  { rpc, wallet, escrow, settings }: BuildParts,
  { token, amount }: Extract<EscrowCall, { name: 'depositWithPermit' }>,
): Promise<string> {
  const deadline = (await chainTimeSec(rpc)) + PERMIT_LIFETIME_SEC;
  const { v, r, s } = await signPermit(rpc, settings.chainId, wallet, { token, spender: escrow, amount, deadline });
  return ESCROW_ABI.encodeFunctionData('depositWithPermit', [token, amount, deadline, v, r, s]);
}

async function dryRun(rpc: Rpc, from: string, { to, data, value }: TxRequest) {
  try {
    await rpc('eth_call', [{ from, to, data, value: quantity(value) }, 'pending']);
    return null;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    const { error: name, message, remedy } = decodeRevert(error.data ?? '0x');
    return { error: name, message, remedy };
  }
}
