import { expect } from 'chai';
import { createGate } from '../../../sdk/p2p/gate.ts';

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('gate', () => {
  it('lets in as many as the key has places, the others in order of arrival', async () => {
    const gate = createGate(() => 1);
    const order: string[] = [];
    const enter = async (name: string): Promise<() => void> => {
      const leave = await gate.enter(['k'], never);
      order.push(name);
      return leave;
    };
    const first = await enter('first');
    const second = enter('second');
    const third = enter('third');
    await turn();
    expect(order).to.deep.equal(['first']);
    first();
    (await second)();
    (await third)();
    expect(order).to.deep.equal(['first', 'second', 'third']);
    expect(gate.tryEnter(['k'])).not.to.equal(null);
  });

  it('counts a task for each of its keys', () => {
    const gate = createGate((key) => (key === 'all' ? 2 : 1));
    const leave = gate.tryEnter(['all', 'a']);
    expect(gate.tryEnter(['all', 'a'])).to.equal(null);
    expect(gate.tryEnter(['all', 'b'])).not.to.equal(null);
    expect(gate.tryEnter(['all', 'c'])).to.equal(null);
    leave?.();
    expect(gate.tryEnter(['all', 'c'])).not.to.equal(null);
  });

  it('does not hold up other keys behind a full one', async () => {
    const gate = createGate((key) => (key === 'all' ? 2 : 1));
    const a = await gate.enter(['all', 'a'], never);
    const b = await gate.enter(['all', 'b'], never);
    let entered = false;
    void gate.enter(['all', 'a'], never).then(() => {
      entered = true;
    });
    const c = gate.enter(['all', 'c'], never);
    b();
    await c;
    expect(entered).to.equal(false);
    a();
    await turn();
    expect(entered).to.equal(true);
  });

  it('gives up waiting with the reason of the signal, without taking a place', async () => {
    const gate = createGate(() => 1);
    const leave = await gate.enter(['k'], never);
    const controller = new AbortController();
    const waiting = gate.enter(['k'], controller.signal).catch((error: unknown) => error);
    controller.abort('enough');
    expect(await waiting).to.equal('enough');
    leave();
    expect(gate.tryEnter(['k'])).not.to.equal(null);
  });

  it('frees a place once, however often it is left', async () => {
    const gate = createGate(() => 2);
    const leave = await gate.enter(['k'], never);
    await gate.enter(['k'], never);
    leave();
    leave();
    expect(gate.tryEnter(['k'])).not.to.equal(null);
    expect(gate.tryEnter(['k'])).to.equal(null);
  });
});
