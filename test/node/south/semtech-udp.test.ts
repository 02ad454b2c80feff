import { expect } from 'chai';
import fc from 'fast-check';
import {
  type Datagram,
  decodeDatagram,
  encodePullAck,
  encodePullData,
  encodePullResp,
  encodePushAck,
  encodePushData,
  encodeTxAck,
  MAX_DATAGRAM_BYTES,
} from '../../../node/south/semtech-udp.ts';

const EUI = 'aa555a0000000101';
const DATA = 'QAOoegEAAQABEcNapzbppw==';

function pushWith(json: string): Buffer {
  return Buffer.concat([Buffer.from('02123400', 'hex'), Buffer.from(EUI, 'hex'), Buffer.from(json)]);
}

describe('semtech-udp', () => {
  const roundTrips: [string, Buffer, Datagram][] = [
    [
      'PUSH_DATA',
      encodePushData(0x1234, EUI, { rxpk: [{ data: DATA, rssi: -60, lsnr: 8.5, stat: 1 }], stat: { rxnb: 1 } }),
      {
        kind: 'pushData',
        token: 0x1234,
        gatewayId: EUI,
        rxpk: [{ data: DATA, rssi: -60, lsnr: 8.5, stat: 1 }],
        malformed: 0,
        stat: { rxnb: 1 },
      },
    ],
    ['PUSH_ACK', encodePushAck(65_535), { kind: 'pushAck', token: 65_535 }],
    ['PULL_DATA', encodePullData(7, EUI), { kind: 'pullData', token: 7, gatewayId: EUI }],
    ['PULL_ACK', encodePullAck(7), { kind: 'pullAck', token: 7 }],
    ['PULL_RESP', encodePullResp(9, { imme: true }), { kind: 'pullResp', token: 9, txpk: { imme: true } }],
    ['TX_ACK of success', encodeTxAck(9, EUI, null), { kind: 'txAck', token: 9, gatewayId: EUI, error: null }],
    [
      'TX_ACK of failure',
      encodeTxAck(9, EUI, 'TOO_LATE'),
      { kind: 'txAck', token: 9, gatewayId: EUI, error: 'TOO_LATE' },
    ],
  ];
  for (const [name, bytes, expected] of roundTrips) {
    it(`decodes what it encodes: ${name}`, () => {
      expect(decodeDatagram(bytes)).to.deep.equal(expected);
    });
  }

  it('puts version, token and kind where the protocol wants them', () => {
    expect(encodePushAck(0x1234).toString('hex')).to.equal('02123401');
    expect(encodePullData(0x1234, EUI).toString('hex')).to.equal(`02123402${EUI}`);
  });

  const refused: [string, Buffer][] = [
    ['an empty datagram', Buffer.alloc(0)],
    ['a cut header', Buffer.from('0212', 'hex')],
    ['protocol version 1', Buffer.from(`01123402${EUI}`, 'hex')],
    ['an unknown kind', Buffer.from(`02123409${EUI}`, 'hex')],
    ['a cut gateway id', Buffer.from('02123402aa555a', 'hex')],
    ['a push without a body', pushWith('')],
    ['a body that is no JSON', pushWith('{"rxpk":[')],
    ['a body that is a list', pushWith('[]')],
    ['rxpk that is no list', pushWith('{"rxpk":{}}')],
    ['more packets than a forwarder sends', pushWith(JSON.stringify({ rxpk: Array(33).fill({ data: DATA }) }))],
    ['a datagram over the limit', pushWith(`{"stat":{"x":"${'x'.repeat(MAX_DATAGRAM_BYTES)}"}}`)],
    ['a PULL_RESP without txpk', Buffer.concat([Buffer.from('02123403', 'hex'), Buffer.from('{}')])],
    ['a TX_ACK with another body', Buffer.concat([Buffer.from(`02123405${EUI}`, 'hex'), Buffer.from('{}')])],
  ];
  for (const [name, bytes] of refused) {
    it(`refuses ${name}`, () => {
      expect(decodeDatagram(bytes)).to.equal(null);
    });
  }

  const badPackets: [string, unknown][] = [
    ['no object', 7],
    ['no data', { rssi: -60 }],
    ['data that is no base64', { data: '***not base64***' }],
    ['data beyond the longest frame', { data: 'A'.repeat(400) }],
    ['a CRC status that does not exist', { data: DATA, stat: 3 }],
    ['a signal strength that is no number', { data: DATA, rssi: 'loud' }],
  ];
  for (const [name, packet] of badPackets) {
    it(`keeps the good packets beside one with ${name}`, () => {
      const decoded = decodeDatagram(encodePushData(1, EUI, { rxpk: [packet as object, { data: DATA }] }));
      expect(decoded).to.deep.include({ rxpk: [{ data: DATA }], malformed: 1 });
    });
  }

  it('never throws, whatever arrives', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map((text) => pushWith(text)),
      fc.json().map((text) => pushWith(`{"rxpk":[${text}]}`)),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        decodeDatagram(Buffer.from(bytes));
      }),
      { numRuns: 500 },
    );
  });
});
