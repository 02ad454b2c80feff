import { fakeContentNetwork } from '../../fakes/content.ts';
import { describeContent } from './compliance.ts';

describeContent('the fake', async () => {
  const network = fakeContentNetwork();
  const publisher = network.node('publisher');
  const fetcher = network.node('fetcher');
  return {
    publisher,
    publisherId: publisher.peerId,
    fetcher,
    fetcherId: fetcher.peerId,
    async spoil(side, cid) {
      const block = { publisher, fetcher }[side].blocks.get(cid);
      if (block === undefined) throw new Error(`no block ${cid} to spoil`);
      block[block.byteLength - 1] = (block.at(-1) ?? 0) ^ 1;
    },
    close: async () => {},
  };
});
