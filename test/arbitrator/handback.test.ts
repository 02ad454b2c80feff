import { expect } from 'chai';
import { checkHandback, crossCheck, diffReadings, signHandback } from '../../arbitrator/handback.ts';
import { readingsRoot } from '../../arbitrator/reading-set.ts';
import type { Handback, ServiceRecord } from '../../arbitrator/types.ts';
import { AGREEMENT_ID, CUSTOMER, DOMAIN, DUTIES, PROVIDER, STRANGER, TERMS } from './parties.ts';

const reading = (fCnt: number, payload = 'aabb') => ({ devAddr: '26011f01', fCnt, payload });
const handback: Handback = {
  agreementId: AGREEMENT_ID,
  epoch: 3,
  deliveredCount: 2,
  readingsRoot: readingsRoot([reading(1), reading(2)]),
};
const record: ServiceRecord = {
  agreementId: AGREEMENT_ID,
  epoch: 2,
  acceptedCount: 2,
  readingsRoot: readingsRoot([reading(2), reading(1)]),
  firstAcceptedAtMs: 10,
  lastAcceptedAtMs: 20,
};

async function signed(change: Partial<Handback> = {}, [provider, customer] = [PROVIDER, CUSTOMER]) {
  const words = { ...handback, ...change };
  return {
    handback: words,
    providerSignature: await signHandback(provider ?? PROVIDER, words),
    customerSignature: await signHandback(customer ?? CUSTOMER, words),
  };
}

describe('checkHandback', () => {
  const expected = { terms: TERMS, duties: DUTIES, agreementId: AGREEMENT_ID, currentEpoch: 2 };
  const rows: [string, () => ReturnType<typeof signed>, number, string | null][] = [
    ['accepts what both signed', () => signed(), 2, null],
    ['refuses another agreement', () => signed({ agreementId: `0x${'00'.repeat(32)}` }), 2, 'wrong-agreement'],
    ['refuses a repeated one', () => signed(), 4, 'wrong-epoch'],
    ['refuses one that skips an epoch', () => signed({ epoch: 5 }), 2, 'wrong-epoch'],
    ['refuses to hand a customer’s epoch back', () => signed({ epoch: 4 }), 3, 'wrong-epoch'],
    ['refuses one that only the customer signed', () => signed({}, [CUSTOMER, CUSTOMER]), 2, 'provider-signature'],
    ['refuses one that only the provider signed', () => signed({}, [PROVIDER, PROVIDER]), 2, 'customer-signature'],
    ['refuses a stranger', () => signed({}, [PROVIDER, STRANGER]), 2, 'customer-signature'],
    [
      'refuses other words than were signed',
      async () => ({ ...(await signed()), handback: { ...handback, deliveredCount: 3 } }),
      2,
      'provider-signature',
    ],
  ];
  for (const [title, make, currentEpoch, fault] of rows) {
    it(title, async () => {
      expect(checkHandback(DOMAIN, await make(), { ...expected, currentEpoch })).to.equal(fault);
    });
  }
});

describe('crossCheck', () => {
  const rows: [string, Partial<ServiceRecord>, object][] = [
    ['agrees on the same readings in another order', {}, { agrees: true, count: 2 }],
    ['tells of lost readings', { acceptedCount: 1 }, { agrees: false, difference: 'cloud-has-fewer', by: 1 }],
    ['tells of unknown readings', { acceptedCount: 5 }, { agrees: false, difference: 'cloud-has-more', by: 3 }],
    [
      'tells of other content',
      { readingsRoot: readingsRoot([reading(1), reading(2, 'ffff')]) },
      { agrees: false, difference: 'same-count-other-content', count: 2 },
    ],
    [
      'tells of another epoch',
      { epoch: 4 },
      { agrees: false, difference: 'other-epoch', handbackEpoch: 3, recordEpoch: 4 },
    ],
    [
      'tells of another agreement',
      { agreementId: `0x${'00'.repeat(32)}` },
      { agrees: false, difference: 'other-epoch', handbackEpoch: 3, recordEpoch: 2 },
    ],
  ];
  for (const [title, change, result] of rows) {
    it(title, () => expect(crossCheck(handback, { ...record, ...change })).to.deep.equal(result));
  }
});

describe('diffReadings', () => {
  it('finds what only one side has, whatever the order and the repetitions', () => {
    const difference = diffReadings([reading(3), reading(1), reading(1)], [reading(1), reading(4), reading(3, '00')]);
    expect(difference).to.deep.equal({ onlyOurs: [reading(3)], onlyTheirs: [reading(4), reading(3, '00')] });
  });
});
