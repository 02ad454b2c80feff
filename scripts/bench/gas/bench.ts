import { id as keccakOf } from 'ethers';
import { network } from 'hardhat';
import { arbitrationHash, digestOf, escrowDomain, type SignedType, typesOf } from '../../../market/eip712.ts';
import type { Arbitration, Terms } from '../../../market/terms.ts';
import type {} from '../../../types/ethers-contracts/hardhat.d.ts';
import { metaEvidenceUri } from '../../deploy/meta-evidence.ts';

const DAY_SEC = 86_400;
/** A tenth of a coin: what the ERC-792 authors' example asks, and so what the others ask here. */
export const FEE_WEI = 10n ** 17n;
/** Stakes of 10 and 20 units of a token with six decimals, of which three quarters of the first are earned. */
const CUSTOMER_STAKE = 10_000_000n;
const PROVIDER_STAKE = 20_000_000n;
export const EARNED = 7_500_000n;
export const TO_PROVIDER = PROVIDER_STAKE + EARNED;
/** Lane of the agreement that is left open beside the measured ones. */
export const SIBLING_LANE = 1;

type Session = Awaited<ReturnType<typeof network.create>>;
export type Account = Awaited<ReturnType<Session['ethers']['getSigners']>>[number];
/** Hardhat's list of accounts, which has twenty. */
type Many<T> = [T, T, T, T, T, ...T[]];
export type Bench = Awaited<ReturnType<typeof createBench>>;

/** A chain of its own, with everything deployed and two parties that have deposited once. */
export async function createBench() {
  // A fixed date makes signatures, and so the bytes paid for, the same in every run.
  const session = await network.create({ override: { initialDate: '2026-01-01T00:00:00Z' } });
  const { ethers } = session;
  const [deployer, customer, provider, relayer, payee, ...rest] = (await ethers.getSigners()) as Many<Account>;
  const members = rest.slice(0, 3).sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
  const escrow = await ethers.deployContract('AgreementEscrow', [await metaEvidenceUri()], deployer);
  const token = await ethers.deployContract('TestToken', [], deployer);
  const anchor = await ethers.deployContract('DataAnchor', [], deployer);
  const foreign = await ethers.deployContract('CompactArbitrator', [FEE_WEI], deployer);
  const kleros = await ethers.deployContract('ForeignArbitrator', [], deployer);
  const panel = await ethers.deployContract(
    'PanelArbitrator',
    [members.map((member) => member.address), 2, FEE_WEI / 10n ** 9n, 7 * DAY_SEC, 7 * DAY_SEC],
    deployer,
  );
  const addresses = { escrow: await escrow.getAddress(), token: await token.getAddress() };
  const domain = escrowDomain(31337, addresses.escrow);
  for (const owner of [customer, provider]) {
    await token.mint(owner.address, 10n ** 12n);
    await token.connect(owner).approve(addresses.escrow, 10n ** 12n);
  }
  const contracts = { escrow, token, anchor, foreign, kleros, panel };
  return { session, ...contracts, addresses, domain, deployer, customer, provider, relayer, payee, members };
}

/** Gas of a transaction's receipt. */
export async function gasOf(sent: Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>): Promise<number> {
  const receipt = await (await sent).wait();
  if (receipt === null) throw new Error('no receipt');
  return Number(receipt.gasUsed);
}

export function arbitrationOf(arbitrator: string): Arbitration {
  return { arbitrator, maxFeeWei: FEE_WEI, rulingWindowSec: 7 * DAY_SEC, feeShareBps: 500, extraData: '0x' };
}

/** Terms that can be opened for the next five minutes and run for a day, as a node would write them. */
export async function termsOf(bench: Bench, lane: number, arbitration?: Arbitration): Promise<Terms> {
  const now = await bench.session.networkHelpers.time.latest();
  return {
    customer: bench.customer.address,
    provider: bench.provider.address,
    token: bench.addresses.token,
    customerStake: CUSTOMER_STAKE,
    providerStake: PROVIDER_STAKE,
    openBy: now + 300,
    endsAt: now + DAY_SEC,
    responseWindowSec: 3_600,
    lane,
    arbitrationHash: arbitration ? arbitrationHash(arbitration) : keccakOf('an arbitrator that is never asked'),
    dutiesHash: keccakOf(`duties ${lane} ${now}`),
  };
}

export const idOf = (bench: Bench, terms: Terms): string => digestOf(bench.domain, 'Terms', terms);

export async function sign(bench: Bench, signer: Account, type: SignedType, value: object): Promise<string> {
  return signer.signTypedData({ ...bench.domain }, typesOf(type), value as Record<string, unknown>);
}

export async function bothSign(bench: Bench, type: SignedType, value: object): Promise<[string, string]> {
  return [await sign(bench, bench.customer, type, value), await sign(bench, bench.provider, type, value)];
}

/** Two of three members' signatures on a ruling, in the order the panel wants. */
export async function panelSigns(bench: Bench, disputeID: string, ruling: bigint): Promise<string[]> {
  const domain = {
    name: 'EaaS PanelArbitrator',
    version: '1',
    chainId: bench.domain.chainId,
    verifyingContract: await bench.panel.getAddress(),
  };
  const types = {
    Ruling: [
      { name: 'arbitrable', type: 'address' },
      { name: 'disputeID', type: 'uint256' },
      { name: 'ruling', type: 'uint256' },
      { name: 'payee', type: 'address' },
    ],
  };
  const value = { arbitrable: bench.addresses.escrow, disputeID, ruling, payee: bench.payee.address };
  return Promise.all(bench.members.slice(0, 2).map((member) => member.signTypedData(domain, types, value)));
}
