import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { EdgeError, hasCode } from '../market/errors.ts';
import { configKeys } from './config/keys.ts';
import { applyLayer, environmentLayer, flagLayer } from './config/layers.ts';
import { formatProblem, type Problem, problemsOf } from './config/problems.ts';
import { configSchema, type NodeConfig } from './config/schema.ts';
import { parseYaml, type YamlFile } from './config/yaml-file.ts';

export type { NodeConfig } from './config/schema.ts';

export interface ConfigInput {
  /** Path of the YAML file; null for none. */
  file: string | null;
  env: Record<string, string | undefined>;
  /** By dotted path, such as `{ 'api.port': '9000' }`; undefined values are flags that were not given. */
  flags: Record<string, unknown>;
  /** What `~` stands for in paths. */
  homeDir: string;
  /** What relative paths of flags and variables start from, and those of the file when there is none. */
  cwd: string;
}

/**
 * The node's configuration: flag over environment over file over default. Throws `CONFIG_NOT_FOUND` for a file that is
 * not there, `CONFIG_INVALID` with every problem at once in `context.problems`.
 */
export async function loadConfig(input: ConfigInput): Promise<NodeConfig> {
  if (input.file === null) return parseConfig(input, null);
  const path = resolve(input.cwd, input.file);
  return parseConfig({ ...input, file: path }, parseYaml(input.file, await readConfig(path)));
}

/** The part of `loadConfig` that touches no disk. */
export function parseConfig(input: ConfigInput, file: YamlFile | null): NodeConfig {
  const keys = configKeys();
  const layers = [environmentLayer(input.env, keys), flagLayer(input.flags, keys)];
  const early = [...(file?.problems ?? []), ...layers.flatMap((layer) => layer.problems)];
  if (early.length > 0) throw invalid(early);
  const value = layers.reduce(applyLayer, file?.value ?? {});
  const parsed = configSchema.safeParse(value);
  const overrides = new Map(layers.flatMap((layer) => layer.values.map(({ path, source }) => [path, source] as const)));
  if (!parsed.success) throw invalid(problemsOf(parsed.error.issues, value, { file, overrides, keys }));
  return withPaths(parsed.data, (path, text) => {
    const base = overrides.has(path) || input.file === null ? input.cwd : dirname(resolve(input.cwd, input.file));
    return resolve(base, text.replace(/^~(?=\/|$)/, input.homeDir));
  });
}

/** Where a node looks for its file: the flag, then `EAAS_CONFIG`, then `eaas.yaml` in the working folder. */
export function configFileOf(flag: string | undefined, env: Record<string, string | undefined>): string {
  return flag ?? env.EAAS_CONFIG ?? 'eaas.yaml';
}

async function readConfig(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const isAbsent = hasCode(cause, 'ENOENT');
    throw new EdgeError(
      isAbsent ? 'CONFIG_NOT_FOUND' : 'CONFIG_UNREADABLE',
      isAbsent ? `there is no configuration file ${path}` : `the configuration file ${path} cannot be read`,
      {
        context: { path },
        remedy: isAbsent
          ? 'write one with `eaas init`, or name another with --config'
          : 'check the permissions of the file',
        cause,
      },
    );
  }
}

/** Paths are made absolute once, so that nothing later depends on the working folder. */
function withPaths(config: NodeConfig, absolute: (path: string, text: string) => string): NodeConfig {
  const { dataDir, keystore } = config;
  const passwordFile = keystore.passwordFile && absolute('keystore.passwordFile', keystore.passwordFile);
  return { ...config, dataDir: absolute('dataDir', dataDir), keystore: { ...keystore, passwordFile } };
}

function invalid(problems: Problem[]): EdgeError {
  const details = problems.map((problem) => `${formatProblem(problem)}; ${problem.remedy}`);
  const only = problems.length === 1 ? problems[0] : undefined;
  return new EdgeError(
    'CONFIG_INVALID',
    only ? formatProblem(only) : `the configuration has ${problems.length} problems`,
    {
      context: { problems, details: only ? [] : details },
      remedy: only?.remedy ?? 'correct each of them; `eaas init` writes a file that is right',
    },
  );
}
