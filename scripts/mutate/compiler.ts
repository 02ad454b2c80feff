import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Node } from './syntax.ts';

/** The contracts that tests deploy, and the sources whose mutants they contain. */
export const TARGETS: Record<string, string[]> = {
  AgreementEscrow: [
    'contracts/AgreementEscrow.sol',
    'contracts/abstracts/AgreementState.sol',
    'contracts/abstracts/Agents.sol',
    'contracts/abstracts/Disputes.sol',
    'contracts/abstracts/Endings.sol',
    'contracts/abstracts/Vault.sol',
    'contracts/libraries/AccountLib.sol',
    'contracts/libraries/LaneLib.sol',
    'contracts/libraries/TermsLib.sol',
  ],
  PanelArbitrator: [
    'contracts/PanelArbitrator.sol',
    'contracts/abstracts/PanelMembers.sol',
    'contracts/libraries/PanelLib.sol',
  ],
  DataAnchor: ['contracts/DataAnchor.sol'],
};

export interface Compiled {
  /** Without `0x`; null when it does not compile. */
  bytecode: string | null;
  asts: Map<string, Node>;
}
interface Output {
  contracts?: Record<string, Record<string, { evm: { bytecode: { object: string } } }>>;
  sources?: Record<string, { ast?: Node }>;
  errors?: { severity: string }[];
}

/** Compiles a target with sources read from `root`, some of them replaced. Not optimized: three times as fast. */
export function compileTarget(root: string, target: string, replaced?: Map<string, string>): Compiled {
  const path = `contracts/${target}.sol`;
  const read = (name: string): string => {
    const mutated = replaced?.get(name);
    if (mutated !== undefined) return mutated;
    const file = [join(root, name), join(root, 'node_modules', name)].find((candidate) => existsSync(candidate));
    if (file === undefined) throw new Error(`${name}: there is no such source`);
    return readFileSync(file, 'utf8');
  };
  const settings = {
    viaIR: true,
    evmVersion: 'cancun',
    metadata: { bytecodeHash: 'none', appendCBOR: false },
    outputSelection: { ...(replaced ? {} : { '*': { '': ['ast'] } }), [path]: { [target]: ['evm.bytecode.object'] } },
  };
  const input = { language: 'Solidity', sources: { [path]: { content: read(path) } }, settings };
  const compiler = createRequire(import.meta.url)('solc') as { compile(input: string, callbacks: object): string };
  const output = JSON.parse(
    compiler.compile(JSON.stringify(input), { import: (name: string) => ({ contents: read(name) }) }),
  ) as Output;
  const asts = Object.entries(output.sources ?? {}).flatMap(([name, { ast }]) => (ast ? [[name, ast] as const] : []));
  const failed = output.errors?.some(({ severity }) => severity === 'error') ?? false;
  return {
    bytecode: failed ? null : (output.contracts?.[path]?.[target]?.evm.bytecode.object ?? null),
    asts: new Map(asts),
  };
}
