import { EdgeError } from '../../market/errors.ts';

/** An answer of the chain that says no. `data` is the revert data, if it is a revert. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly rpcCode: number;
  readonly data: string | null;

  constructor(rpcCode: number, message: string, data: string | null) {
    super(message);
    this.rpcCode = rpcCode;
    this.data = data;
  }
}

/** One JSON-RPC call. Throws `RpcError` when the chain says no, `CHAIN_UNREACHABLE` when it says nothing. */
export type Rpc = (method: string, params: unknown[], signal?: AbortSignal) => Promise<unknown>;

const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** JSON-RPC over HTTP. A request without an answer after `timeoutMs` counts as unreachable. */
export function httpRpc(url: string, timeoutMs: number): Rpc {
  const { address, headers } = endpoint(url);
  return async (method, params, signal) => {
    const timeout = AbortSignal.timeout(timeoutMs);
    let answer: unknown;
    try {
      const response = await fetch(address, {
        method: 'POST',
        headers,
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      answer = await readJson(response);
    } catch (error) {
      throw unreachable(url, method, error);
    }
    return resultOf(url, method, answer);
  };
}

/** `fetch` refuses a user and password in the address: they go into a header. */
function endpoint(url: string): { address: string; headers: Record<string, string> } {
  const headers = { 'content-type': 'application/json' };
  if (!URL.canParse(url)) return { address: url, headers };
  const parsed = new URL(url);
  const { username, password } = parsed;
  if (username === '') return { address: url, headers };
  parsed.username = '';
  parsed.password = '';
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return { address: parsed.href, headers: { ...headers, authorization: `Basic ${credentials.toString('base64')}` } };
}

async function readJson(response: Response): Promise<unknown> {
  const declaredBytes = Number(response.headers.get('content-length') ?? 0);
  if (declaredBytes > MAX_ANSWER_BYTES) throw new Error(`an answer of ${declaredBytes} bytes`);
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`HTTP status ${response.status} without a JSON body`);
  }
}

function resultOf(url: string, method: string, answer: unknown): unknown {
  const { result, error } = (answer ?? {}) as {
    result?: unknown;
    error?: { code?: number; message?: string; data?: unknown };
  };
  if (error) throw new RpcError(error.code ?? 0, error.message ?? 'unknown error', revertData(error.data));
  if (result === undefined) throw unreachable(url, method, new Error('the answer is not JSON-RPC'));
  return result;
}

/** Chains wrap revert data differently: a plain string, or an object that holds one. */
function revertData(data: unknown): string | null {
  if (typeof data === 'string') return /^0x[0-9a-f]*$/i.test(data) ? data : null;
  if (typeof data !== 'object' || data === null) return null;
  return revertData((data as { data?: unknown }).data);
}

function unreachable(url: string, method: string, cause: unknown): EdgeError<'CHAIN_UNREACHABLE'> {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const reason = inner instanceof Error ? inner.message || inner.name : String(inner);
  return new EdgeError('CHAIN_UNREACHABLE', `The chain at ${withoutSecrets(url)} does not answer: ${reason}`, {
    context: { url: withoutSecrets(url), method },
    cause,
    remedy: 'Check that the chain runs and that chain.rpcUrl is right.',
  });
}

/** RPC services put API keys into the path, the query or the user part. */
export function withoutSecrets(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'an invalid URL';
}
