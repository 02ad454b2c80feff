/** The door of the SDK. */
export { type Bought, type Buyer, type BuyerParts, type BuyRequest, createBuyer, type Explanation } from './buyer.ts';
export { CHAIN_DEFAULTS, type ChainClient, createChain } from './chain/client.ts';
export { walletSigner } from './chain/signer.ts';
export { type ContentNode, startContent } from './content/content.ts';
export type { Wish } from './draft.ts';
export { type MarketFeed, startMarketFeed } from './market-feed.ts';
export { createGossip } from './p2p/gossip.ts';
export { createHost, type Host } from './p2p/host.ts';
export { generatePeerKey, type PeerKey, peerIdOf } from './p2p/key.ts';
export { createStreams } from './p2p/streams.ts';
export type {
  AgreementState,
  AgreementStatus,
  Chain,
  Content,
  EscrowCall,
  KeyValue,
  TxResult,
  VaultAccount,
} from './ports.ts';
