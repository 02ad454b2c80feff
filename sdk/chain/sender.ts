import { type BaseWallet, keccak256 } from 'ethers';
import { EdgeError, hasCode } from '../../market/errors.ts';
import type { Clock } from '../../market/ports.ts';
import type { Log } from '../log.ts';
import type { TxResult } from '../ports.ts';
import { revertError } from '../revert.ts';
import { bumpedFees, type Fees, firstFees, readFees } from './fees.ts';
import { Mutex } from './mutex.ts';
import type { Outbox, Outcome, PendingTx, TxRequest, TxVersion } from './outbox.ts';
import { quantity, sight } from './receipts.ts';
import { isSentBefore, isUnderpriced, refusalOf } from './refusal.ts';
import { type Rpc, RpcError } from './rpc.ts';

export interface SenderSettings {
  chainId: number;
  /** How often to look for a receipt. */
  pollIntervalMs: number;
  /** Sent again after this long without a receipt: a chain may forget what is waiting. */
  resendAfterMs: number;
  /** Replaced by one with higher fees after this long without a receipt, if blocks came meanwhile. */
  bumpAfterMs: number;
  /** Most wei per gas this account ever offers. */
  maxFeePerGasWei: bigint;
  /** Blocks that must hold or follow the transaction before it counts; 1 is the block it is in. */
  confirmations: number;
}

export interface SenderParts {
  rpc: Rpc;
  wallet: BaseWallet;
  outbox: Outbox;
  clock: Clock;
  log: Log;
}

type Build = (signal?: AbortSignal) => Promise<TxRequest>;

const MAX_BACKOFF_MS = 15_000;
const MAX_VERSIONS = 20;
/** Two blocks without the transaction mean that its fees are too low; none may mean that the chain stands still. */
const BUMP_AFTER_BLOCKS = 2;
/** Polls for which a used nonce without a receipt of ours must last: answers may come from servers of unequal age. */
const DISPLACED_POLLS = 5;

const UNREACHABLE: unique symbol = Symbol('unreachable');

/** Sends transactions of one account, each exactly once per key, whatever breaks in between. */
export class TxSender {
  private readonly parts: SenderParts;
  private readonly settings: SenderSettings;
  /** Held while a nonce is chosen and while a transaction is signed, stored and sent. */
  private readonly turn = new Mutex();
  private readonly lastSentMs = new Map<string, number>();
  private readonly nonceUsedPolls = new Map<string, number>();

  constructor(parts: SenderParts, settings: SenderSettings) {
    this.parts = parts;
    this.settings = settings;
  }

  /** Asks `build` only when nothing is signed for the key yet. */
  async send(key: string, build: Build, signal?: AbortSignal): Promise<TxResult> {
    await this.untilAnswered(key, signal, () => this.turn.run(() => this.ensureSigned(key, build, signal), signal));
    return this.wait(key, signal);
  }

  /** Waits for everything that was on its way when the process ended last. */
  async resume(signal?: AbortSignal): Promise<void> {
    for (const { key } of await this.parts.outbox.allPending()) {
      try {
        await this.wait(key, signal);
      } catch (error) {
        if (!hasCode(error, 'TX_REVERTED') && !hasCode(error, 'TX_DISPLACED')) throw error;
        this.parts.log.warn({ intent: key, error }, 'a transaction of an earlier run did not take effect');
      }
    }
  }

  private wait(key: string, signal?: AbortSignal): Promise<TxResult> {
    return this.untilAnswered(key, signal, async () => {
      const outcome = await this.progress(key, signal);
      return outcome && resultOf(key, outcome);
    });
  }

  /** Repeats an attempt while it answers null or the chain is unreachable, until the signal aborts. */
  private async untilAnswered<T>(
    key: string,
    signal: AbortSignal | undefined,
    attempt: () => Promise<T | null>,
  ): Promise<T> {
    let failures = 0;
    let problem: EdgeError | undefined;
    const note = (error: unknown): typeof UNREACHABLE => {
      if (signal?.aborted) throw notYet(key, problem);
      if (!hasCode(error, 'CHAIN_UNREACHABLE')) throw error;
      problem = error;
      return UNREACHABLE;
    };
    while (true) {
      const answer: T | null | typeof UNREACHABLE = await attempt().catch(note);
      if (answer !== null && answer !== UNREACHABLE) return answer;
      const failed = answer === UNREACHABLE;
      this.report(key, failures, failed ? problem : null);
      failures = failed ? failures + 1 : 0;
      const delayMs = Math.min(this.settings.pollIntervalMs * 2 ** failures, MAX_BACKOFF_MS);
      await this.parts.clock.sleep(delayMs, signal).catch(note);
    }
  }

  /** Says that the chain went away or came back, once each. */
  private report(key: string, failuresBefore: number, problem: EdgeError | null | undefined): void {
    const { log } = this.parts;
    if (problem && failuresBefore === 0) log.warn({ intent: key, reason: problem.message }, 'no chain; trying on');
    if (!problem && failuresBefore > 0) log.info({ intent: key }, 'the chain answers again');
  }

  private async ensureSigned(key: string, build: Build, signal?: AbortSignal): Promise<true> {
    const { outbox } = this.parts;
    if ((await outbox.outcome(key)) || (await outbox.pending(key))) return true;
    const tx = await this.sign(key, await build(signal), signal);
    await outbox.put(tx);
    try {
      await this.broadcast(tx, signal);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      await outbox.discard(tx);
      throw refusalOf(error, { intent: key, sender: this.parts.wallet.address });
    }
    return true;
  }

  private async sign(key: string, request: TxRequest, signal?: AbortSignal): Promise<PendingTx> {
    const gasLimit = await this.estimateGas(key, request, signal);
    const view = await readFees(this.parts.rpc, signal);
    const fees = firstFees(view, this.settings.maxFeePerGasWei);
    if (!fees) throw feesTooHigh(view.baseFee + view.tip, this.settings.maxFeePerGasWei);
    const unsigned = { key, nonce: await this.chooseNonce(signal), request, gasLimit, versions: [] };
    return { ...unsigned, versions: [await this.signVersion(unsigned, fees, view.blockNumber)] };
  }

  private async estimateGas(key: string, request: TxRequest, signal?: AbortSignal): Promise<bigint> {
    const { rpc, wallet } = this.parts;
    const call = { from: wallet.address, to: request.to, data: request.data, value: quantity(request.value) };
    try {
      const estimate = BigInt((await rpc('eth_estimateGas', [call, 'pending'], signal)) as string);
      return estimate + estimate / 4n + 10_000n;
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      throw refusalOf(error, { intent: key, sender: wallet.address });
    }
  }

  private async chooseNonce(signal?: AbortSignal): Promise<number> {
    const { rpc, wallet, outbox } = this.parts;
    const onChain = Number(await rpc('eth_getTransactionCount', [wallet.address, 'pending'], signal));
    const own = await outbox.nextNonce();
    if (onChain < own && (await outbox.allPending()).length === 0) throw chainBehind(wallet.address, onChain, own);
    return Math.max(onChain, own);
  }

  private async signVersion(tx: PendingTx, fees: Fees, blockNumber: number): Promise<TxVersion> {
    const { wallet, clock } = this.parts;
    const raw = await wallet.signTransaction({
      type: 2,
      chainId: this.settings.chainId,
      nonce: tx.nonce,
      gasLimit: tx.gasLimit,
      ...tx.request,
      ...fees,
    });
    return { raw, hash: keccak256(raw), ...fees, signedAtMs: clock.nowMs(), signedAtBlock: blockNumber };
  }

  private async broadcast(tx: PendingTx, signal?: AbortSignal): Promise<void> {
    const { rpc, clock, log } = this.parts;
    const newest = newestOf(tx);
    try {
      await rpc('eth_sendRawTransaction', [newest.raw], signal);
      log.debug({ intent: tx.key, nonce: tx.nonce, hash: newest.hash }, 'transaction sent');
    } catch (error) {
      const isOnItsWay = error instanceof RpcError && (isSentBefore(error) || isUnderpriced(error));
      if (!isOnItsWay) throw error;
    }
    this.lastSentMs.set(tx.key, clock.nowMs());
  }

  private async progress(key: string, signal?: AbortSignal): Promise<Outcome | null> {
    const { rpc, wallet, outbox } = this.parts;
    const known = await outbox.outcome(key);
    if (known) return known;
    const tx = await outbox.pending(key);
    if (!tx) throw new EdgeError('TX_REJECTED', 'The chain rejected the transaction.', { context: { intent: key } });
    const seen = await sight(rpc, wallet.address, tx, this.settings.confirmations, signal);
    if (seen === 'waiting') {
      this.nonceUsedPolls.delete(key);
      await this.turn.run(() => this.nudge(tx, signal), signal);
      return null;
    }
    const outcome = seen === 'nonce-used' ? this.displaced(tx) : seen;
    if (outcome) await this.finish(key, outcome);
    return outcome;
  }

  private displaced(tx: PendingTx): Outcome | null {
    const polls = (this.nonceUsedPolls.get(tx.key) ?? 0) + 1;
    this.nonceUsedPolls.set(tx.key, polls);
    if (polls < DISPLACED_POLLS) return null;
    return { kind: 'displaced', nonce: tx.nonce, hashes: tx.versions.map(({ hash }) => hash) };
  }

  private async finish(key: string, outcome: Outcome): Promise<void> {
    await this.parts.outbox.finish(key, outcome);
    this.lastSentMs.delete(key);
    this.nonceUsedPolls.delete(key);
  }

  /** Sends again what the chain may have forgotten, also what must be mined before `tx`; raises fees that are too low. */
  private async nudge(tx: PendingTx, signal?: AbortSignal): Promise<void> {
    const { clock, outbox } = this.parts;
    const upToThis = (await outbox.allPending()).filter(({ nonce }) => nonce <= tx.nonce);
    for (const due of upToThis) {
      const sinceMs = clock.nowMs() - (this.lastSentMs.get(due.key) ?? Number.NEGATIVE_INFINITY);
      if (sinceMs >= this.settings.resendAfterMs) await this.resend(due, signal);
    }
    const [first] = upToThis;
    const isStuck = first && clock.nowMs() - newestOf(first).signedAtMs >= this.settings.bumpAfterMs;
    if (first && isStuck) await this.bump(first, signal);
  }

  private async resend(tx: PendingTx, signal?: AbortSignal): Promise<void> {
    try {
      await this.broadcast(tx, signal);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      // It may have been taken before, so it keeps its nonce: whoever waits for it goes on waiting.
      this.parts.log.warn({ intent: tx.key, nonce: tx.nonce, reason: error.message }, 'the chain refuses a resend');
      this.lastSentMs.set(tx.key, this.parts.clock.nowMs());
    }
  }

  private async bump(tx: PendingTx, signal?: AbortSignal): Promise<void> {
    const { rpc, outbox, log } = this.parts;
    const newest = newestOf(tx);
    const view = await readFees(rpc, signal);
    if (view.blockNumber < newest.signedAtBlock + BUMP_AFTER_BLOCKS || tx.versions.length >= MAX_VERSIONS) return;
    const fees = bumpedFees(newest, view, this.settings.maxFeePerGasWei);
    if (!fees) {
      log.debug({ intent: tx.key, maxFeePerGas: newest.maxFeePerGas }, 'waiting: the fee cap allows no higher offer');
      return;
    }
    const replaced = { ...tx, versions: [...tx.versions, await this.signVersion(tx, fees, view.blockNumber)] };
    await outbox.put(replaced);
    log.info({ intent: tx.key, nonce: tx.nonce, ...fees }, 'transaction replaced with higher fees');
    await this.resend(replaced, signal);
  }
}

function newestOf({ versions }: PendingTx): TxVersion {
  const newest = versions.at(-1);
  if (!newest) throw new TypeError('a pending transaction without a signed form');
  return newest;
}

function resultOf(key: string, outcome: Outcome): TxResult {
  if (outcome.kind === 'mined') return outcome.result;
  if (outcome.kind === 'reverted') throw revertError(outcome.revert, { intent: key, hash: outcome.result.hash });
  throw new EdgeError('TX_DISPLACED', 'Another transaction of this account used the nonce of this one.', {
    context: { intent: key, nonce: outcome.nonce, hashes: outcome.hashes },
    remedy: 'This transaction will never take effect. Give the node an account that nothing else uses.',
  });
}

function notYet(key: string, problem: EdgeError | undefined): EdgeError<'CHAIN_UNREACHABLE'> {
  const reason = problem?.message ?? 'It is on its way and not in a block yet.';
  return new EdgeError('CHAIN_UNREACHABLE', `The transaction for ${key} is not confirmed. ${reason}`, {
    context: { intent: key },
    cause: problem,
    remedy: 'Ask again with the same key: it is never sent twice.',
  });
}

function feesTooHigh(askedWei: bigint, capWei: bigint): EdgeError<'CHAIN_UNREACHABLE'> {
  return new EdgeError('CHAIN_UNREACHABLE', `The chain asks ${askedWei} wei per gas; the cap is ${capWei}.`, {
    context: { askedWei, capWei },
    remedy: 'Wait until fees fall, or raise chain.maxFeePerGasGwei.',
  });
}

function chainBehind(sender: string, onChain: number, own: number): EdgeError<'CHAIN_UNREACHABLE'> {
  return new EdgeError('CHAIN_UNREACHABLE', `The chain knows ${onChain} transactions of ${sender}; ${own} were sent.`, {
    context: { sender, onChain, own },
    remedy: 'The server is behind: wait. If the chain was started anew, start the node with a new data folder.',
  });
}
