import type { HardhatEthersSigner } from '@nomicfoundation/hardhat-ethers/types';
import { hexlify, randomBytes, ZeroHash } from 'ethers';
import { network } from 'hardhat';
import {
  arbitrationHash,
  type Domain,
  digestOf,
  escrowDomain,
  type SignedType,
  typesOf,
} from '../../../market/eip712.ts';
import type { Arbitration, Terms } from '../../../market/terms.ts';
import type {} from '../../../types/ethers-contracts/hardhat.d.ts';

/** One in-process chain for all files of this folder: Hardhat runs them in one process. */
export const { ethers, networkHelpers } = await network.create();
export const { loadFixture, time, mine, setBalance } = networkHelpers;

export const DAY = 86_400;
export const WINDOW_SEC = 3_600;
export const RULING_WINDOW_SEC = 7 * DAY;
export const FUNDS = 1_000_000_000n;
export const CUSTOMER_STAKE = 10_000_000n;
export const PROVIDER_STAKE = 20_000_000n;
export const NO_SIGNATURE = '0x';
export const META_EVIDENCE = 'ipfs://meta-evidence.json';

/** Mirror of the Solidity enums, in their order. */
export const STATUS = { none: 0n, open: 1n, claimed: 2n, reported: 3n, answered: 4n, disputed: 5n, ended: 6n };
export const OUTCOME = { neutral: 0n, honoured: 1n, breached: 2n };
export const ENDING = { settled: 0n, claimed: 1n, lapsed: 2n, conceded: 3n, unanswered: 4n, ruled: 5n, silent: 6n };

export type Account = HardhatEthersSigner;
/** Hardhat's list of accounts, which has twenty. */
type Many = [Account, Account, Account, Account, Account, ...Account[]];

/** Deploys the escrow and a token; three funded accounts (customer, provider, stranger) have deposited `FUNDS`. */
export async function marketFixture() {
  const [deployer, customer, provider, stranger, agent, ...others] = (await ethers.getSigners()) as Many;
  const escrow = await ethers.deployContract('AgreementEscrow', [META_EVIDENCE], deployer);
  const token = await ethers.deployContract('TestToken', [], deployer);
  const escrowAddress = await escrow.getAddress();
  const tokenAddress = await token.getAddress();
  for (const owner of [customer, provider, stranger]) {
    await token.mint(owner.address, 2n * FUNDS);
    await token.connect(owner).approve(escrowAddress, 2n * FUNDS);
    await escrow.connect(owner).deposit(tokenAddress, FUNDS);
  }
  const { chainId } = await ethers.provider.getNetwork();
  const domain = escrowDomain(Number(chainId), escrowAddress);
  return { escrow, token, escrowAddress, tokenAddress, domain, customer, provider, stranger, agent, deployer, others };
}
export type Market = Awaited<ReturnType<typeof marketFixture>>;

export const sign = (domain: Domain, signer: HardhatEthersSigner, type: SignedType, value: object): Promise<string> =>
  signer.signTypedData({ ...domain }, typesOf(type), value as Record<string, unknown>);

let nextLane = 0;
/** Terms between the fixture's customer and provider, on a lane of their own, that end in a day. */
export async function termsOf(market: Market, changes: Partial<Terms> = {}): Promise<Terms> {
  const now = await time.latest();
  nextLane += 1;
  return {
    customer: market.customer.address,
    provider: market.provider.address,
    token: market.tokenAddress,
    customerStake: CUSTOMER_STAKE,
    providerStake: PROVIDER_STAKE,
    openBy: now + 600,
    endsAt: now + DAY,
    responseWindowSec: WINDOW_SEC,
    lane: nextLane,
    arbitrationHash: ZeroHash,
    dutiesHash: hexlify(randomBytes(32)),
    ...changes,
  };
}

export const idOf = (market: Market, terms: Terms): string => digestOf(market.domain, 'Terms', terms);

/** Opens terms with both signatures, sent by a stranger. */
export async function openTerms(market: Market, terms: Terms) {
  const signatures = await bothSign(market, 'Terms', terms);
  return market.escrow.connect(market.stranger).open(terms, ...signatures);
}

export async function bothSign(market: Market, type: SignedType, value: object): Promise<[string, string]> {
  return [
    await sign(market.domain, market.customer, type, value),
    await sign(market.domain, market.provider, type, value),
  ];
}

export async function openAgreement(market: Market, changes: Partial<Terms> = {}): Promise<Terms> {
  const terms = await termsOf(market, changes);
  await openTerms(market, terms);
  return terms;
}

export async function claimBy(market: Market, terms: Terms, earned: bigint) {
  const receipt = { agreementId: idOf(market, terms), earned };
  const signature = await sign(market.domain, market.customer, 'Receipt', receipt);
  return market.escrow.connect(market.provider).claim(terms, earned, signature);
}

export function arbitrationBy(arbitrator: string, changes: Partial<Arbitration> = {}): Arbitration {
  return {
    arbitrator,
    maxFeeWei: 10n ** 17n,
    rulingWindowSec: RULING_WINDOW_SEC,
    feeShareBps: 1_000,
    extraData: '0x',
    ...changes,
  };
}

export const hashOf = (arbitration: Arbitration): string => arbitrationHash(arbitration);

/** Free balances of the two parties. */
export async function balances(market: Market): Promise<{ customer: bigint; provider: bigint }> {
  const customer = await market.escrow.accountOf(market.tokenAddress, market.customer.address);
  const provider = await market.escrow.accountOf(market.tokenAddress, market.provider.address);
  return { customer: customer.balance, provider: provider.balance };
}

/** Settles by both signatures, sent by a stranger. */
export async function settleTerms(market: Market, terms: Terms, toProvider: bigint, outcome: bigint = OUTCOME.neutral) {
  const settlement = { agreementId: idOf(market, terms), toProvider, outcome };
  const signatures = await bothSign(market, 'Settlement', settlement);
  return market.escrow.connect(market.stranger).settle(terms, toProvider, outcome, ...signatures);
}

/** Counters of a party: honoured, breached, disputesLost, value. */
export async function reputationOf(market: Market, party: 'customer' | 'provider'): Promise<bigint[]> {
  const account = await market.escrow.accountOf(market.tokenAddress, market[party].address);
  return [account.honoured, account.breached, account.disputesLost, account.value];
}
