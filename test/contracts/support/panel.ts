import { type Account, DAY, ethers, marketFixture } from './market.ts';

export const FEE_GWEI = 1_000_000n;
export const FEE_WEI = FEE_GWEI * 10n ** 9n;
export const DELAY_SEC = 3 * DAY;
export const TIMEOUT_SEC = 5 * DAY;

export async function panelFixture() {
  const market = await marketFixture();
  const sorted = market.others.slice(0, 4).sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
  const [first, second, third, fourth] = sorted as [Account, Account, Account, Account];
  const members = [first.address, second.address, third.address];
  const panel = await ethers.deployContract('PanelArbitrator', [members, 2, FEE_GWEI, DELAY_SEC, TIMEOUT_SEC]);
  const panelAddress = await panel.getAddress();
  const domain = { ...market.domain, name: 'EaaS PanelArbitrator', verifyingContract: panelAddress };
  return { ...market, panel, panelAddress, panelDomain: domain, first, second, third, fourth };
}
export type Panel = Awaited<ReturnType<typeof panelFixture>>;

export const RULING = {
  Ruling: [
    { name: 'arbitrable', type: 'address' },
    { name: 'disputeID', type: 'uint256' },
    { name: 'ruling', type: 'uint256' },
    { name: 'payee', type: 'address' },
  ],
};
export const CHANGE = {
  Change: [
    { name: 'nonce', type: 'uint256' },
    { name: 'added', type: 'address[]' },
    { name: 'removed', type: 'address[]' },
    { name: 'threshold', type: 'uint8' },
    { name: 'feeGwei', type: 'uint40' },
  ],
};

export const signRuling = (
  panel: Panel,
  signers: Account[],
  arbitrable: string,
  disputeID: bigint | string,
  ruling: bigint,
) =>
  Promise.all(
    signers.map((signer) =>
      signer.signTypedData(panel.panelDomain, RULING, { arbitrable, disputeID, ruling, payee: panel.stranger.address }),
    ),
  );

export type Change = { nonce: number; added: string[]; removed: string[]; threshold: number; feeGwei: bigint };
export const signChange = (panel: Panel, signers: Account[], change: Change) =>
  Promise.all(signers.map((signer) => signer.signTypedData(panel.panelDomain, CHANGE, change)));

/** A plain ERC-792 dispute of a contract account that accepts any ruling. */
export async function plainDispute(panel: Panel) {
  const arbitrable = await ethers.deployContract('RecordingArbitrable');
  await arbitrable.raise(panel.panelAddress, 2, { value: FEE_WEI });
  return { arbitrable, address: await arbitrable.getAddress() };
}
