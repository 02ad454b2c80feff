import { systemClock } from '../../../node/clock.ts';
import { processRuntime } from '../../../node/runtime/process.ts';
import { itKeepsContainers, itRunsPrograms } from './compliance.ts';
import { openSubject, type RealSubject } from './subject.ts';
import { nodeImage } from './test-image.ts';

describe('process runtime', function () {
  this.timeout(60_000);
  let subject: RealSubject;

  before(async () => {
    subject = await openSubject({
      open: (dataDir) => processRuntime({ clock: systemClock(), dataDir }),
      image: nodeImage,
    });
  });

  after(() => subject.close());

  itKeepsContainers(() => subject);
  itRunsPrograms(() => subject);
});
