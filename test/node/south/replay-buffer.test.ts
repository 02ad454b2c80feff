import { expect } from 'chai';
import fc from 'fast-check';
import type { Frame } from '../../../node/ports.ts';
import { ReplayBuffer } from '../../../node/south/replay-buffer.ts';

function frame(fields: Partial<Frame> = {}): Frame {
  const base = { data: 'AAAA', devAddr: '01000001', fCnt16: 1, gatewayId: 'g1', receivedAtMs: 0, rssi: 0, lsnr: 0 };
  return { ...base, ...fields };
}

const DEVICE = new Set(['01000001']);

describe('ReplayBuffer', () => {
  it('gives frames of the asked devices since the asked time, oldest first', () => {
    const buffer = new ReplayBuffer({ maxAgeMs: 1000, maxFrames: 10 });
    buffer.add(frame({ data: 'a', receivedAtMs: 1 }));
    buffer.add(frame({ data: 'b', receivedAtMs: 2, devAddr: '01000002' }));
    buffer.add(frame({ data: 'c', receivedAtMs: 3 }));
    buffer.add(frame({ data: 'd', receivedAtMs: 4, devAddr: '01000003' }));
    const both = new Set(['01000001', '01000002']);
    expect(buffer.since(both, 0, 5).map(({ data }) => data)).to.deep.equal(['a', 'b', 'c']);
    expect(buffer.since(DEVICE, 2, 5).map(({ data }) => data)).to.deep.equal(['c']);
  });

  it('keeps a frame once per gateway', () => {
    const buffer = new ReplayBuffer({ maxAgeMs: 1000, maxFrames: 10 });
    expect(buffer.add(frame({ receivedAtMs: 1 }))).to.equal(true);
    expect(buffer.add(frame({ receivedAtMs: 2 }))).to.equal(false);
    expect(buffer.add(frame({ receivedAtMs: 3, gatewayId: 'g2' }))).to.equal(true);
    expect(buffer.size).to.equal(2);
  });

  it('forgets frames by age, at the bound', () => {
    const buffer = new ReplayBuffer({ maxAgeMs: 1000, maxFrames: 10 });
    buffer.add(frame({ receivedAtMs: 0 }));
    expect(buffer.since(DEVICE, 0, 1000)).to.have.length(1);
    expect(buffer.since(DEVICE, 0, 1001)).to.have.length(0);
    expect(buffer.dropped).to.equal(0);
  });

  it('takes a frame again after it was forgotten', () => {
    const buffer = new ReplayBuffer({ maxAgeMs: 1000, maxFrames: 10 });
    buffer.add(frame({ receivedAtMs: 0 }));
    expect(buffer.add(frame({ receivedAtMs: 1001 }))).to.equal(true);
  });

  it('drops the oldest frame of all devices when full, and counts it', () => {
    const buffer = new ReplayBuffer({ maxAgeMs: 1000, maxFrames: 2 });
    for (const [place, devAddr] of ['01000001', '01000002', '01000003'].entries()) {
      buffer.add(frame({ devAddr, data: devAddr, receivedAtMs: place }));
    }
    expect(buffer.size).to.equal(2);
    expect(buffer.dropped).to.equal(1);
    expect(buffer.since(DEVICE, 0, 3)).to.have.length(0);
  });

  it('agrees with a plain list', () => {
    const step = fc.record({ afterMs: fc.nat(400), device: fc.nat(3), data: fc.nat(8) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 12 }), (steps, maxFrames) => {
        const buffer = new ReplayBuffer({ maxAgeMs: 1000, maxFrames });
        let plain: Frame[] = [];
        let nowMs = 0;
        for (const { afterMs, device, data } of steps) {
          nowMs += afterMs;
          const added = frame({ devAddr: `0100000${device}`, data: `${device}${data}`, receivedAtMs: nowMs });
          plain = plain.filter((kept) => kept.receivedAtMs >= nowMs - 1000);
          if (!plain.some((kept) => kept.data === added.data)) plain.push(added);
          plain = plain.slice(-maxFrames);
          buffer.add(added);
        }
        const devices = new Set(['01000000', '01000002']);
        const expected = plain.filter(
          ({ devAddr, receivedAtMs }) => devices.has(devAddr) && receivedAtMs >= nowMs - 500,
        );
        const key = ({ receivedAtMs, data }: Frame) => `${receivedAtMs} ${data}`;
        expect(buffer.size).to.equal(plain.length);
        expect(
          buffer
            .since(devices, nowMs - 500, nowMs)
            .map(key)
            .sort(),
        ).to.deep.equal(expected.map(key).sort());
      }),
    );
  });
});
