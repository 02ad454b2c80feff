import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import { isAddress } from 'ethers';
import { decodeEvidence } from '../../../arbitrator/evidence.ts';
import { EdgeError } from '../../../market/errors.ts';
import { formatMoney } from '../../../market/units.ts';
import { type Audit, type AuditParty, auditAgreement, type Disagreement } from '../../../sdk/chain/audit.ts';
import { auditEvidence, type EvidenceAudit } from '../../../sdk/chain/audit-evidence.ts';
import { httpRpc } from '../../../sdk/chain/rpc.ts';
import { verifyPeerSignature } from '../../../sdk/p2p/key.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { Printer } from '../print.ts';
import type { Cli, CommandSpec } from '../program.ts';

interface AuditOptions {
  rpcUrl?: string;
  escrow?: string;
  fromBlock: string;
  evidence?: string;
}

const RPC_TIMEOUT_MS = 30_000;
const OUTCOMES = ['neutral', 'honoured', 'breached'];
const ENDINGS = ['settled', 'claimed', 'lapsed', 'conceded', 'unanswered', 'ruled', 'silent'];

export const auditCommand: CommandSpec = {
  command: 'audit <agreement>',
  describe: "recompute an agreement and both parties' balances from chain events, and say where sources disagree",
  options: [
    new Option('--rpc-url <url>', "JSON-RPC address of the chain (default: the configuration's)"),
    new Option('--escrow <address>', "address of the escrow (default: the configuration's)"),
    new Option('--from-block <number>', 'block that the escrow was deployed in, or before').default('0'),
    new Option('--evidence <file>', 'evidence pack to compare with the chain'),
  ],
  examples: ['eaas audit 0x5f… --rpc-url http://127.0.0.1:8545 --escrow 0xe7… --evidence evidence.json'],
  async handler(cli, [agreementId = ''], options) {
    const given = options as unknown as AuditOptions;
    checkUsage(agreementId, given);
    const pack = given.evidence === undefined ? null : await readEvidence(given.evidence);
    const { rpcUrl, escrow } = await chainOf(cli, given);
    const rpc = httpRpc(rpcUrl, RPC_TIMEOUT_MS);
    const audit = await auditAgreement({ rpc, escrow, agreementId, fromBlock: Number(given.fromBlock) });
    const evidence = pack && auditEvidence(audit, pack, verifyPeerSignature);
    const disagreements = [...audit.disagreements, ...(evidence?.disagreements ?? [])];
    cli.printer.result({ ...audit, evidence, disagreements });
    print(cli.printer, audit, evidence, disagreements);
    if (disagreements.length > 0) process.exitCode = EXIT_CODES.failure;
  },
};

function checkUsage(agreementId: string, { escrow, fromBlock }: AuditOptions): void {
  const usage = (message: string, remedy: string) => new EdgeError('USAGE', message, { remedy });
  if (!/^0x[0-9a-fA-F]{64}$/.test(agreementId)) {
    throw usage(`"${agreementId}" is no agreement id`, 'give the 32 bytes that `eaas agreements --json` shows');
  }
  if (escrow !== undefined && !isAddress(escrow)) throw usage(`"${escrow}" is no address`, 'correct --escrow');
  if (!/^\d{1,15}$/.test(fromBlock)) throw usage(`"${fromBlock}" is no block number`, 'correct --from-block');
}

/** An auditor needs no configuration when both are given. */
async function chainOf(cli: Cli, { rpcUrl, escrow }: AuditOptions): Promise<{ rpcUrl: string; escrow: string }> {
  if (rpcUrl !== undefined && escrow !== undefined) return { rpcUrl, escrow };
  const { chain } = await cli.config();
  return { rpcUrl: rpcUrl ?? chain.rpcUrl, escrow: escrow ?? chain.escrow };
}

async function readEvidence(path: string) {
  const { pack, fault } = decodeEvidence((await readFile(path, 'utf8')).trim(), null);
  if (pack) return pack;
  throw new EdgeError('EVIDENCE_INVALID', `${path} cannot be read as evidence: ${fault}`, {
    context: { path },
    remedy: 'give a file with an evidence pack: canonical JSON of version 1',
  });
}

function print(printer: Printer, audit: Audit, evidence: EvidenceAudit | null, disagreements: Disagreement[]): void {
  const { agreement, status, blockNumber, blockTimestampSec } = audit;
  printer.line(`agreement ${agreement.id}`);
  printer.line(`as of block ${blockNumber} of chain ${audit.chainId}, ${time(blockTimestampSec)}`);
  printer.line();
  printer.table(
    audit.story.map((event) => [
      time(event.blockTimestampSec),
      event.name,
      factsOf(event.values),
      event.transactionHash,
    ]),
    ['time', 'event', 'what', 'transaction'],
  );
  printer.line();
  printer.line(
    agreement.ended ? endLine(agreement.ended) : `status: ${status.status}, exit by time from ${time(status.exitsAt)}`,
  );
  printer.table(
    [partyRow('customer', audit.customer), partyRow('provider', audit.provider)],
    ['party', 'address', 'free', 'value', 'honoured', 'breached', 'disputes lost'],
  );
  if (evidence) {
    const { recommendation, receipted, namedOnChain } = evidence;
    const held = recommendation.claims.filter(({ holds }) => holds).length;
    printer.line();
    printer.line(`evidence ${evidence.hash}${namedOnChain ? '' : ' (not named on chain)'}`);
    printer.line(`${held} of ${recommendation.claims.length} claims hold; receipts up to ${formatMoney(receipted)}`);
    for (const reason of recommendation.reasons) printer.line(reason);
  }
  printer.line();
  if (disagreements.length === 0) printer.line(printer.style('green', 'every source agrees'));
  for (const { about, between, expected, found } of disagreements) {
    printer.line(`${printer.style('red', 'disagree')} (${between}) ${about}: expected ${expected}, found ${found}`);
  }
}

function endLine({ toProvider, outcome, ending }: NonNullable<Audit['agreement']['ended']>): string {
  return `ended: ${ENDINGS[ending]}, ${OUTCOMES[outcome]}, ${formatMoney(toProvider)} of the pot to the provider`;
}

function partyRow(name: string, { address, balance, value, honoured, breached, disputesLost }: AuditParty): string[] {
  return [name, address, formatMoney(balance), formatMoney(value), ...[honoured, breached, disputesLost].map(String)];
}

function factsOf(values: Record<string, unknown>): string {
  return Object.entries(values)
    .filter(([name, value]) => name !== 'id' && typeof value !== 'object')
    .map(([name, value]) => `${name.replace(/^_/, '')} ${value}`)
    .join(', ');
}

const time = (sec: number): string => new Date(sec * 1000).toISOString().replace('.000Z', 'Z');
