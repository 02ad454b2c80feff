/** An SMT-LIB expression: a symbol or literal, or a list. */
export type Term = string | Term[];

export function parseTerms(text: string): Term[] {
  const stack: Term[][] = [[]];
  for (const [token] of text.matchAll(/\|[^|]*\||"[^"]*"|[()]|[^\s()]+/g)) {
    if (token === '(') {
      stack.push([]);
    } else if (token === ')') {
      const done = stack.pop() ?? [];
      stack.at(-1)?.push(done);
    } else {
      stack.at(-1)?.push(token);
    }
  }
  return stack[0] ?? [];
}

export function printTerm(term: Term): string {
  return typeof term === 'string' ? term : `(${term.map(printTerm).join(' ')})`;
}

export function mentions(term: Term, symbol: string): boolean {
  return typeof term === 'string' ? term === symbol : term.some((part) => mentions(part, symbol));
}

/** The value of a natural number as text, or null. */
export function numeral(term: Term): bigint | null {
  return typeof term === 'string' && /^\d+$/.test(term) ? BigInt(term) : null;
}

/** The value of a term in which every symbol is known, or null. */
export function knownValue(term: Term, constants: Map<string, bigint>): bigint | null {
  if (typeof term === 'string') return numeral(term) ?? constants.get(term) ?? null;
  const complement = complementOf(term);
  if (complement) {
    const value = knownValue(complement.value, constants);
    return value === null ? null : (1n << BigInt(complement.bits)) - 1n - value;
  }
  if (term.length !== 3) return null;
  const [left, right] = term.slice(1).map((part) => knownValue(part, constants));
  if (left == null || right == null) return null;
  if (term[0] === '+') return left + right;
  if (term[0] === '-') return left - right;
  return term[0] === '*' ? left * right : null;
}

/** `~e` of an integer that is written as a bit-vector. */
function complementOf(term: Term[]): { value: Term; bits: number } | null {
  const operation = term[0] === 'bv2nat' ? term[1] : null;
  return Array.isArray(operation) && operation[0] === 'bvnot' ? conversion(operation[1] ?? '') : null;
}

/** `(ite (>= e 0) (int2bv e) (bvneg (int2bv (- e))))`: an integer as a bit-vector. */
export function conversion(term: Term): { value: Term; bits: number } | null {
  const positive = Array.isArray(term) && term[0] === 'ite' ? term[2] : null;
  const operator = Array.isArray(positive) ? positive[0] : null;
  if (!Array.isArray(positive) || !Array.isArray(operator) || operator[1] !== 'int2bv') return null;
  return { value: positive[1] ?? '', bits: Number(operator[2]) };
}

/** Symbols that equations fix to a number: `(= expr_12_0 208)`. */
export function constantsOf(equations: [string, Term][]): Map<string, bigint> {
  const constants = new Map<string, bigint>();
  for (let known = -1; known < constants.size; ) {
    known = constants.size;
    for (const [symbol, term] of equations) {
      const value = constants.get(symbol) ?? knownValue(term, constants);
      if (value === null) continue;
      constants.set(symbol, value);
      if (typeof term === 'string' && numeral(term) === null) constants.set(term, value);
    }
  }
  return constants;
}

/** The equations for symbols among the premises of an assertion. */
export function equationsOf(assertion: Term): [string, Term][] {
  return conjuncts(premise(assertion));
}

function conjuncts(term: Term): [string, Term][] {
  if (typeof term === 'string') return [];
  if (term[0] === 'and') return term.slice(1).flatMap(conjuncts);
  return term[0] === '=' && typeof term[1] === 'string' ? [[term[1], term[2] ?? '']] : [];
}

function premise(term: Term): Term {
  if (typeof term === 'string') return term;
  if (term[0] === 'assert' || term[0] === '=>') return term[0] === '=>' ? (term[1] ?? '') : premise(term[1] ?? '');
  return term[0] === 'forall' ? premise(term[2] ?? '') : term;
}
