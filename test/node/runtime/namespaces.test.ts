import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../../node/clock.ts';
import { namespacesRuntime } from '../../../node/runtime/namespaces.ts';
import { failure, itKeepsContainers, itRunsPrograms } from './compliance.ts';
import { itContainsStrangers, itLimitsStrangers } from './containment.ts';
import { openSubject, type RealSubject } from './subject.ts';
import { nodeImage, temporaryFolder } from './test-image.ts';

const clock = systemClock();

/** Why it cannot run here, or null; with EAAS_REQUIRE_NAMESPACES=1 that is a failure. */
async function absence(): Promise<string | null> {
  const folder = await temporaryFolder();
  const error = await namespacesRuntime({ clock, dataDir: folder.path })
    .check()
    .catch((cause: Error) => cause);
  await folder.remove();
  return error ? error.message : null;
}

const reason = await absence();
console.log(`runtime namespaces: ${reason ?? 'works here'}`);

describe('namespaces runtime', function () {
  this.timeout(60_000);
  if (reason !== null) {
    it('is not needed where it cannot run', () => {
      expect(process.env.EAAS_REQUIRE_NAMESPACES, reason).to.not.equal('1');
    });
    return;
  }

  let subject: RealSubject;

  before(async () => {
    subject = await openSubject({ open: (dataDir) => namespacesRuntime({ clock, dataDir }), image: nodeImage });
  });

  after(() => subject.close());

  itKeepsContainers(() => subject);
  itRunsPrograms(() => subject);
  describe('containment', () => itContainsStrangers(() => subject));
  describe('limits', () => itLimitsStrangers(() => subject));

  for (const name of ['LD_PRELOAD', 'LD_LIBRARY_PATH', 'GLIBC_TUNABLES', 'GCONV_PATH']) {
    it(`refuses ${name}, which the machine's own tools would obey`, async () => {
      const wanted = subject.spec({ environment: { [name]: '/app/evil.so' } });
      expect((await failure(subject.runtime.create(wanted))).code).to.equal('CONTAINER_SPEC_INVALID');
    });
  }

  it('leaves no control group behind a container that was killed', async () => {
    const { runtime, spec, socketsDir } = subject;
    const id = await runtime.create(spec());
    await runtime.start(id);
    const groups = await readFile(join(dirname(socketsDir), 'containers', id, 'groups'), 'utf8');
    const [pid = 0] = await runtime.pids(id);
    process.kill(pid, 'SIGKILL');
    await runtime.stop(id, 0);
    expect(groups.split('\n').filter((group) => group !== '' && existsSync(group))).to.deep.equal([]);
    await runtime.remove(id);
  });

  it('works below a folder with blanks in its name', async () => {
    const folder = await temporaryFolder();
    const dataDir = `${folder.path}/a b\\c`;
    await namespacesRuntime({ clock, dataDir }).check();
    await folder.remove();
  });
});
