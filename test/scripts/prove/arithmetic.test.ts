import { expect } from 'chai';
import fc from 'fast-check';
import { withoutBitVectors } from '../../../scripts/prove/arithmetic.ts';
import { parseTerms, type Term } from '../../../scripts/prove/terms.ts';

const WORD = 1n << 256n;
const word = fc.bigInt({ min: 0n, max: WORD - 1n });
const bits = (term: string, width = 256) =>
  `(ite (>= ${term} 0) ((_ int2bv ${width}) ${term}) (bvneg ((_ int2bv ${width}) (- ${term}))))`;

/** The right-hand side of `result = …` after rewriting, computed. */
function evaluated(operation: string, values: Record<string, bigint>, premises = ''): bigint | boolean {
  const query = `(assert (and (= result (bv2nat ${operation})) ${premises} true))`;
  const assertion = parseTerms(withoutBitVectors(query)).find((term) => term[0] === 'assert') as Term[];
  const equation = (assertion[1] as Term[])[1] as Term[];
  return evaluate(equation[2] ?? '', values);
}

function evaluate(term: Term, values: Record<string, bigint>): bigint {
  if (typeof term === 'string') {
    const value = /^\d+$/.test(term) ? BigInt(term) : values[term];
    if (value === undefined) throw new Error(`${term} has no value: no rule covers the operation`);
    return value;
  }
  const [operator, ...parts] = term;
  if (operator === 'ite')
    return holds(parts[0] ?? '', values) ? evaluate(parts[1] ?? '', values) : evaluate(parts[2] ?? '', values);
  if (operator === 'let') {
    const [[name, value]] = parts[0] as [[string, Term]];
    return evaluate(parts[1] ?? '', { ...values, [name]: evaluate(value, values) });
  }
  const [left = 0n, ...rest] = parts.map((part) => evaluate(part, values));
  const apply: Record<string, (a: bigint, b: bigint) => bigint> = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    div: (a, b) => a / b,
    mod: (a, b) => a % b,
  };
  const operation = apply[String(operator)];
  if (!operation) throw new Error(`${operator}: unknown`);
  return rest.reduce(operation, left);
}

function holds(term: Term, values: Record<string, bigint>): boolean {
  const [operator, ...parts] = term as Term[];
  if (operator === 'and') return parts.every((part) => holds(part, values));
  const [left = 0n, right = 0n] = parts.map((part) => evaluate(part, values));
  if (operator === '=') return left === right;
  return operator === '<' ? left < right : left <= right;
}

describe('the arithmetic of bit operations', () => {
  for (const by of [0n, 8n, 48n, 96n, 240n]) {
    it(`shifts by ${by} as the machine does, given as a constant or as a parameter`, () => {
      fc.assert(
        fc.property(word, (x) => {
          for (const premise of [`(= y ${by})`, '']) {
            const values = { x, y: by };
            expect(evaluated(`(bvlshr ${bits('x')} ${bits('y')})`, values, premise)).to.equal(x >> by);
            expect(evaluated(`(bvshl ${bits('x')} ${bits('y')})`, values, premise)).to.equal((x << by) % WORD);
          }
        }),
      );
    });
  }

  for (const mask of [1n, 16n, 22n, 62n]) {
    it(`masks with ${mask}, on either side`, () => {
      fc.assert(
        fc.property(word, (x) => {
          for (const premise of [`(= y ${mask})`, '']) {
            const values = { x, y: mask };
            expect(evaluated(`(bvand ${bits('x')} ${bits('y')})`, values, premise)).to.equal(x & mask);
            expect(evaluated(`(bvor ${bits('x')} ${bits('y')})`, values, premise)).to.equal(x | mask);
          }
          expect(evaluated(`(bvand ${bits('y')} ${bits('x')})`, { x, y: mask }, `(= y ${mask})`)).to.equal(x & mask);
        }),
      );
    });
  }

  it('clears with a complement, and narrows', () => {
    fc.assert(
      fc.property(word, (x) => {
        const premises = `(= y (bv2nat (bvnot ${bits('flags')}))) (= flags 255)`;
        expect(evaluated(`(bvand ${bits('x')} ${bits('y')})`, { x }, premises)).to.equal((x >> 8n) << 8n);
        expect(evaluated(bits('x', 96), { x })).to.equal(x % (1n << 96n));
      }),
    );
  });

  it('joins fields that do not overlap', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }),
        fc.bigInt({ min: 0n, max: (1n << 160n) - 1n }),
        (low, high) => {
          const premises = `(= shifted (bv2nat (bvshl ${bits('high')} ${bits('width')}))) (= width 32)`;
          const values = { low, shifted: high << 32n };
          expect(evaluated(`(bvor ${bits('shifted')} ${bits('low')})`, values, premises)).to.equal((high << 32n) | low);
        },
      ),
    );
  });

  it('leaves the result open where it has no rule', () => {
    const rewritten = withoutBitVectors(
      `(assert (forall ((r Int)) (=> (= r (bv2nat (bvxor ${bits('r')} ${bits('r')}))) h)))`,
    );
    expect(rewritten).to.equal('(assert (forall ((r Int) (any_0 Int)) (=> (= r any_0) h)))');
  });
});
