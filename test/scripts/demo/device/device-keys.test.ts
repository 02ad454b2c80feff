import { expect } from 'chai';
import { parseDeviceKeys } from '../../../../scripts/demo/device/device-keys.ts';
import { parseSouthMessage } from '../../../../scripts/demo/device/south-messages.ts';

const KEY = '0123456789abcdef0123456789abcdef';

describe('parseDeviceKeys', () => {
  it('reads keys by device address', () => {
    const keys = parseDeviceKeys(JSON.stringify({ '01000001': { nwkSKey: KEY, appSKey: KEY } }));
    expect([...keys]).to.deep.equal([['01000001', { nwkSKey: KEY, appSKey: KEY }]]);
  });

  const bad: [string | undefined, string][] = [
    [undefined, 'must hold a JSON object'],
    ['', 'must hold a JSON object'],
    ['[]', 'must hold a JSON object'],
    ['{"xyz":{}}', 'xyz is no device address'],
    ['{"01000001":null}', '01000001 needs nwkSKey'],
    [`{"01000001":{"nwkSKey":"${KEY}","appSKey":"12"}}`, '01000001 needs nwkSKey'],
  ];
  for (const [text, message] of bad) {
    it(`refuses ${text}, without printing a key`, () => {
      expect(() => parseDeviceKeys(text))
        .to.throw(message)
        .with.property('message')
        .that.does.not.include(KEY);
    });
  }
});

describe('parseSouthMessage', () => {
  const frame = { data: 'AAAA', devAddr: '01000001', fCnt16: 1, gatewayId: 'g', receivedAtMs: 5, rssi: 0, lsnr: 0 };

  it('reads what the door sends', () => {
    expect(parseSouthMessage('{"type":"hello","version":1,"epoch":2,"devices":[]}')).to.deep.equal({
      type: 'hello',
      epoch: 2,
    });
    expect(parseSouthMessage(JSON.stringify({ type: 'frame', seq: 3, frame }))).to.deep.equal({
      type: 'frame',
      seq: 3,
      devAddr: '01000001',
      fCnt16: 1,
      data: Buffer.alloc(3),
      receivedAtMs: 5,
    });
  });

  const bad = [
    '',
    '7',
    'null',
    '{"type":"hello"}',
    '{"type":"hello","epoch":-1}',
    '{"type":"frame","seq":1}',
    JSON.stringify({ type: 'frame', frame }),
    JSON.stringify({ type: 'frame', seq: 1, frame: { ...frame, data: 7 } }),
    JSON.stringify({ type: 'frame', seq: 1, frame: { ...frame, receivedAtMs: '5' } }),
  ];
  for (const line of bad) {
    it(`does not understand ${line}`, () => {
      expect(parseSouthMessage(line)).to.equal(null);
    });
  }
});
