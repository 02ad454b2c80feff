import type { Clock } from '../../../market/ports.ts';
import { buildFrame } from './frame.ts';
import { type Forwarder, type GatewayAddress, type GatewayStats, startForwarder } from './gateway.ts';
import type { MoteKeys } from './keys.ts';

export interface MotesInit {
  motes: MoteKeys[];
  /** Each mote sends once per interval, the motes one after the other. */
  intervalMs: number;
  firstFCnt: number;
  gateways: GatewayAddress[];
  clock: Clock;
}

export interface MoteReport {
  devAddr: string;
  count: number;
  /** Frame counter and send time in ms of each frame; the last 20,000 frames only. */
  frames: [fCnt: number, sentAtMs: number][];
}

export interface MotesReport {
  /** Frames sent by all motes; a frame that several gateways hear counts once. */
  sent: number;
  motes: MoteReport[];
  gateways: GatewayStats[];
}

const MAX_FRAMES_REPORTED = 20_000;

/** What a bridge's sensor says: strain in microstrain (4 bytes) and temperature in hundredths of a degree (2 bytes). */
export function payloadOf(index: number, fCnt: number): Buffer {
  const payload = Buffer.alloc(6);
  payload.writeInt32BE(Math.round(120 * Math.sin(fCnt / 10 + index)), 0);
  payload.writeInt16BE(Math.round(1850 + 200 * Math.sin(fCnt / 360)), 4);
  return payload;
}

/** Starts motes and gateways. They send until `stop`, which waits for the last acknowledgements. */
export async function startMotes(init: MotesInit): Promise<{ report(): MotesReport; stop(): Promise<void> }> {
  const forwarders = await Promise.all(init.gateways.map((gateway) => startForwarder(gateway, init.clock)));
  const stopping = new AbortController();
  const reports = init.motes.map<MoteReport>(({ devAddr }) => ({ devAddr, count: 0, frames: [] }));
  const running = init.motes.map((mote, index) =>
    runMote({ init, mote, index, forwarders, report: reports[index] }, stopping.signal),
  );
  return {
    report: () => ({
      sent: reports.reduce((sum, report) => sum + report.count, 0),
      motes: reports,
      gateways: forwarders.map((forwarder) => forwarder.stats()),
    }),
    async stop() {
      stopping.abort();
      await Promise.all(running);
      for (const forwarder of forwarders) forwarder.close();
    },
  };
}

interface Mote {
  init: MotesInit;
  mote: MoteKeys;
  index: number;
  forwarders: Forwarder[];
  report: MoteReport | undefined;
}

async function runMote({ init, mote, index, forwarders, report }: Mote, signal: AbortSignal): Promise<void> {
  const { clock, intervalMs, motes, firstFCnt } = init;
  const inFlight = new Set<Promise<unknown>>();
  const startsAtMs = clock.nowMs() + (intervalMs * index) / motes.length;
  for (let sent = 0; ; sent += 1) {
    // Against the start, not against the last frame: delays do not add up.
    const dueInMs = startsAtMs + sent * intervalMs - clock.nowMs();
    await clock.sleep(Math.max(0, dueInMs), signal).catch(() => undefined);
    if (signal.aborted) break;
    const fCnt = firstFCnt + sent;
    const frame = buildFrame(mote, fCnt, payloadOf(index, fCnt));
    note(report, fCnt, clock.nowMs(), Math.ceil(MAX_FRAMES_REPORTED / motes.length));
    const forwarded = Promise.all(forwarders.map((forwarder, place) => forwarder.forward(frame, -60 - 7 * place)));
    inFlight.add(forwarded);
    void forwarded.finally(() => inFlight.delete(forwarded));
  }
  await Promise.all(inFlight);
}

function note(report: MoteReport | undefined, fCnt: number, sentAtMs: number, max: number): void {
  if (!report) return;
  report.count += 1;
  report.frames.push([fCnt, sentAtMs]);
  if (report.frames.length > max) report.frames.shift();
}
