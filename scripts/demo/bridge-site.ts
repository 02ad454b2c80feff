import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../market/errors.ts';
import type { Clock } from '../../market/ports.ts';
import { selectRuntime } from '../../node/runtime/select.ts';
import { type Program, startProgram } from '../devnet/processes.ts';
import { builtProgram, projectRoot } from '../root.ts';
import { deviceKeysEnv, moteKeys } from './lorawan/keys.ts';
import type { World } from './world.ts';
import { distanceFromBridgeM } from './world-map.ts';

export const MOTES = 12;
const SEED = 'bridge';
const RADIO_RANGE_M = 10_000;

/** The motes' process and what it printed. */
export interface RunningMotes {
  program: Program;
  lines: string[];
  /** Names of the sites whose gateways hear them. */
  heardBy: string[];
}

/** Starts the bridge's motes: each frame goes to every gateway in radio range. */
export function startMotes(world: World): RunningMotes {
  const inRange = [world.bridge, ...world.providers.filter(({ site }) => distanceFromBridgeM(site) < RADIO_RANGE_M)];
  const gateways = inRange.map(
    ({ udpPort }, index) => `aa555a00000001${index.toString(16).padStart(2, '0')}@127.0.0.1:${udpPort}`,
  );
  const lines: string[] = [];
  const program = startProgram({
    name: 'motes',
    command: process.execPath,
    args: [builtProgram('motes'), '--seed', SEED, '--count', String(MOTES), '--gateways', gateways.join(',')],
    logFile: join(world.folder, 'motes.log'),
    onLine: (line) => lines.push(line),
  });
  return { program, lines, heardBy: inRange.map(({ site }) => site.name) };
}

/** What the bridge's owner asks its node for: run the device service here and insure it. */
export async function insureRequest(world: World, heartbeatIntervalMs: number): Promise<object> {
  const keys = Array.from({ length: MOTES }, (_, index) => moteKeys(SEED, index));
  return {
    compose: await readFile(join(projectRoot(), 'scripts', 'demo', 'bridge.compose.yaml'), 'utf8'),
    baseDir: projectRoot(),
    environment: {
      DEVICE_KEYS: deviceKeysEnv(keys),
      HEARTBEAT: `${heartbeatIntervalMs}ms`,
      CLOUD_URL: world.cloud.url,
      CLOUD_ADDRESS: world.cloud.address,
    },
    images: { 'device-service:1': world.imageDir },
  };
}

/**
 * How the bridge fails. `kill`: SIGKILL to its node and to every process of its containers; the system closes their
 * connections, as after a crash. `stop`: SIGSTOP instead; connections stay open and silent, as after a power cut or a
 * pulled cable, until the bridge comes back.
 */
export type FailureKind = 'kill' | 'stop';

export interface Failure {
  /** Unix milliseconds just before the first signal. */
  atMs: number;
  /** Undoes a `stop`; a killed bridge is started again instead. */
  resume(): void;
}

/** Makes the bridge fail now. */
export async function failBridge(world: World, clock: Clock, kind: FailureKind): Promise<Failure> {
  const { runtime } = await selectRuntime(world.runtime, {
    dataDir: world.bridge.dataDir,
    allowProcess: true,
    environment: process.env,
    clock,
  });
  const containers = await runtime.list('eaas.node', world.bridge.peerId);
  const pids = (await Promise.all(containers.map(({ id }) => runtime.pids(id)))).flat();
  const program = world.programs.get('bridge');
  const send = (signal: NodeJS.Signals): void => {
    program?.child.kill(signal);
    for (const pid of pids) signalIfThere(pid, signal);
  };
  const atMs = clock.nowMs();
  send(kind === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  if (kind === 'kill') {
    world.followed.get('bridge')?.stop();
    await program?.exited;
  }
  return { atMs, resume: () => kind === 'stop' && send('SIGCONT') };
}

/** A container may have ended with its node already. */
function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}
