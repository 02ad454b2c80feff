import { setTimeout } from 'node:timers/promises';
import { silentLog } from '../../../sdk/log.ts';
import { generatePeerKey, peerIdOf } from '../../../sdk/p2p/key.ts';
import { createStreams } from '../../../sdk/p2p/streams.ts';
import { fakeClock } from '../../fakes/clock.ts';
import { fakeStreamsNetwork } from '../../fakes/streams.ts';
import { streamsCompliance } from './compliance.ts';
import { startHost } from './hosts.ts';

const deadRef = { peerId: peerIdOf(generatePeerKey()), addrs: ['/ip4/127.0.0.1/tcp/9'] };

streamsCompliance('fake', async () => {
  const clock = fakeClock();
  const network = fakeStreamsNetwork(clock);
  const ref = { peerId: 'b', addrs: ['/ip4/10.0.0.2/tcp/7001'] };
  return {
    a: network.join('a'),
    b: network.join('b'),
    aId: 'a',
    bRef: ref,
    deadRef,
    killB: async () => network.leave('b'),
    elapse: (ms) => clock.tick(ms),
    stop: async () => {},
  };
});

streamsCompliance('libp2p over TCP', async () => {
  const [a, b] = await Promise.all([startHost(), startHost()]);
  return {
    a: createStreams(a.libp2p, silentLog()),
    b: createStreams(b.libp2p, silentLog()),
    aId: a.peerId,
    bRef: { peerId: b.peerId, addrs: b.addrs() },
    deadRef,
    killB: () => b.stop(),
    elapse: (ms) => setTimeout(ms),
    stop: async () => {
      await Promise.all([a.stop(), b.stop()]);
    },
  };
});
