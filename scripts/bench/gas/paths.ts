import { keccak256 } from 'ethers';
import {
  arbitrationOf,
  type Bench,
  bothSign,
  EARNED,
  FEE_WEI,
  gasOf,
  idOf,
  panelSigns,
  sign,
  TO_PROVIDER,
  termsOf,
} from './bench.ts';

export type Gas = Record<string, number>;
/** One way through the escrow, from terms to the end, on a lane. */
export type Path = (bench: Bench, lane: number) => Promise<Gas>;

const HONOURED = 1n;
const EVIDENCE = 'ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';

/** Everything by a relayer that is no party: two signatures each time. */
export const relayed: Path = async (bench, lane) => {
  const terms = await termsOf(bench, lane);
  const escrow = bench.escrow.connect(bench.relayer);
  const open = await gasOf(escrow.open(terms, ...(await bothSign(bench, 'Terms', terms))));
  const settlement = { agreementId: idOf(bench, terms), toProvider: TO_PROVIDER, outcome: HONOURED };
  const signatures = await bothSign(bench, 'Settlement', settlement);
  const settle = await gasOf(escrow.settle(terms, TO_PROVIDER, HONOURED, ...signatures));
  return { open, settleRelayed: settle, lifecycleRelayed: open + settle };
};

/** Opened and settled by the customer, which signs nothing itself. */
export const bySender: Path = async (bench, lane) => {
  const terms = await termsOf(bench, lane);
  const escrow = bench.escrow.connect(bench.customer);
  const openBySender = await gasOf(escrow.open(terms, '0x', await sign(bench, bench.provider, 'Terms', terms)));
  const settlement = { agreementId: idOf(bench, terms), toProvider: TO_PROVIDER, outcome: HONOURED };
  const signature = await sign(bench, bench.provider, 'Settlement', settlement);
  const settle = await gasOf(escrow.settle(terms, TO_PROVIDER, HONOURED, '0x', signature));
  return { openBySender, settle, lifecycleBySender: openBySender + settle };
};

/** The provider claims with a receipt; nobody objects; anyone ends it. */
export const claimed: Path = async (bench, lane) => {
  const terms = await opened(bench, lane);
  const receipt = { agreementId: idOf(bench, terms), earned: EARNED };
  const signature = await sign(bench, bench.customer, 'Receipt', receipt);
  const claim = await gasOf(bench.escrow.connect(bench.provider).claim(terms, EARNED, signature));
  await bench.session.networkHelpers.time.increaseTo(terms.endsAt + terms.responseWindowSec);
  return { claim, expire: await gasOf(bench.escrow.connect(bench.relayer).expire(terms)) };
};

export const conceded: Path = async (bench, lane) => {
  const terms = await opened(bench, lane);
  const report = await gasOf(bench.escrow.connect(bench.customer).report(terms, EVIDENCE));
  return { report, concede: await gasOf(bench.escrow.connect(bench.provider).concede(terms)) };
};

/** The customer goes to our panel, which rules and executes in one transaction. */
export const disputed: Path = async (bench, lane) => {
  const panel = await bench.panel.getAddress();
  const arbitration = arbitrationOf(panel);
  const terms = await termsOf(bench, lane, arbitration);
  const signatures = await bothSign(bench, 'Terms', terms);
  const open = await gasOf(bench.escrow.connect(bench.relayer).open(terms, ...signatures));
  const dispute = await gasOf(bench.escrow.connect(bench.customer).dispute(terms, arbitration, { value: FEE_WEI }));
  const id = idOf(bench, terms);
  const rulings = await panelSigns(bench, id, HONOURED);
  const rule = await gasOf(
    bench.panel
      .connect(bench.relayer)
      .ruleAgreement(bench.addresses.escrow, terms, arbitration, id, HONOURED, bench.payee.address, rulings),
  );
  return { dispute, rule, disputePath: open + dispute + rule };
};

/** The same with a plain ERC-792 arbitrator: it rules, then anyone executes. */
const plain = async (bench: Bench, lane: number, arbitrator: Bench['foreign'] | Bench['kleros']): Promise<Gas> => {
  const arbitration = arbitrationOf(await arbitrator.getAddress());
  const terms = await termsOf(bench, lane, arbitration);
  const signatures = await bothSign(bench, 'Terms', terms);
  const open = await gasOf(bench.escrow.connect(bench.relayer).open(terms, ...signatures));
  const dispute = await gasOf(bench.escrow.connect(bench.customer).dispute(terms, arbitration, { value: FEE_WEI }));
  const raised = await bench.escrow.queryFilter(bench.escrow.filters.Dispute(arbitration.arbitrator));
  const rule = await gasOf(arbitrator.connect(bench.deployer).rule(raised.at(-1)?.args[1] ?? 0n, HONOURED));
  const execute = await gasOf(bench.escrow.connect(bench.relayer).expire(terms));
  return { dispute, rule, execute, path: open + dispute + rule + execute };
};

/** With a foreign arbitrator that keeps one word per dispute. */
export const disputedForeign: Path = async (bench, lane) => {
  const { dispute, rule, execute, path } = await plain(bench, lane, bench.foreign);
  return { disputeForeign: dispute, ruleForeign: rule, executeForeign: execute, disputePathForeign: path } as Gas;
};

/** With the ERC-792 authors' example, which itself takes about 105,000 of it. */
export const disputedKleros: Path = async (bench, lane) => {
  const { path } = await plain(bench, lane, bench.kleros);
  return { disputePathKlerosExample: path } as Gas;
};

/** Ten agreements of the same pair, opened and settled by a relayer in two transactions. */
export const batched: Path = async (bench, lane) => {
  const lanes = Array.from({ length: 10 }, (_, index) => lane + index);
  const all = await Promise.all(lanes.map((each) => termsOf(bench, each)));
  const opens = [];
  const settles = [];
  for (const terms of all) {
    const [customerSignature, providerSignature] = await bothSign(bench, 'Terms', terms);
    opens.push({ terms, customerSignature, providerSignature });
    const settlement = { agreementId: idOf(bench, terms), toProvider: TO_PROVIDER, outcome: HONOURED };
    const [byCustomer, byProvider] = await bothSign(bench, 'Settlement', settlement);
    settles.push({
      terms,
      toProvider: TO_PROVIDER,
      outcome: HONOURED,
      customerSignature: byCustomer,
      providerSignature: byProvider,
    });
  }
  const escrow = bench.escrow.connect(bench.relayer);
  const open = await gasOf(escrow.openMany(opens));
  const settle = await gasOf(escrow.settleMany(settles));
  return { batch10PerAgreement: Math.round((open + settle) / lanes.length) };
};

/** One root of sensor readings under an agreement's id, with the leaves' CIDv1. */
export const anchoredBatch: Path = async (bench, lane) => {
  const now = await bench.session.networkHelpers.time.latest();
  const root = keccak256(Buffer.from(`readings until ${now}`));
  const cid = `0x01551220${keccak256(root).slice(2)}`;
  const subject = keccak256(Buffer.from(`agreement ${lane}`));
  return { anchor: await gasOf(bench.anchor.connect(bench.provider).anchor(subject, [{ root, cid }])) };
};

/** In, and out again: part of the balance, so that nothing passes through zero the second time. */
export const vault: Path = async (bench) => {
  const { token } = bench.addresses;
  const escrow = bench.escrow.connect(bench.customer);
  const deposit = await gasOf(escrow.deposit(token, 2_000_000_000n));
  return { deposit, withdraw: await gasOf(escrow.withdraw(token, 1_000_000_000n, bench.customer.address)) };
};

async function opened(bench: Bench, lane: number) {
  const terms = await termsOf(bench, lane);
  await bench.escrow.connect(bench.relayer).open(terms, ...(await bothSign(bench, 'Terms', terms)));
  return terms;
}
