import { expect } from 'chai';
import fc from 'fast-check';
import { checkOutput, type EpochEvent, firstEpoch, HOLDER_NEXT, holderOf, transition } from '../../arbitrator/epoch.ts';

const ID = `0x${'ab'.repeat(32)}`;
const at = (epoch: number) => ({ agreementId: ID, epoch });

describe('epoch register', () => {
  const rows: [string, number, EpochEvent['type'], number, number, string | null][] = [
    ['takes the first activation', 1, 'activated', 2, 2, null],
    ['takes the handback after it', 2, 'handedBack', 3, 3, null],
    ['takes a second activation', 3, 'activated', 4, 4, null],
    ['repeats an activation without harm', 2, 'activated', 2, 2, null],
    ['repeats a handback without harm', 3, 'handedBack', 3, 3, null],
    ['refuses an older activation', 4, 'activated', 2, 4, 'stale-epoch'],
    ['refuses an older handback', 5, 'handedBack', 3, 5, 'stale-epoch'],
    ['refuses to skip a handback', 2, 'activated', 4, 2, 'epoch-gap'],
    ['refuses to skip an activation', 1, 'handedBack', 3, 1, 'epoch-gap'],
    ['refuses to activate a customer epoch', 2, 'activated', 3, 2, 'wrong-holder'],
    ['refuses to hand back a provider epoch', 1, 'handedBack', 2, 1, 'wrong-holder'],
  ];
  for (const [title, from, type, epoch, to, fault] of rows) {
    it(title, () => {
      const step = transition(at(from), { type, ...at(epoch) });
      expect(step).to.deep.equal({ register: at(to), changed: to !== from, fault });
    });
  }

  it('refuses an act of another agreement', () => {
    const step = transition(at(1), { type: 'activated', agreementId: `0x${'cd'.repeat(32)}`, epoch: 2 });
    expect(step.fault).to.equal('wrong-agreement');
  });

  it('only grows, one epoch and one holder at a time', () => {
    const act = fc.record({ type: fc.constantFrom('activated', 'handedBack'), epoch: fc.integer({ min: 1, max: 8 }) });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        let register = firstEpoch(ID);
        for (const { type, epoch } of acts) {
          const next = transition(register, { type, agreementId: ID, epoch } as EpochEvent).register;
          expect(next.epoch - register.epoch).to.be.oneOf([0, 1]);
          if (next.epoch !== register.epoch) {
            expect(holderOf(next.epoch)).to.equal(HOLDER_NEXT[holderOf(register.epoch)]);
          }
          register = next;
        }
      }),
    );
  });
});

describe('checkOutput', () => {
  const rows: [string, number, number, 'customer' | 'provider', string | null][] = [
    ['takes the customer in its epoch', 1, 1, 'customer', null],
    ['takes the provider in its epoch', 2, 2, 'provider', null],
    ['refuses the customer after it was taken over', 2, 1, 'customer', 'stale-epoch'],
    ['refuses the provider after handback', 3, 2, 'provider', 'stale-epoch'],
    ['refuses the customer under the provider’s epoch', 2, 2, 'customer', 'wrong-holder'],
    ['refuses an epoch it has no certificate for', 1, 2, 'provider', 'unknown-epoch'],
  ];
  for (const [title, current, epoch, from, fault] of rows) {
    it(title, () => expect(checkOutput(at(current), { epoch, from })).to.equal(fault));
  }
});
