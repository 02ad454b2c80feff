import { silentLog } from '../../../sdk/log.ts';
import { createGossip } from '../../../sdk/p2p/gossip.ts';
import { fakeGossipNetwork } from '../../fakes/pubsub.ts';
import { gossipCompliance } from './gossip-compliance.ts';
import { bootstrapAddresses, startHost } from './hosts.ts';
import { TOPIC } from './topic.ts';

const PEERS = 3;

gossipCompliance('fake', async () => {
  const network = fakeGossipNetwork();
  const ids = ['a', 'b', 'c'];
  return { peers: ids.map((id) => ({ id, gossip: network.join(id, [TOPIC, `${TOPIC}/b`]) })), stop: async () => {} };
});

gossipCompliance('gossipsub over TCP', async () => {
  const hosts = [await startHost()];
  while (hosts.length < PEERS) hosts.push(await startHost({ bootstrap: hosts.flatMap(bootstrapAddresses) }));
  return {
    peers: hosts.map((host) => ({ id: host.peerId, gossip: createGossip(host, silentLog()) })),
    stop: async () => {
      await Promise.all(hosts.map((host) => host.stop()));
    },
  };
});
