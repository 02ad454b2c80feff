import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Option } from 'commander';
import { EdgeError } from '../../../market/errors.ts';
import type { ApiClient } from '../../api/client.ts';
import type { CommandSpec } from '../program.ts';

type Json = Record<string, unknown>;

function pairs(values: unknown, flag: string): Record<string, string> {
  const list = (values ?? []) as string[];
  return Object.fromEntries(
    list.map((pair) => {
      const split = pair.indexOf('=');
      if (split < 1) {
        throw new EdgeError('USAGE', `--${flag} takes NAME=VALUE, not "${pair}"`, {
          context: { pair },
          remedy: 'write the name, an equals sign and the value without spaces around it',
        });
      }
      return [pair.slice(0, split), pair.slice(split + 1)];
    }),
  );
}

async function envFile(file: unknown): Promise<Record<string, string>> {
  if (file === undefined) return {};
  const path = resolve(String(file));
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new EdgeError('ENV_FILE_NOT_FOUND', `cannot read ${path}`, {
      context: { path },
      remedy: 'give the path of a file with NAME=VALUE lines',
      cause,
    });
  });
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return pairs(lines, 'env-file');
}

const STEPS: Record<string, string> = {
  'running-locally': 'the workload runs on this device',
  estimated: 'its need is estimated',
  'demand-published': 'the demand is in the market',
  'offers-ranked': 'offers are ranked',
  'proposal-answered': 'a provider answered',
  signed: 'both have signed',
  opened: 'the agreement is open, both stakes are locked',
  published: 'the workload is encrypted and published',
  migrating: 'the provider fetches it',
  'possession-proven': 'the provider proved that it holds it',
  protected: 'protected',
};

async function showProgress(api: ApiClient, after: number, signal: AbortSignal, show: (text: string) => void) {
  try {
    for await (const event of api.events(after, signal)) {
      const step = STEPS[String(event.kind)];
      if (step !== undefined) show(step);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

export const insureCommand: CommandSpec = {
  command: 'insure <file>',
  describe: 'run the workload of a Compose file here and insure it with a provider nearby',
  options: [
    new Option('--image <tag=folder...>', 'OCI layout folder of a local image tag that the file names'),
    new Option('--env <name=value...>', 'values of the variables in the file'),
    new Option('--env-file <file>', 'NAME=VALUE lines for the same; --env wins'),
  ],
  examples: ['eaas insure compose.yaml --image device-service:1=./image'],
  async handler(cli, [file = ''], options) {
    const path = resolve(file);
    const compose = await readFile(path, 'utf8').catch((cause) => {
      throw new EdgeError('COMPOSE_NOT_FOUND', `cannot read ${path}`, {
        context: { path },
        remedy: 'give the path of a Compose file; docs/workload-file.md says what it may contain',
        cause,
      });
    });
    const environment = { ...(await envFile(options.envFile)), ...pairs(options.env, 'env') };
    // Relative to where the command is typed, as every path of a command line.
    const images = Object.fromEntries(
      Object.entries(pairs(options.image, 'image')).map(([tag, folder]) => [tag, resolve(folder)]),
    );
    const api = await cli.api();
    const known = (await api.get('/v1/events/last')) as { id: number };
    const progress = cli.printer.progress('insure');
    const done = new AbortController();
    const shown = showProgress(api, known.id, AbortSignal.any([done.signal, cli.signal]), progress.update);
    try {
      const agreement = (await api.post('/v1/insure', {
        compose,
        baseDir: dirname(path),
        environment,
        images,
      })) as Json;
      progress.done(`protected by agreement ${agreement.id}`);
      cli.printer.result(agreement);
      cli.printer.line(`provider ${agreement.counterparty}, tier ${agreement.tier}`);
    } finally {
      done.abort();
      await shown;
    }
  },
};
