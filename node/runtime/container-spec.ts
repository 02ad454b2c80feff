import { EdgeError } from '../../market/errors.ts';
import type { ImageConfig } from '../oci/formats.ts';
import type { ContainerSpec } from '../ports.ts';
import { SOCKETS_MOUNT, SOCKETS_VARIABLE } from './local-runtime.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const LABEL = /^[A-Za-z0-9][A-Za-z0-9_./-]{0,127}$/;

/** What is asked for is at fault, not the machine. */
export function refused(reason: string, context: Record<string, unknown>): EdgeError<'CONTAINER_SPEC_INVALID'> {
  return new EdgeError('CONTAINER_SPEC_INVALID', `The container is refused: ${reason}.`, { context });
}

/** Throws `CONTAINER_SPEC_INVALID`. What passes here is safe as a folder name, a label and an argument. */
export function checkSpec(spec: ContainerSpec): void {
  const { name, imageDigest, socketsDir } = spec;
  if (!NAME.test(name)) throw refused('its name has other characters than letters, digits and _.-', { name });
  if (!DIGEST.test(imageDigest)) throw refused('its image is not a sha256 digest', { imageDigest });
  if (!socketsDir.startsWith('/') || /[:\0\n]/.test(socketsDir)) {
    throw refused('its sockets folder is not a plain absolute path', { socketsDir });
  }
  for (const limit of ['cpuMillis', 'memoryBytes', 'pids'] as const) {
    const value = spec[limit];
    if (!Number.isSafeInteger(value) || value < 1) throw refused(`${limit} is no limit`, { [limit]: value });
  }
  checkWords(spec);
}

function checkWords({ environment, labels, command }: ContainerSpec): void {
  for (const [key, value] of Object.entries(environment)) {
    if (!VARIABLE.test(key) || value.includes('\0')) throw refused('an environment variable is malformed', { key });
  }
  for (const key of Object.keys(labels)) if (!LABEL.test(key)) throw refused('a label is malformed', { key });
  if (command?.some((word) => word.includes('\0'))) throw refused('its command has a zero byte', { command });
}

/** What a container runs: the image's words, as the spec changes them. */
export interface Process {
  argv: string[];
  environment: Record<string, string>;
  workingDir: string;
}

/**
 * As engines do it: a command replaces entrypoint and command of the image, the spec's variables win over the image's.
 * Throws `CONTAINER_SPEC_INVALID` when nothing is left to run.
 */
export function processOf(spec: ContainerSpec, image: ImageConfig): Process {
  const config = image.config ?? {};
  const argv = spec.command ?? [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (!argv[0]) throw refused('neither it nor its image says what to run', { name: spec.name });
  const environment = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...parseEnvironment(config.Env ?? []),
    ...spec.environment,
    [SOCKETS_VARIABLE]: SOCKETS_MOUNT,
  };
  return { argv, environment, workingDir: config.WorkingDir || '/' };
}

function parseEnvironment(lines: string[]): Record<string, string> {
  const pairs = lines.map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)] as const);
  return Object.fromEntries(pairs.filter(([key, value]) => VARIABLE.test(key) && !value.includes('\0')));
}
