import { Agent, request } from 'node:http';
import type { Reading } from '../../../arbitrator/types.ts';

/** `taken`: on the node's disk. `refused`: never will be. `later`: try again, also when another epoch has begun: its hello follows. */
export type PostResult = 'taken' | 'refused' | 'later';

const TIMEOUT_MS = 10_000;

/** Posts readings through `north.sock`, over one connection that is kept. Never rejects. */
export function northClient(socketPath: string): {
  post(epoch: number, readings: Reading[]): Promise<PostResult>;
  close(): void;
} {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    post: async (epoch, readings) => {
      const body = JSON.stringify({ epoch, readings });
      return meaningOf(await statusOf(agent, socketPath, body).catch(() => 0));
    },
    close: () => agent.destroy(),
  };
}

function statusOf(agent: Agent, socketPath: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(
      { agent, socketPath, path: '/readings', method: 'POST', headers, timeout: TIMEOUT_MS },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', reject);
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('north.sock does not answer')));
    sent.on('error', reject);
    sent.end(body);
  });
}

function meaningOf(status: number): PostResult {
  if (status === 200) return 'taken';
  return status === 400 || status === 413 ? 'refused' : 'later';
}
