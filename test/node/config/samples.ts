import { parseYaml } from '../../../node/config/yaml-file.ts';
import { type ConfigInput, type NodeConfig, parseConfig } from '../../../node/config.ts';

export const ESCROW = `0x${'e5'.repeat(20)}`;
export const TOKEN = `0x${'70'.repeat(20)}`;
export const BASE = `name: bridge
chain:
  rpcUrl: http://127.0.0.1:8545
  chainId: 31337
  escrow: "${ESCROW}"
  token: "${TOKEN}"
place:
  lat: 38.32
  lng: 21.77
`;
export const input: ConfigInput = {
  file: '/etc/eaas/eaas.yaml',
  env: {},
  flags: {},
  homeDir: '/home/owner',
  cwd: '/work',
};

export function read(text: string, change: Partial<ConfigInput> = {}): NodeConfig {
  return parseConfig({ ...input, ...change }, parseYaml('eaas.yaml', text));
}
