import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../node/clock.ts';
import { namespacesRuntime } from '../../../node/runtime/namespaces.ts';
import { nodeCommand, receive, sendCode } from './subject.ts';

// Run by ordinary-user.test.ts as a user without rights: node ordinary-user.mjs <data folder> <layout folder>
const [dataDir = '', layoutDir = ''] = process.argv.slice(2);
const runtime = namespacesRuntime({ clock: systemClock(), dataDir });
const report: Record<string, unknown> = { uid: process.getuid?.() };
try {
  await runtime.check();
  const { digest } = await runtime.importImage(layoutDir);
  const socketsDir = join(dataDir, 's');
  await mkdir(socketsDir);
  const value = `({
    status: require('fs').readFileSync('/proc/self/status', 'utf8'),
    interfaces: require('fs').readFileSync('/proc/net/dev', 'utf8').split('\\n').length - 3,
    processes: require('fs').readdirSync('/proc').filter((name) => /^\\d+$/.test(name)),
    root: require('fs').readdirSync('/'),
    write: (() => { try { require('fs').writeFileSync('/x', ''); return 'done'; } catch (error) { return error.code; } })(),
  })`;
  const id = await runtime.create({
    name: 'ordinary',
    imageDigest: digest,
    command: nodeCommand(sendCode('probe.sock', value)),
    environment: {},
    labels: { 'eaas.kind': 'ordinary' },
    cpuMillis: 1000,
    memoryBytes: 256 * 1024 * 1024,
    pids: 64,
    socketsDir,
  });
  report.inside = JSON.parse(await receive(socketsDir, 'probe.sock', () => runtime.start(id)));
  await runtime.stop(id, 0);
  report.containers = await runtime.list('eaas.kind');
  await runtime.remove(id);
} catch (error) {
  report.code = (error as { code?: string }).code;
  report.error = (error as Error).message;
}
report.warnings = runtime.warnings;
console.log(JSON.stringify(report));
