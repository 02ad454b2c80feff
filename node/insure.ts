import { isAbsolute, resolve } from 'node:path';
import { type ComposeWorkload, parseCompose } from '../market/compose.ts';
import { estimateNeed, type UsageSample } from '../market/dmu-customer.ts';
import { EdgeError } from '../market/errors.ts';
import type { Clock } from '../market/ports.ts';
import type { Need } from '../market/resources.ts';
import { type Manifest, manifestSchema } from '../market/workload.ts';
import { readLayout } from './oci/layout.ts';
import type { Runtime } from './ports.ts';

/** A workload file with its images found and verified on this machine. */
export interface ResolvedWorkload {
  compose: ComposeWorkload;
  manifest: Manifest;
  /** OCI layout folder by image digest. */
  layoutDirs: Map<string, string>;
}

export interface WorkloadSource {
  compose: string;
  /** Relative image folders start here. */
  baseDir: string;
  environment: Record<string, string>;
  /** OCI layout folder of each local tag that the file names. */
  images: Record<string, string>;
}

/** Reads the file and finds its images. Throws `COMPOSE_INVALID` with every problem, or `IMAGE_UNKNOWN`. */
export async function resolveWorkload(source: WorkloadSource): Promise<ResolvedWorkload> {
  const parsed = parseCompose(source.compose, source.environment);
  if (!parsed.ok) {
    const lines = parsed.problems.map(
      ({ line, column, code, message, remedy }) => `${line}:${column} ${message} (${code}). ${remedy}`,
    );
    throw new EdgeError('COMPOSE_INVALID', `the workload file is refused:\n  ${lines.join('\n  ')}`, {
      context: { problems: parsed.problems },
      remedy: 'mend the lines named above',
    });
  }
  const { workload } = parsed;
  const layoutDirs = new Map<string, string>();
  const digests = new Map<string, string>();
  for (const [tag, dir] of Object.entries(source.images)) {
    const layoutDir = isAbsolute(dir) ? dir : resolve(source.baseDir, dir);
    const { manifestDigest: digest } = await readLayout(layoutDir);
    digests.set(tag, digest);
    layoutDirs.set(digest, layoutDir);
  }
  const services = workload.services.map(({ image, restart: _restart, ...service }) => {
    const imageDigest = 'digest' in image ? image.digest : digests.get(image.tag);
    if (imageDigest === undefined || !layoutDirs.has(imageDigest)) {
      throw new EdgeError('IMAGE_UNKNOWN', `no folder was given for the image of ${service.name}`, {
        context: { service: service.name, image },
        remedy: 'name its OCI layout folder: eaas insure FILE --image TAG=FOLDER',
      });
    }
    return { ...service, imageDigest };
  });
  const { name, need, devices } = workload;
  const manifest = manifestSchema.parse({ version: 1, name, services, need, devices });
  return { compose: workload, manifest, layoutDirs };
}

const SAMPLE_EVERY_MS = 500;
/** A workload that reads no sensors never shows that it is ready. */
const START_MS = 3_000;
const START_POLL_MS = 50;

/** Lets a workload get over its start, which takes many times what it needs from then on. Waits a few seconds at most. */
export async function untilStarted(
  runner: { serving(): boolean },
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  const untilMs = clock.nowMs() + START_MS;
  while (!runner.serving() && clock.nowMs() < untilMs) await clock.sleep(START_POLL_MS, signal);
}

/** Watches the running containers and estimates what they need: quantiles of use, and at least the given floor. */
export async function profile(
  runtime: Runtime,
  containerIds: string[],
  options: { clock: Clock; forMs: number; floor: Need; signal: AbortSignal; headroom: number },
): Promise<{ need: Need; samples: UsageSample[] }> {
  const samples: UsageSample[] = [];
  const untilMs = options.clock.nowMs() + options.forMs;
  do {
    const usages = await Promise.all(containerIds.map((id) => runtime.sample(id)));
    samples.push({
      cpuMillis: usages.reduce((sum, usage) => sum + usage.cpuMillis, 0),
      memoryBytes: usages.reduce((sum, usage) => sum + usage.memoryBytes, 0),
    });
    await options.clock.sleep(SAMPLE_EVERY_MS, options.signal);
  } while (options.clock.nowMs() < untilMs);
  return { need: estimateNeed(samples, options.floor, options.headroom), samples };
}
