import { childrenOf, type Node, type Place } from './syntax.ts';

/** One change of a source. */
export interface Mutant {
  /** Stable: the source, the place and the operator name it. */
  id: string;
  source: string;
  line: number;
  operator: string;
  from: string;
  to: string;
  start: number;
  end: number;
}

type Edit = Place & { operator: string; to: string };
/** `text` gives a node's source; `place` where it is, in characters. */
interface Source {
  text: (node: Node) => string;
  place: (node: Node) => Place;
}
type Operator = (node: Node, source: Source) => Edit[];

const OTHER_ARITHMETIC: Record<string, string[]> = {
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '<<': ['>>'],
  '>>': ['<<'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
};
const OTHER_COMPARISON: Record<string, string[]> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '==': ['!='],
  '!=': ['=='],
};
const OTHER_BOOLEAN: Record<string, string[]> = { '&&': ['||'], '||': ['&&'] };
const OTHER_ASSIGNMENT: Record<string, string[]> = { '+=': ['-=', '='], '-=': ['+=', '='], '|=': ['&='], '&=': ['|='] };
/** A statement that does nothing; what stood there ended in a semicolon, which the compiler does not count to it. */
const NOTHING = 'assert(true)';
/** Members of one type that are easily taken for each other. */
const TWINS: Record<string, string> = {
  customer: 'provider',
  provider: 'customer',
  customerStake: 'providerStake',
  providerStake: 'customerStake',
  claimedAt: 'respondBy',
  respondBy: 'claimedAt',
  honoured: 'breached',
  breached: 'honoured',
  openBy: 'endsAt',
  endsAt: 'openBy',
};

const removed =
  (operator: string, to: string): Operator =>
  (node, { place }) => [{ ...place(node), operator, to }];

/** Replaces the operator between two operands: what is between them is white space and the operator. */
function between(operator: string, others: Record<string, string[]>): Operator {
  return (node, { place }) => {
    const left = node.leftExpression ?? node.leftHandSide;
    const right = node.rightExpression ?? node.rightHandSide;
    if (!left || !right || !node.operator) return [];
    const [start, end] = [place(left).end, place(right).start];
    return (others[node.operator] ?? []).map((other) => ({ start, end, operator, to: ` ${other} ` }));
  };
}

const isRevert = (node: Node | undefined): boolean =>
  node?.nodeType === 'RevertStatement' || (node?.nodeType === 'Block' && isRevert(node.statements?.[0]));

const branches: Operator = (node, { text, place }) => {
  const { condition, trueBody, falseBody } = node;
  if (!condition || !trueBody) return [];
  if (isRevert(trueBody) && !falseBody) {
    const to = trueBody.nodeType === 'Block' ? '{}' : NOTHING;
    return [{ ...place(node), operator: 'check-removal', to }];
  }
  const forced = ['true', 'false'].map((to) => ({ ...place(condition), operator: 'condition', to }));
  if (!falseBody) return forced;
  const swapped = `if (${text(condition)}) ${text(falseBody)} else ${text(trueBody)}`;
  return [...forced, { ...place(node), operator: 'branch-swap', to: swapped }];
};

const choice: Operator = (node, { text, place }) => {
  const { condition, trueExpression, falseExpression } = node;
  if (!condition || !trueExpression || !falseExpression) return [];
  const to = `${text(condition)} ? ${text(falseExpression)} : ${text(trueExpression)}`;
  return [{ ...place(node), operator: 'branch-swap', to }];
};

const literal: Operator = (node, { place }) => {
  if (node.kind === 'bool') return [{ ...place(node), operator: 'constant', to: String(node.value !== 'true') }];
  if (node.kind !== 'number' || !/^[\d_]+$/.test(node.value ?? '')) return [];
  const value = BigInt((node.value ?? '').replaceAll('_', ''));
  const others = value === 0n ? [1n] : [value + 1n, 0n];
  return others.map((other) => ({ ...place(node), operator: 'constant', to: String(other) }));
};

/** Neighbouring arguments of one type, swapped. */
const argumentSwap: Operator = (node, { text, place }) => {
  const args = node.arguments ?? [];
  return args.slice(1).flatMap((right, index) => {
    const left = args[index];
    const sameType = left?.typeDescriptions?.typeString === right.typeDescriptions?.typeString;
    if (!left || !sameType || text(left) === text(right)) return [];
    const to = `${text(right)}, ${text(left)}`;
    return [{ start: place(left).start, end: place(right).end, operator: 'argument-swap', to }];
  });
};

const memberSwap: Operator = (node, { text, place }) => {
  const twin = TWINS[node.memberName ?? ''];
  if (!twin || !node.expression) return [];
  return [{ ...place(node), operator: 'member-swap', to: `${text(node.expression)}.${twin}` }];
};

const unary: Operator = (node, { text, place }) => {
  if (!node.subExpression) return [];
  const inner = text(node.subExpression);
  const other: Record<string, [string, string]> = {
    '!': ['boolean', inner],
    '~': ['arithmetic', inner],
    '++': ['increment', `--${inner}`],
    '--': ['increment', `++${inner}`],
  };
  const found = other[node.operator ?? ''];
  return found ? [{ ...place(node), operator: found[0], to: found[1] }] : [];
};

const returned: Operator = (node, { text, place }) => {
  const value = node.expression;
  const type = value?.typeDescriptions?.typeString ?? '';
  if (!value) return [];
  if (type === 'bool') return [{ ...place(value), operator: 'return', to: `!(${text(value)})` }];
  return /^uint\d+$/.test(type) ? [{ ...place(value), operator: 'return', to: '0' }] : [];
};

const OPERATORS: Record<string, Operator[]> = {
  BinaryOperation: [
    between('arithmetic', OTHER_ARITHMETIC),
    between('comparison', OTHER_COMPARISON),
    between('boolean', OTHER_BOOLEAN),
  ],
  Assignment: [between('assignment', OTHER_ASSIGNMENT)],
  UnaryOperation: [unary],
  IfStatement: [branches],
  Conditional: [choice],
  ExpressionStatement: [removed('statement-deletion', NOTHING)],
  EmitStatement: [removed('statement-deletion', NOTHING)],
  ModifierInvocation: [removed('modifier-removal', '')],
  Literal: [literal],
  FunctionCall: [argumentSwap],
  MemberAccess: [memberSwap],
  Return: [returned],
};

/** Every mutant of a source, by place and then by operator. */
export function mutantsOf(path: string, content: string, ast: Node): Mutant[] {
  // The compiler counts bytes.
  const bytes = Buffer.from(content);
  const place = (node: Node): Place => {
    const [offset = 0, length = 0] = node.src.split(':').map(Number);
    const start = bytes.subarray(0, offset).toString().length;
    return { start, end: start + bytes.subarray(offset, offset + length).toString().length };
  };
  const source: Source = { place, text: (node) => content.slice(place(node).start, place(node).end) };
  const edits: Edit[] = [];
  const visit = (node: Node): void => {
    for (const operator of OPERATORS[node.nodeType] ?? []) edits.push(...operator(node, source));
    childrenOf(node).forEach(visit);
  };
  visit(ast);
  return edits
    .map(({ start, end, operator, to }) => {
      const line = content.slice(0, start).split('\n').length;
      const id = `${path}:${start}-${end}:${operator}:${to}`;
      return { id, source: path, line, operator, from: content.slice(start, end), to, start, end };
    })
    .sort((a, b) => a.start - b.start || (a.id < b.id ? -1 : 1));
}

export function applyMutant(content: string, { start, end, to }: Mutant): string {
  return content.slice(0, start) + to + content.slice(end);
}
