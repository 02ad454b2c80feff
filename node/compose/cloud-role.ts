import { join } from 'node:path';
import { escrowDomain } from '../../market/eip712.ts';
import { walletSigner } from '../../sdk/chain/signer.ts';
import { verifyPeerSignature } from '../../sdk/p2p/key.ts';
import { startCloud } from '../cloud/cloud.ts';
import { openStore } from '../store.ts';
import { type Base, section, stopAtOnce } from './base.ts';

/** Role `cloud`: takes readings of the current epoch, and vouches for them. */
export async function startCloudRole({
  config,
  clock,
  log,
  keys,
  undo,
}: Base): Promise<{ peerId: null; apiPort: null }> {
  const store = await openStore(join(config.dataDir, 'store'));
  undo.add(() => store.close());
  const domain = escrowDomain(config.chain.chainId, config.chain.escrow);
  const cloud = await startCloud({
    ...section(config.cloud, 'cloud'),
    store,
    signer: walletSigner(keys.wallet, domain),
    domain,
    verifyPeer: verifyPeerSignature,
    onFatal: stopAtOnce(log),
    clock,
    log,
  });
  undo.add(() => cloud.stop());
  log.info({ url: cloud.url }, 'the cloud takes readings');
  return { peerId: null, apiPort: null };
}
