import { expect } from 'chai';
import { fakeRuntime } from '../../fakes/runtime.ts';
import { failure, itKeepsContainers } from './compliance.ts';
import { openSubject, type Subject } from './subject.ts';
import { tinyImage } from './test-image.ts';

describe('fake runtime', () => {
  let subject: Subject;

  before(async () => {
    const runtime = fakeRuntime();
    subject = await openSubject({ open: () => runtime, image: (dir) => tinyImage(`${dir}/image`, 'fake') });
  });

  after(() => subject.close());

  itKeepsContainers(() => subject);

  it('fails a start as it is told', async () => {
    const digest = `sha256:${'1'.repeat(64)}`;
    const runtime = fakeRuntime({ images: [digest], onStart: () => ({ exitCode: 3, output: 'no sensor' }) });
    const id = await runtime.create(subject.spec({ imageDigest: digest }));
    const error = await failure(runtime.start(id));
    expect(error).to.include({ code: 'CONTAINER_START_FAILED' });
    expect(error.message).to.contain('no sensor');
  });
});
