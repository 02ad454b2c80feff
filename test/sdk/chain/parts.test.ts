import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { ESCROW_ABI } from '../../../sdk/chain/abi.ts';
import { bumpedFees, firstFees } from '../../../sdk/chain/fees.ts';
import { Mutex } from '../../../sdk/chain/mutex.ts';
import { Outbox, type PendingTx } from '../../../sdk/chain/outbox.ts';
import { isSentBefore, isUnderpriced, refusalOf } from '../../../sdk/chain/refusal.ts';
import { httpRpc, RpcError, withoutSecrets } from '../../../sdk/chain/rpc.ts';
import { decodeRevert } from '../../../sdk/revert.ts';
import { fakeKeyValue } from '../../fakes/key-value.ts';

describe('fees', () => {
  const gwei = 10n ** 9n;

  it('lasts while the base fee doubles', () => {
    const fees = firstFees({ blockNumber: 0, baseFee: 10n * gwei, tip: gwei }, 500n * gwei);
    expect(fees).to.deep.equal({ maxFeePerGas: 21n * gwei, maxPriorityFeePerGas: gwei });
  });

  it('stays under the cap, and offers nothing when the cap cannot buy the next block', () => {
    expect(firstFees({ blockNumber: 0, baseFee: 10n, tip: 1n }, 15n)?.maxFeePerGas).to.equal(15n);
    expect(firstFees({ blockNumber: 0, baseFee: 10n, tip: 1n }, 11n)?.maxFeePerGas).to.equal(11n);
    expect(firstFees({ blockNumber: 0, baseFee: 10n, tip: 1n }, 10n)).to.equal(null);
  });

  it('replaces with at least an eighth more of both fees, never above the cap', () => {
    const fee = fc.bigInt({ min: 0n, max: 10n ** 12n });
    fc.assert(
      fc.property(fee, fee, fee, fee, fee, (maxFee, tipPart, baseFee, tip, cap) => {
        const before = { maxFeePerGas: maxFee + tipPart, maxPriorityFeePerGas: tipPart };
        const after = bumpedFees(before, { blockNumber: 0, baseFee, tip }, cap);
        if (!after) return (before.maxFeePerGas * 125n) / 100n + 1n > cap;
        const raisedFee = after.maxFeePerGas * 8n >= before.maxFeePerGas * 9n;
        const raisedTip = after.maxPriorityFeePerGas * 8n >= before.maxPriorityFeePerGas * 9n;
        return raisedFee && raisedTip && after.maxFeePerGas <= cap && after.maxPriorityFeePerGas <= after.maxFeePerGas;
      }),
    );
  });
});

describe('Mutex', () => {
  it('lets tasks in one at a time, in order, also after one failed', async () => {
    const mutex = new Mutex();
    const log: string[] = [];
    const task = (name: string, fails = false) =>
      mutex.run(async () => {
        log.push(`${name} in`);
        await Promise.resolve();
        log.push(`${name} out`);
        if (fails) throw new Error(name);
      });
    const results = await Promise.allSettled([task('a'), task('b', true), task('c')]);
    expect(log).to.deep.equal(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
    expect(results.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('takes out who stops waiting, and lets the next in', async () => {
    const mutex = new Mutex();
    const abort = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = mutex.run(() => promise);
    const second = mutex.run(async () => 'ran', abort.signal).catch((reason) => reason);
    const third = mutex.run(async () => 'ran');
    abort.abort('enough');
    expect(await second).to.equal('enough');
    resolve();
    await first;
    expect(await third).to.equal('ran');
  });
});

describe('Outbox', () => {
  const version = {
    raw: '0x02',
    hash: '0x01',
    maxFeePerGas: 5n,
    maxPriorityFeePerGas: 1n,
    signedAtMs: 1,
    signedAtBlock: 2,
  };
  const tx = (key: string, nonce: number): PendingTx => ({
    key,
    nonce,
    request: { to: '0x00', data: '0x', value: 10n ** 30n },
    gasLimit: 21_000n,
    versions: [version],
  });

  it('gives back what it was given, lowest nonce first, with keys of any form', async () => {
    const store = fakeKeyValue();
    const outbox = new Outbox(store, '01/1/0xa');
    for (const [key, nonce] of [
      ['b/c', 10],
      ['ü', 9],
      ['', 8],
    ] as const)
      await outbox.put(tx(key, nonce));
    const again = new Outbox(fakeKeyValue(store.data), '01/1/0xa');
    expect(await again.allPending()).to.deep.equal([tx('', 8), tx('ü', 9), tx('b/c', 10)]);
    expect(await again.pending('b/c')).to.deep.equal(tx('b/c', 10));
    expect(await again.nextNonce()).to.equal(11);
  });

  it('keeps an outcome for good, and the nonce after it', async () => {
    const outbox = new Outbox(fakeKeyValue(), '01');
    await outbox.put(tx('k', 3));
    const result = { hash: '0x01', gasUsed: 5n, blockNumber: 1, blockTimestampSec: 2 };
    await outbox.finish('k', { kind: 'mined', result });
    expect(await outbox.pending('k')).to.equal(null);
    expect(await outbox.outcome('k')).to.deep.equal({ kind: 'mined', result });
    expect(await outbox.nextNonce()).to.equal(4);
  });

  it('frees the nonce of what was discarded', async () => {
    const outbox = new Outbox(fakeKeyValue(), '01');
    await outbox.put(tx('k', 3));
    await outbox.discard(tx('k', 3));
    expect(await outbox.allPending()).to.deep.equal([]);
    expect(await outbox.nextNonce()).to.equal(3);
  });

  it('does not see another account or chain in the same store', async () => {
    const store = fakeKeyValue();
    await new Outbox(store, '01/1/0xa').put(tx('k', 3));
    expect(await new Outbox(store, '01/1/0xb').allPending()).to.deep.equal([]);
    expect(await new Outbox(store, '01/2/0xa').nextNonce()).to.equal(0);
  });
});

describe('refusals', () => {
  const rows: { text: string; sentBefore?: boolean; underpriced?: boolean; code: string }[] = [
    { text: 'already known', sentBefore: true, code: 'TX_REJECTED' },
    { text: 'transaction already imported', sentBefore: true, code: 'TX_REJECTED' },
    { text: 'nonce too low: next nonce 5, tx nonce 4', sentBefore: true, code: 'TX_REJECTED' },
    { text: 'replacement transaction underpriced', underpriced: true, code: 'TX_REJECTED' },
    { text: 'insufficient funds for gas * price + value', code: 'TX_UNFUNDED' },
    { text: 'Insufficient funds for gas * price + value', code: 'TX_UNFUNDED' },
    { text: 'execution reverted', code: 'TX_REVERTED' },
    { text: 'intrinsic gas too low', code: 'TX_REJECTED' },
  ];
  for (const { text, sentBefore = false, underpriced = false, code } of rows) {
    it(`reads "${text}"`, () => {
      const error = new RpcError(-32000, text, null);
      expect({ sent: isSentBefore(error), underpriced: isUnderpriced(error) }).to.deep.equal({
        sent: sentBefore,
        underpriced,
      });
      expect(refusalOf(error, { sender: '0xabc' }).code).to.equal(code);
    });
  }
});

describe('decodeRevert', () => {
  it('names the error and its values, in words, with a remedy', () => {
    const data = ESCROW_ABI.encodeErrorResult('AgreementEscrowUnexpectedStatus', [`0x${'11'.repeat(32)}`, 6, 0b110]);
    const { error, values, message, remedy } = decodeRevert(data);
    expect(error).to.equal('AgreementEscrowUnexpectedStatus');
    expect(values).to.include({ current: 6n, allowed: 6n });
    expect(message).to.equal('The agreement is ended; it would have to be open or claimed.');
    expect(remedy).to.contain('eaas agreements');
  });

  it('writes a sentence for every error, whatever the values', () => {
    for (const fragment of ESCROW_ABI.fragments) {
      if (fragment.type !== 'error') continue;
      const values = fragment.inputs.map(({ type }) =>
        type === 'address' ? `0x${'ab'.repeat(20)}` : type === 'bytes32' ? `0x${'cd'.repeat(32)}` : 5n,
      );
      const { error, message } = decodeRevert(ESCROW_ABI.encodeErrorResult(fragment.format(), values));
      expect(fragment.format()).to.contain(error);
      expect(message, error)
        .to.match(/^\S.*\.$/)
        .and.not.to.match(/undefined|NaN/);
    }
  });

  const foreign: [data: string, error: string, message: RegExp][] = [
    [`0x08c379a0${'20'.padStart(64, '0')}${'02'.padStart(64, '0')}${'6e6f'.padEnd(64, '0')}`, 'Error', /^no$/],
    [`0x4e487b71${'11'.padStart(64, '0')}`, 'Panic', /code 17/],
    ['0x', 'Unknown', /without a reason/],
    ['0xdeadbeef', 'Unknown', /0xdeadbeef/],
    ['0x08c379a0ff', 'Unknown', /0x08c379a0ff/],
  ];
  for (const [data, error, message] of foreign) {
    it(`reads ${data.slice(0, 14)} as ${error}`, () => {
      expect(decodeRevert(data).error).to.equal(error);
      expect(decodeRevert(data).message).to.match(message);
    });
  }
});

describe('httpRpc', () => {
  let server: Server;
  let respond: (headers: Record<string, unknown>) => { status?: number; body: string } | null;
  let url: string;
  before(async () => {
    server = createServer((request, response) => {
      const answer = respond(request.headers);
      if (answer) response.writeHead(answer.status ?? 200).end(answer.body);
    }).listen(0);
    await once(server, 'listening');
    url = `http://user:p%40ss@127.0.0.1:${(server.address() as AddressInfo).port}/key`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const call = (timeoutMs = 2000) => httpRpc(url, timeoutMs)('eth_chainId', []).catch((error) => error);

  it('gives back the result, and sends user and password as a header', async () => {
    respond = ({ authorization }) => ({ body: JSON.stringify({ result: authorization }) });
    expect(await call()).to.equal(`Basic ${Buffer.from('user:p@ss').toString('base64')}`);
  });

  const answers: { title: string; answer: { status?: number; body: string } | null; error: object }[] = [
    { title: 'a page', answer: { status: 502, body: '<html>' }, error: { code: 'CHAIN_UNREACHABLE' } },
    { title: 'JSON that is no answer', answer: { body: '[]' }, error: { code: 'CHAIN_UNREACHABLE' } },
    { title: 'silence', answer: null, error: { code: 'CHAIN_UNREACHABLE' } },
    {
      title: 'a refusal',
      answer: { body: '{"error":{"code":3,"message":"execution reverted","data":"0xab"}}' },
      error: { name: 'RpcError', rpcCode: 3, data: '0xab' },
    },
    {
      title: 'a refusal with wrapped data',
      answer: { body: '{"error":{"code":-32603,"message":"x","data":{"message":"y","data":"0xcd"}}}' },
      error: { name: 'RpcError', rpcCode: -32603, data: '0xcd' },
    },
  ];
  for (const { title, answer, error } of answers) {
    it(`tells ${title} from an answer`, async () => {
      respond = () => answer;
      expect(await call(answer ? 2000 : 100)).to.include(error);
    });
  }

  it('shows no part of the URL that may be secret', () => {
    expect(withoutSecrets('https://u:p@rpc.example/v3/key?k=1')).to.equal('https://rpc.example');
    expect(withoutSecrets('nonsense')).to.equal('an invalid URL');
  });
});
