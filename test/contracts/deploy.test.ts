import { expect } from 'chai';
import { id as keccakOf } from 'ethers';
import { network } from 'hardhat';
import { eaasModule } from '../../scripts/deploy/module.ts';

const SALT = keccakOf('EaaS 1');

/** Deploys on a chain of its own, after as many other transactions of the deployer. */
async function deployAfter(transactions: number): Promise<string[]> {
  const { ethers, ignition, close } = await network.create();
  const [deployer, ...members] = await ethers.getSigners();
  for (let i = 0; i < transactions; i += 1) await deployer?.sendTransaction({ to: deployer.address });
  const panel = {
    metaEvidence: 'ipfs://meta-evidence',
    members: members.slice(0, 3).map((member) => member.address),
    threshold: 2,
    feeGwei: 1,
  };
  const {
    escrow,
    anchor,
    panel: arbitrator,
  } = await ignition.deploy(eaasModule, {
    parameters: { EaaS: panel },
    strategy: 'create2',
    strategyConfig: { salt: SALT },
  });
  const addresses = [await escrow.getAddress(), await anchor.getAddress(), await arbitrator.getAddress()];
  await close();
  return addresses;
}

describe('deployment', () => {
  it('gives the same addresses on every network that has the CREATE2 factory', async () => {
    const addresses = await deployAfter(0);
    expect(new Set(addresses).size).to.equal(3);
    expect(await deployAfter(3)).to.deep.equal(addresses);
  });
});
