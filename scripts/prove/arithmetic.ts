/**
 * The SMTChecker writes every bit operation on a word as bit-vectors of 256 bits between conversions from and to
 * integers, on which Z3's Horn engine gives up. This writes them as the integer arithmetic that they mean. Every rule
 * is an equality. An operation that no rule covers may have any result: what is proved stays proved, and what is found
 * violated may be the fault of the missing rule.
 */
import {
  constantsOf,
  conversion,
  equationsOf,
  knownValue,
  mentions,
  parseTerms,
  printTerm,
  type Term,
} from './terms.ts';

/** Widths and masks that the contracts use, for operations whose operand is a parameter. */
const SHIFTS = [0, 1, 2, 3, 4, 5, 6, 8, 32, 40, 48, 96, 176, 208, 224, 240].map(BigInt);
const MASKS = [1, 2, 4, 8, 16, 32, 64, 6, 22, 30, 62, 80].map(BigInt);
const WORD_BITS = 256;
const MOST_RUNS = 4;

/** What is known while one assertion is rewritten. */
interface Scope {
  constants: Map<string, bigint>;
  /** What symbols were defined as. */
  definitions: Map<string, Term>;
  /** Symbols that stand for any integer. */
  unknowns: string[];
  newName: () => string;
}

/** Rewrites a whole query, assertion by assertion. */
export function withoutBitVectors(query: string): string {
  let names = 0;
  const newName = () => `any_${names++}`;
  return parseTerms(query)
    .map((command) => (mentions(command, 'bv2nat') ? rewriteAssertion(command, newName) : printTerm(command)))
    .join('\n');
}

function rewriteAssertion(assertion: Term, newName: () => string): string {
  const equations = equationsOf(assertion);
  const scope: Scope = {
    constants: constantsOf(equations),
    definitions: new Map(equations),
    unknowns: [],
    newName,
  };
  const rewritten = rewrite(assertion, scope);
  const quantified = rewritten[1];
  if (Array.isArray(quantified) && quantified[0] === 'forall' && Array.isArray(quantified[1])) {
    quantified[1].push(...scope.unknowns.map((name): Term => [name, 'Int']));
    return printTerm(rewritten);
  }
  return [...scope.unknowns.map((name) => `(declare-fun ${name} () Int)`), printTerm(rewritten)].join('\n');
}

function rewrite(term: Term, scope: Scope): Term {
  if (typeof term === 'string') return term;
  if (term[0] !== 'bv2nat') return term.map((part) => rewrite(part, scope));
  const cast = conversion(term[1] ?? '');
  if (cast) return ['mod', rewrite(cast.value, scope), String(1n << BigInt(cast.bits))];
  return integer(term[1] ?? '', scope) ?? anything(scope);
}

/** The integer that a bit-vector stands for. Its operands are within their types: the query says so of each. */
function integer(term: Term, scope: Scope): Term | null {
  if (typeof term === 'string') return null;
  const cast = conversion(term);
  if (cast) return rewrite(cast.value, scope);

  const size = 1n << BigInt(widthOf(term));
  const [left, right] = term.slice(1).map((operand) => integer(operand, scope));
  if (term[0] === 'bvnot' && left) return ['-', String(size - 1n), left];
  if (!left || !right) return null;
  const operator = String(term[0]);
  const commutes = operator === 'bvand' || operator === 'bvor';
  const swap = commutes && knownValue(right, scope.constants) === null && knownValue(left, scope.constants) !== null;
  return swap ? operation(operator, right, left, size, scope) : operation(operator, left, right, size, scope);
}

function widthOf(term: Term): number {
  const cast = conversion(term);
  if (cast) return cast.bits;
  return typeof term === 'string' ? WORD_BITS : widthOf(term[1] ?? '');
}

function operation(operator: string, left: Term, right: Term, size: bigint, scope: Scope): Term | null {
  const rule = RULES[operator];
  if (!rule) return null;
  const known = knownValue(right, scope.constants);
  // Named, because rules repeat their operand and operations nest.
  return named('w', left, (word) => {
    if (known !== null) return rule(word, known, size);
    return named('n', right, (number) => {
      const cases = operator === 'bvshl' || operator === 'bvlshr' ? SHIFTS : MASKS;
      let chain = anything(scope);
      for (const value of cases) {
        const then = rule(word, value, size);
        if (then) chain = ['ite', ['=', number, String(value)], then, chain];
      }
      return operator === 'bvor' ? sumOfFields(word, number, chain, shiftsOf([left, right], scope)) : chain;
    });
  });
}

/** By how much the operands were shifted to the left, where that is known. */
function shiftsOf(operands: Term[], scope: Scope): bigint[] {
  return operands.flatMap((operand) => {
    let defined: Term | undefined = operand;
    while (typeof defined === 'string') defined = scope.definitions.get(defined);
    const shift = Array.isArray(defined) && defined[0] === 'bv2nat' ? defined[1] : undefined;
    if (!Array.isArray(shift) || shift[0] !== 'bvshl') return [];
    const by = conversion(shift[2] ?? '');
    const known = by && knownValue(by.value, scope.constants);
    return known === null ? [] : [known];
  });
}

/** `a | b` where no bit is set in both because they are fields of one word: their sum. */
function sumOfFields(word: Term, number: Term, otherwise: Term, shifts: bigint[]): Term {
  let chain = otherwise;
  for (const shift of shifts) {
    const field = String(1n << shift);
    for (const [low, high] of [
      [word, number],
      [number, word],
    ] as const) {
      const apart = ['and', ['<=', '0', low], ['<', low, field], ['=', ['mod', high, field], '0']];
      chain = ['ite', apart, ['+', low, high], chain];
    }
  }
  return chain;
}

function anything(scope: Scope): Term {
  const name = scope.newName();
  scope.unknowns.push(name);
  return name;
}

function named(name: string, value: Term, use: (name: Term) => Term | null): Term | null {
  if (typeof value === 'string') return use(value);
  const result = use(name);
  return result && ['let', [[name, value]], result];
}

type Rule = (left: Term, value: bigint, size: bigint) => Term | null;
const RULES: Record<string, Rule> = {
  bvshl: (left, by, size) => ['mod', ['*', left, String(1n << by)], String(size)],
  bvlshr: (left, by) => (by === 0n ? left : ['div', left, String(1n << by)]),
  bvand: masked,
  bvor: (left, mask, size) => {
    const kept = masked(left, mask, size);
    return kept && ['+', ['-', left, kept], String(mask)];
  },
};

/** A mask is a few runs of ones: each run of a word is a difference of two remainders. */
function masked(left: Term, mask: bigint, size: bigint): Term | null {
  if (mask === 0n) return '0';
  const sum: Term[] = [];
  for (let at = 0n, rest = mask; rest > 0n; ) {
    while ((rest & 1n) === 0n) [rest, at] = [rest >> 1n, at + 1n];
    const from = at;
    while ((rest & 1n) === 1n) [rest, at] = [rest >> 1n, at + 1n];
    const upTo: Term = 1n << at === size ? left : ['mod', left, String(1n << at)];
    sum.push(from === 0n ? upTo : ['-', upTo, ['mod', left, String(1n << from)]]);
  }
  if (sum.length > MOST_RUNS) return null;
  return sum.length === 1 ? (sum[0] ?? null) : ['+', ...sum];
}
