import { expect } from 'chai';
import { checkReceipt } from '../../arbitrator/receipt.ts';
import type { Signer } from '../../market/eip712.ts';
import { AGREEMENT_ID, CUSTOMER, DOMAIN, PROVIDER, STRANGER } from './parties.ts';

describe('checkReceipt', () => {
  const rows: [string, bigint, Signer, bigint | null, string | null][] = [
    ['accepts the first', 100n, CUSTOMER, null, null],
    ['accepts a larger one', 101n, CUSTOMER, 100n, null],
    ['accepts a repeated one', 100n, CUSTOMER, 100n, null],
    ['accepts one of an agent', 100n, STRANGER, null, null],
    ['accepts the whole stake', 1_000n, CUSTOMER, 999n, null],
    ['refuses a smaller one', 99n, CUSTOMER, 100n, 'goes-back'],
    ['refuses more than the stake', 1_001n, CUSTOMER, null, 'over-stake'],
    ['refuses one that the provider wrote itself', 100n, PROVIDER, null, 'not-the-customer'],
  ];
  for (const [title, earned, signer, last, fault] of rows) {
    it(title, async () => {
      const receipt = { agreementId: AGREEMENT_ID, earned };
      const checked = checkReceipt(DOMAIN, receipt, await signer.sign('Receipt', receipt), {
        agreementId: AGREEMENT_ID,
        customer: CUSTOMER.address.toLowerCase(),
        agents: [STRANGER.address],
        customerStake: 1_000n,
        last: last === null ? null : { agreementId: AGREEMENT_ID, earned: last },
      });
      expect(checked).to.equal(fault);
    });
  }

  it('refuses another agreement and bytes that are no signature', () => {
    const expected = {
      agreementId: AGREEMENT_ID,
      customer: CUSTOMER.address,
      agents: [],
      customerStake: 9n,
      last: null,
    };
    const receipt = { agreementId: AGREEMENT_ID, earned: 1n };
    expect(checkReceipt(DOMAIN, receipt, '0xnothing', expected)).to.equal('bad-signature');
    const other = { ...expected, agreementId: `0x${'00'.repeat(32)}` };
    expect(checkReceipt(DOMAIN, receipt, '0x', other)).to.equal('wrong-agreement');
  });
});
