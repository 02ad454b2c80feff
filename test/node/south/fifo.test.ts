import { expect } from 'chai';
import { Fifo } from '../../../node/south/fifo.ts';

describe('Fifo', () => {
  it('gives items back in order, over many more than it holds at once', () => {
    const queue = new Fifo<number>();
    const out: (number | undefined)[] = [];
    for (let item = 0; item < 10_000; item += 1) {
      queue.push(item);
      if (item >= 1500) out.push(queue.shift());
    }
    expect(out).to.deep.equal(Array.from({ length: 8500 }, (_, item) => item));
    expect(queue.size).to.equal(1500);
    expect(queue.peek()).to.equal(8500);
    expect(queue.at(1499)).to.equal(9999);
    expect(queue.at(1500)).to.equal(undefined);
    expect([...queue].slice(0, 2)).to.deep.equal([8500, 8501]);
  });

  it('has nothing to give when empty', () => {
    const queue = new Fifo<number>([1]);
    expect(queue.shift()).to.equal(1);
    expect(queue.shift()).to.equal(undefined);
    expect(queue.size).to.equal(0);
  });
});
