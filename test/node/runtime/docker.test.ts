import { expect } from 'chai';
import { systemClock } from '../../../node/clock.ts';
import { DockerRuntime } from '../../../node/runtime/docker.ts';
import { findEngine } from '../../../node/runtime/docker-socket.ts';
import { itKeepsContainers, itRunsPrograms } from './compliance.ts';
import { itContainsStrangers, itLimitsStrangers } from './containment.ts';
import { openSubject, type RealSubject } from './subject.ts';
import { nodeImage } from './test-image.ts';

const clock = systemClock();
const { socketPath, reasons } = await findEngine(process.env);
console.log(`runtime docker: ${socketPath ? `engine at ${socketPath}` : `no engine (${reasons.join('; ')})`}`);

describe('docker runtime', function () {
  this.timeout(60_000);
  if (!socketPath) {
    it('is not needed where no engine answers', () => {
      expect(process.env.EAAS_REQUIRE_DOCKER, reasons.join('; ')).to.not.equal('1');
    });
    return;
  }

  let subject: RealSubject;

  before(async () => {
    subject = await openSubject({ open: () => new DockerRuntime({ clock, socketPath }), image: nodeImage });
  });

  after(() => subject.close());

  itKeepsContainers(() => subject);
  itRunsPrograms(() => subject);
  describe('containment', () => itContainsStrangers(() => subject));
  describe('limits', () => itLimitsStrangers(() => subject));
});
