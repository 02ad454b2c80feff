import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError } from '../../market/errors.ts';

/** A caller of a running node's local API: the CLI, the demo, tests. */
export interface ApiClient {
  get(path: string): Promise<unknown>;
  post(path: string, body?: unknown): Promise<unknown>;
  /** Each event after `afterId`, until the signal aborts or the node stops. */
  events(afterId: number, signal: AbortSignal): AsyncGenerator<Record<string, unknown>>;
}

async function readTrimmed(dataDir: string, file: string): Promise<string> {
  try {
    return (await readFile(join(dataDir, file), 'utf8')).trim();
  } catch (cause) {
    throw new EdgeError('NODE_NOT_RUNNING', 'no node has run with this data folder', {
      context: { dataDir },
      remedy: 'start it with: eaas up',
      cause,
    });
  }
}

async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text();
  const body = text === '' ? null : JSON.parse(text);
  if (response.ok) return body;
  const { title, code, context, remedy, detail } = body as Record<string, string>;
  throw new EdgeError(code ?? 'API_FAILED', [title, detail].filter(Boolean).join(': '), {
    context: { status: response.status, ...(context as unknown as object) },
    remedy,
  });
}

/** Finds the node of a data folder by its `api-port` and `api-token` files. */
export async function connectApi(dataDir: string): Promise<ApiClient> {
  const port = await readTrimmed(dataDir, 'api-port');
  const token = await readTrimmed(dataDir, 'api-token');
  const base = `http://127.0.0.1:${port}`;
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    try {
      return await fetch(base + path, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
    } catch (cause) {
      throw new EdgeError('NODE_NOT_RUNNING', 'the node does not answer', {
        context: { dataDir, port },
        remedy: 'start it with: eaas up',
        cause,
      });
    }
  };
  return {
    get: async (path) => answerOf(await send(path, {})),
    post: async (path, body = {}) =>
      answerOf(
        await send(path, {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        }),
      ),
    async *events(afterId, signal) {
      const response = await send(`/v1/events?after=${afterId}`, { signal });
      if (!response.ok || response.body === null) await answerOf(response);
      let rest = '';
      const decoder = new TextDecoder();
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) yield JSON.parse(line);
      }
    },
  };
}
