import { join } from 'node:path';
import type { Clock } from '../../market/ports.ts';
import type { RuntimeName } from '../ports.ts';
import { DockerRuntime } from './docker.ts';
import { type LocalRuntime, runtimeUnavailable } from './local-runtime.ts';
import { namespacesRuntime } from './namespaces.ts';
import { processRuntime } from './process.ts';

export type RuntimeChoice = 'auto' | RuntimeName;

export interface SelectInit {
  clock: Clock;
  /** The node's own folder for images and containers; every runtime keeps to a folder of its own in it. */
  dataDir: string;
  /** Only the demo may: the runtime process isolates nothing. */
  allowProcess?: boolean;
  environment?: Record<string, string | undefined>;
  startWatchMs?: number;
}

export interface SelectedRuntime {
  runtime: LocalRuntime;
  /** Why each runtime that was asked before this one was not taken. */
  refused: { name: RuntimeName; reason: string }[];
}

const PREFERENCE: RuntimeName[] = ['docker', 'namespaces', 'process'];

/**
 * The first runtime that works here, in the order docker, namespaces, process; or the one that was chosen. Throws
 * `RUNTIME_UNAVAILABLE` with every reason.
 */
export async function selectRuntime(choice: RuntimeChoice, init: SelectInit): Promise<SelectedRuntime> {
  const names = choice === 'auto' ? PREFERENCE : [choice];
  const refused: SelectedRuntime['refused'] = [];
  for (const name of names) {
    const reason = name === 'process' && !init.allowProcess ? 'it isolates nothing and is for the demo only' : null;
    const runtime = buildRuntime(name, init);
    const failure = reason ?? (await whyNot(runtime));
    if (failure === null) return { runtime, refused };
    refused.push({ name, reason: failure });
  }
  const reasons = refused.map(({ name, reason }) => `${name}: ${reason}`).join(' | ');
  const remedy = 'Start a container engine, or run the node as root on Linux with util-linux installed.';
  throw runtimeUnavailable(choice, reasons, remedy);
}

function buildRuntime(name: RuntimeName, init: SelectInit): LocalRuntime {
  const { clock, startWatchMs, environment } = init;
  const dataDir = join(init.dataDir, name);
  if (name === 'docker') return new DockerRuntime({ clock, startWatchMs, environment });
  return name === 'namespaces'
    ? namespacesRuntime({ clock, dataDir, startWatchMs })
    : processRuntime({ clock, dataDir, startWatchMs });
}

async function whyNot(runtime: LocalRuntime): Promise<string | null> {
  try {
    await runtime.check();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
