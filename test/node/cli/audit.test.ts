import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { type EvidencePack, encodeEvidence } from '../../../arbitrator/evidence.ts';
import { type AuditedChain, auditedChain, type Base, STRANGER, startBase } from '../../fixtures/audited.ts';
import { idOf } from '../../fixtures/escrow.ts';

const ROOT = join(import.meta.dirname, '../../..');

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

describe('eaas audit', function () {
  this.timeout(60_000);
  let base: Base;
  let chain: AuditedChain;
  let folder: string;
  before(async () => {
    base = await startBase();
    chain = auditedChain(base);
    folder = await mkdtemp(join(tmpdir(), 'eaas-audit-'));
  });
  after(async () => {
    await base.anvil.stop();
    await rm(folder, { recursive: true });
  });

  async function eaas(...args: string[]): Promise<Ended> {
    const child = spawn(process.execPath, [join(ROOT, 'scripts/eaas.ts'), ...args], { cwd: folder });
    const exit = once(child, 'close');
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await exit;
    return { code, stdout, stderr };
  }
  const reach = () => ['--rpc-url', base.anvil.url, '--escrow', base.escrow];

  /** A claimed agreement, and a pack with a receipt for what was claimed. */
  async function claimed(signer?: typeof STRANGER): Promise<{ id: string; pack: EvidencePack }> {
    const terms = await chain.open();
    await chain.claim(terms, 250n);
    const receipts = [await chain.receipt(terms, 250n, signer)];
    return { id: idOf(base.escrow, terms), pack: await chain.pack(terms, { receipts }) };
  }

  it('runs as the documentation shows it', async () => {
    const { id, pack } = await claimed();
    await writeFile(join(folder, 'evidence.json'), encodeEvidence(pack));
    const documentation = await readFile(join(ROOT, 'docs/audit.md'), 'utf8');
    const command = /^eaas (audit .*)$/m.exec(documentation)?.[1] ?? '';
    const values: Record<string, string> = { AGREEMENT: id, RPC_URL: base.anvil.url, ESCROW: base.escrow };
    const args = command.split(' ').map((word) => word.replace(/^"\$(\w+)"$/, (_, name) => values[name] ?? ''));
    const { code, stdout, stderr } = await eaas(...args);
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
    expect(stdout).to.match(/AgreementOpened[\s\S]*AgreementClaimed {2}claimed 250/);
    expect(stdout).to.contain('status: claimed').and.to.contain('every source agrees');
    expect(stdout).to.contain('4 of 4 claims hold');
  });

  it('prints one object and fails when evidence disagrees', async () => {
    const { id, pack } = await claimed(STRANGER);
    const path = join(folder, 'forged.json');
    await writeFile(path, encodeEvidence(pack));
    const { code, stdout } = await eaas('audit', id, ...reach(), '--evidence', path, '--json');
    expect(code).to.equal(1);
    const answer = JSON.parse(stdout);
    expect(answer.status).to.deep.include({ status: 'claimed', claimed: '250' });
    expect(answer.disagreements.map((one: { about: string }) => one.about)).to.deep.equal([
      'evidence: receipt[0]',
      'what was earned',
    ]);
  });

  for (const [mistake, args, code, message] of [
    ['an id that is none', ['audit', '0x12'], 2, 'no agreement id'],
    ['an address that is none', ['audit', `0x${'0'.repeat(64)}`, '--escrow', 'here'], 2, '--escrow'],
    ['a block that is none', ['audit', `0x${'0'.repeat(64)}`, '--from-block', '-1'], 2, '--from-block'],
    ['evidence that is none', ['audit', `0x${'0'.repeat(64)}`, '--evidence', 'broken.json'], 1, 'EVIDENCE_INVALID'],
  ] as const) {
    it(`explains ${mistake}`, async () => {
      await writeFile(join(folder, 'broken.json'), '{}');
      const ended = await eaas(...args);
      expect(ended.code).to.equal(code);
      expect(ended.stderr).to.contain(message);
      expect(ended.stdout).to.equal('');
    });
  }

  it('says that an agreement is unknown', async () => {
    const { code, stderr } = await eaas('audit', `0x${'0'.repeat(64)}`, ...reach());
    expect(code).to.equal(4);
    expect(stderr).to.contain('AGREEMENT_UNKNOWN').and.to.contain('remedy: ');
  });
});
