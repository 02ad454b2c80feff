import { expect } from 'chai';
import fc from 'fast-check';
import { cellAt, distanceM, isPlaceCell, topicCell, topicCellsAround } from '../../market/place.ts';
import { ordersTopic, ordersTopicsAround, parseOrdersTopic } from '../../market/topics.ts';

const point = fc.record({
  lat: fc.double({ min: -85, max: 85, noNaN: true }),
  lng: fc.double({ min: -180, max: 180, noNaN: true }),
});

describe('place', () => {
  it('knows the cell of a point', () => {
    expect(cellAt(-22.87, -43.17)).to.equal('87a8a06a3ffffff');
    expect(topicCell(cellAt(-22.87, -43.17))).to.equal('85a8a06bfffffff');
  });

  const badPoints: [name: string, lat: number, lng: number, resolution: number][] = [
    ['latitude beyond the pole', 90.1, 0, 7],
    ['longitude beyond the date line', 0, 180.1, 7],
    ['latitude that is no number', Number.NaN, 0, 7],
    ['longitude without end', 0, Number.POSITIVE_INFINITY, 7],
    ['cell that is too coarse for a topic', 0, 0, 4],
    ['resolution H3 does not have', 0, 0, 16],
  ];
  for (const [name, lat, lng, resolution] of badPoints) {
    it(`refuses a ${name}`, () => {
      expect(() => cellAt(lat, lng, resolution))
        .to.throw()
        .with.property('code', 'PLACE_INVALID');
    });
  }

  it('refuses text that is no cell', () => {
    for (const text of ['', 'zz', '87a8a06a3fffffff', cellAt(0, 0, 5).replace('85', '83')]) {
      expect(isPlaceCell(text), text).to.equal(false);
      expect(() => topicCell(text), text)
        .to.throw()
        .with.property('code', 'PLACE_INVALID');
      expect(() => distanceM(text, cellAt(0, 0)), text)
        .to.throw()
        .with.property('code', 'PLACE_INVALID');
    }
  });

  it('measures the way between two cities', () => {
    const metres = distanceM(cellAt(52.52, 13.405), cellAt(48.8566, 2.3522));
    expect(metres).to.be.within(874_000, 882_000);
  });

  it('measures alike in both directions, and nothing to itself', () => {
    fc.assert(
      fc.property(point, point, (a, b) => {
        const [cellA, cellB] = [cellAt(a.lat, a.lng), cellAt(b.lat, b.lng)];
        expect(distanceM(cellA, cellB)).to.be.closeTo(distanceM(cellB, cellA), 0.001);
        expect(distanceM(cellA, cellA)).to.equal(0);
      }),
    );
  });

  it('hears its own topic and every one around, which hear it in turn', () => {
    fc.assert(
      fc.property(point, ({ lat, lng }) => {
        const [own, ...around] = topicCellsAround(cellAt(lat, lng));
        expect(own).to.equal(topicCell(cellAt(lat, lng)));
        expect(around).to.have.length.within(5, 6);
        for (const cell of around) expect(topicCellsAround(cell)).to.include(own);
      }),
    );
  });
});

describe('topics', () => {
  it('builds what it can parse', () => {
    const topic = ordersTopic(31_337, cellAt(-22.87, -43.17));
    expect(topic).to.equal('/eaas/31337/85a8a06bfffffff/orders/1');
    expect(parseOrdersTopic(topic)).to.deep.equal({ chainId: 31_337, cell: '85a8a06bfffffff' });
    expect(ordersTopicsAround(1, cellAt(-22.87, -43.17))).to.have.length(7);
  });

  const foreign = [
    '',
    '/eaas/31337/85a8a06bfffffff/orders/2',
    '/eaas/031337/85a8a06bfffffff/orders/1',
    '/eaas/31337/87a8a06a3ffffff/orders/1',
    '/eaas/31337/85a8a06bffffffz/orders/1',
    '/eaas/9999999999999999/85a8a06bfffffff/orders/1',
    '/eaas/31337/85a8a06bfffffff/orders/1/',
  ];
  for (const topic of foreign) {
    it(`does not take "${topic}" for a topic`, () => expect(parseOrdersTopic(topic)).to.equal(null));
  }
});
