import { expect } from 'chai';
import { DIGEST, FULL, MINIMAL, read } from './compose-samples.ts';

describe('compose', () => {
  it('reads a minimal workload and fills in the rest', () => {
    expect(read(MINIMAL)).to.deep.include({
      name: 'app',
      cell: '87a8a06a3ffffff',
      maxDistanceM: 10_000,
      heartbeatIntervalMs: 1000,
      suspectAfterMissed: 2,
      frameBufferSec: 60,
      termSec: 86_400,
      witnesses: { count: 0, quorum: 0 },
      cloud: null,
      devices: [],
      minProviderStake: 5_000_000_000_000_000_000n,
      maxStandbyWeiPerSec: 2_777_777_777_777n,
      maxActiveWeiPerSec: 27_777_777_777_777n,
      need: { cpuMillis: 250, memoryBytes: 67_108_864, storageBytes: 268_435_456, bandwidthBps: 0, interfaces: [] },
    });
  });

  it('reads the services of a full workload', () => {
    expect(read(FULL, { CPUS: '0.2' }).services).to.deep.equal([
      {
        name: 'app',
        image: { digest: DIGEST },
        command: ['node', 'main.js', '--port=80'],
        environment: { MODE: 'fast', COUNT: '12', TABBED: 'a\tb', PRICE: '$5' },
        cpuMillis: 500,
        memoryBytes: 134_217_728,
        pids: 32,
        restart: 'on-failure',
      },
      {
        name: 'helper',
        image: { tag: 'helper' },
        command: null,
        environment: { KEY: 'a=b', EMPTY: '' },
        cpuMillis: 200,
        memoryBytes: 16_777_216,
        pids: 128,
        restart: 'no',
      },
    ]);
  });

  it('reads the market section of a full workload', () => {
    const { services: _services, ...market } = read(FULL);
    expect(market).to.deep.equal({
      name: 'bridge',
      cell: '87a8a06a3ffffff',
      maxDistanceM: 5000,
      interfaces: ['lorawan-eu868'],
      devices: ['0012e456', '26011111', '260b00ff'],
      tier: 'hot',
      activation: 'request',
      witnesses: { count: 2, quorum: 1 },
      termSec: 5400,
      heartbeatIntervalMs: 200,
      suspectAfterMissed: 3,
      frameBufferSec: 30,
      maxStandbyWeiPerSec: 10n ** 12n,
      maxActiveWeiPerSec: 10n ** 13n,
      minProviderStake: 2_500_000_000_000_000_000n,
      cloud: { url: 'http://127.0.0.1:8080/readings', address: '0x00000000000000000000000000000000000000AA' },
      storageBytes: 1_073_741_824,
      bandwidthBps: 1_000_000,
      need: {
        cpuMillis: 600,
        memoryBytes: 150_994_944,
        storageBytes: 1_073_741_824,
        bandwidthBps: 1_000_000,
        interfaces: ['lorawan-eu868'],
      },
    });
  });
});
