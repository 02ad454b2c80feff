import { multiaddr } from '@multiformats/multiaddr';
import { expect } from 'chai';
import { subnetOf } from '../../../sdk/p2p/gater.ts';
import {
  CALL_LIMITS,
  CONNECTION_LIMITS,
  GOSSIP_LIMITS,
  honestStreams,
  STREAM_LIMITS,
  worstCaseBufferBytes,
} from '../../../sdk/p2p/limits.ts';
import { SCORE_THRESHOLDS, scoreParams } from '../../../sdk/p2p/scoring.ts';

const MIB = 1024 * 1024;

describe('network limits', () => {
  it('bound the buffers that peers can make us hold to 256 MiB', () => {
    const { total, ...parts } = worstCaseBufferBytes();
    expect(total).to.be.at.most(256 * MIB);
    expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).to.equal(total);
  });

  it('leave room for all that an honest peer does at once', () => {
    expect(honestStreams()).to.be.at.most(STREAM_LIMITS.maxInbound);
    expect(CALL_LIMITS.maxOutboundPerProtocol).to.be.at.most(CALL_LIMITS.maxInboundPerProtocol);
  });

  it('reserve connections for peers that we chose', () => {
    expect(CONNECTION_LIMITS.max - CONNECTION_LIMITS.maxInbound).to.equal(8);
  });

  it('let a whole frame wait, and one window pass a slow socket', () => {
    expect(STREAM_LIMITS.maxReadBufferBytes).to.be.above(CALL_LIMITS.maxFrameBytes + 4);
    expect(CONNECTION_LIMITS.maxWriteBufferBytes).to.be.above(STREAM_LIMITS.windowBytes);
    expect(GOSSIP_LIMITS.maxRpcBytes).to.be.above(2 * GOSSIP_LIMITS.maxMessageBytes);
  });

  const subnets: [string, string][] = [
    ['/ip4/203.0.113.9/tcp/1', '203.0.113'],
    ['/ip4/203.0.113.200/tcp/2/p2p/12D3KooWSahP5pFRCEfaziPEba7urXGeif6T1y8jmodzdFUvzBHj', '203.0.113'],
    ['/ip6/2001:db8:0:7::1/tcp/1', '2001:0db8:0000:0007'],
    ['/ip6/2001:db8:0:7:ffff::2/tcp/1', '2001:0db8:0000:0007'],
    ['/ip6/::1/tcp/1', '0000:0000:0000:0000'],
  ];
  for (const [address, subnet] of subnets) {
    it(`count ${address.slice(0, 30)} to ${subnet}`, () => {
      expect(subnetOf(multiaddr(address))).to.equal(subnet);
    });
  }
});

describe('peer scoring', () => {
  const params = (topics: number) => scoreParams([...Array(topics).keys()].map(String), 'wan');

  for (const count of [1, 8, 50]) {
    it(`graylists at the third invalid message in one of ${count} topics, whatever the credit`, () => {
      const { topics = {}, topicScoreCap = 0 } = params(count);
      const weight = topics['0']?.invalidMessageDeliveriesWeight ?? 0;
      const worst = (invalid: number): number => weight * invalid ** 2 + 2 * topicScoreCap;
      expect(worst(3)).to.be.below(SCORE_THRESHOLDS.graylistThreshold);
      expect(weight * 2 ** 2).to.be.at.least(SCORE_THRESHOLDS.graylistThreshold);
    });

    it(`gives at most the cap in credit over ${count} topics`, () => {
      const { topics = {}, topicScoreCap = 0 } = params(count);
      const credit = Object.values(topics).map(
        (topic) =>
          topic.timeInMeshWeight * topic.timeInMeshCap +
          topic.firstMessageDeliveriesWeight * topic.firstMessageDeliveriesCap,
      );
      expect(credit.reduce((sum, each) => sum + each, 0)).to.be.closeTo(topicScoreCap, 1e-9);
    });
  }

  it('does not punish neighbours on one machine, and does on the open network', () => {
    expect(scoreParams(['t'], 'lan').IPColocationFactorWeight).to.equal(0);
    expect(scoreParams(['t'], 'wan')).to.include({ IPColocationFactorWeight: -5, IPColocationFactorThreshold: 4 });
  });
});
