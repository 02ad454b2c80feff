import { type ApiClient, connectApi } from '../../node/api/client.ts';
import { type Program, until } from './processes.ts';

export type Event = {
  id: number;
  atMs: number;
  kind: string;
  agreementId: string | null;
  data: Record<string, unknown>;
};

/** A running node seen through its local API, with every event it told so far. */
export interface Followed {
  api: ApiClient;
  events: Event[];
  /** The first event of this kind after `afterMs`; waits for it. */
  wait(kind: string, timeoutMs: number, afterMs?: number): Promise<Event>;
  stop(): void;
}

const START_TIMEOUT_MS = 30_000;

/** Connects to a node that is starting, and follows its events until `stop` or the node's end. Gives up when `program` ends. */
export async function follow(dataDir: string, program?: Program): Promise<Followed> {
  const connected = async (): Promise<ApiClient> => {
    const client = await connectApi(dataDir);
    await client.get('/v1/status');
    return client;
  };
  const api = await until('the node', START_TIMEOUT_MS, connected, program);
  const stop = new AbortController();
  const events: Event[] = [];
  const read = async (): Promise<void> => {
    for await (const line of api.events(0, stop.signal)) events.push(line as Event);
  };
  // A node that is killed cuts the stream: that is part of the scenario.
  void read().catch(() => undefined);
  return {
    api,
    events,
    stop: () => stop.abort(),
    wait: (kind, timeoutMs, afterMs = 0) =>
      until(
        `"${kind}"`,
        timeoutMs,
        async () => events.find((event) => event.kind === kind && event.atMs >= afterMs) ?? null,
      ),
  };
}
