import type { Arbitration, Terms } from '../../../market/terms.ts';
import { arbitrationBy, ethers, hashOf, idOf, marketFixture, openAgreement } from './market.ts';

export const FEE_WEI = 10n ** 15n;
export const DISPUTE_ID = 1n;

/** A market with an arbitrator that does what the test tells it, plain ERC-792 unless told otherwise. */
export async function disputeFixture() {
  const market = await marketFixture();
  const arbitrator = await ethers.deployContract('HostileArbitrator');
  await arbitrator.set(FEE_WEI, false, false);
  const arbitration = arbitrationBy(await arbitrator.getAddress());
  return { ...market, arbitrator, arbitration };
}
export type Disputed = Awaited<ReturnType<typeof disputeFixture>>;

export const openDisputable = (market: Disputed, arbitration: Arbitration = market.arbitration) =>
  openAgreement(market, { arbitrationHash: hashOf(arbitration) });

export const dispute = (market: Disputed, terms: Terms, by = market.customer, value = FEE_WEI) =>
  market.escrow.connect(by).dispute(terms, market.arbitration, { value });

export async function makeDirect(market: Disputed) {
  await market.arbitrator.set(FEE_WEI, false, true);
}

export const ruleDirect = (market: Disputed, terms: Terms, ruling: bigint) =>
  market.arbitrator.ruleDirect(
    market.escrowAddress,
    terms,
    market.arbitration,
    idOf(market, terms),
    ruling,
    market.stranger.address,
  );
