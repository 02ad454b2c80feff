import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { HardhatPlugin } from 'hardhat/types/plugins';

/** One side of a condition; `tag` is what the chain reports when it was taken. */
export interface Branch {
  file: string;
  line: number;
  condition: string;
  side: boolean;
  tag: string;
}

/** A node of the compiler's syntax tree; `src` is start:length:file, in bytes. */
interface AstNode {
  nodeType: string;
  src: string;
  operator?: string;
  condition?: AstNode;
  leftExpression?: AstNode;
  rightExpression?: AstNode;
}

interface Solc {
  compile(input: string): string;
}

/** Where Hardhat's own coverage listens. */
const COVERAGE_ADDRESS = '0xc0bEc0BEc0BeC0bEC0beC0bEC0bEC0beC0beC0BE';
const SEEN = '__branchSeen';
/** Reports the tag, plus one where the condition holds, and hands the condition on. Pure for the compiler only. */
const LIBRARY = `
function ${SEEN}(bool condition, uint256 tag) pure returns (bool) {
    function(uint256) view report = ${SEEN}Report;
    function(uint256) pure reportPure;
    assembly { reportPure := report }
    reportPure(condition ? tag + 1 : tag);
    return condition;
}
function ${SEEN}Report(uint256 tag) view {
    assembly ("memory-safe") {
        let buffer := mload(0x40)
        mstore(buffer, tag)
        pop(staticcall(gas(), ${COVERAGE_ADDRESS}, buffer, 32, 0, 0))
    }
}
`;

/**
 * Hardhat counts statements only. This adds both sides of every `if`, of every `?:`, and of every operand of `&&` and
 * `||`, and writes to `reportFile` which there are. Hits end up among Hardhat's own, in coverage/data.
 */
export function branchCoverage(reportFile: string): HardhatPlugin {
  const branches = new Map<string, Branch[]>();
  return {
    id: 'branch-coverage',
    hookHandlers: {
      solidity: async () => ({
        default: async () => ({
          async preprocessProjectFileBeforeBuilding(context, sourceName, path, content, version, next) {
            const text = await next(context, sourceName, path, content, version);
            const file = sourceName.replace(/^project\//, '');
            if (!context.globalOptions.coverage || !isCounted(file)) return text;
            const marked = markBranches(file, text);
            branches.set(file, marked.branches);
            mkdirSync(dirname(reportFile), { recursive: true });
            writeFileSync(reportFile, JSON.stringify([...branches.values()].flat(), null, 2));
            return marked.text;
          },
        }),
      }),
    },
  };
}

/** Contracts that are deployed for users: not those for tests and local chains. */
export function isCounted(file: string): boolean {
  return file.startsWith('contracts/') && !/^contracts\/(mocks|local)\//.test(file);
}

/** Wraps every condition in a call that reports how it came out. Lines stay where they are. */
export function markBranches(file: string, text: string): { text: string; branches: Branch[] } {
  const bytes = Buffer.from(text);
  const branches: Branch[] = [];
  const edits: { at: number; order: number; insert: string }[] = [];
  for (const { start, end } of conditionsOf(parse(file, text))) {
    const condition = bytes.subarray(start, end).toString();
    const line = bytes.subarray(0, start).toString().split('\n').length;
    // The lowest bit is the side.
    const base = (BigInt(`0x${createHash('sha256').update(`${file}:${start}:${end}`).digest('hex')}`) >> 1n) << 1n;
    for (const side of [false, true]) {
      const tag = (base + (side ? 1n : 0n)).toString(16).padStart(64, '0');
      branches.push({ file, line, condition, side, tag });
    }
    // An outer condition opens before and closes after the inner ones that share its start or end.
    edits.push({ at: start, order: -(end - start), insert: `${SEEN}(` });
    edits.push({ at: end, order: end - start, insert: `, ${base})` });
  }
  if (branches.length === 0) return { text, branches };
  edits.sort((a, b) => a.at - b.at || a.order - b.order);
  let [marked, from] = ['', 0];
  for (const { at, insert } of edits) {
    marked += bytes.subarray(from, at).toString() + insert;
    from = at;
  }
  return { text: marked + bytes.subarray(from).toString() + LIBRARY, branches };
}

function parse(file: string, text: string): AstNode {
  const solc: Solc = createRequire(import.meta.url)('solc');
  const settings = { stopAfter: 'parsing', outputSelection: { '*': { '': ['ast'] } } };
  const output = JSON.parse(
    solc.compile(JSON.stringify({ language: 'Solidity', sources: { [file]: { content: text } }, settings })),
  );
  const ast: AstNode | undefined = output.sources?.[file]?.ast;
  if (ast === undefined) throw new Error(`${file}: ${output.errors?.[0]?.formattedMessage}`);
  return ast;
}

/** Start and end of every condition below a node, each once. */
function conditionsOf(root: AstNode): { start: number; end: number }[] {
  const found = new Map<string, { start: number; end: number }>();
  const add = (node: AstNode | undefined): void => {
    if (node === undefined) return;
    const [start = 0, length = 0] = node.src.split(':').map(Number);
    found.set(node.src, { start, end: start + length });
  };
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const node = value as AstNode;
    if (node.nodeType === 'IfStatement' || node.nodeType === 'Conditional') add(node.condition);
    if (node.nodeType === 'BinaryOperation' && (node.operator === '&&' || node.operator === '||')) {
      add(node.leftExpression);
      add(node.rightExpression);
    }
    Object.values(node).forEach(visit);
  };
  visit(root);
  return [...found.values()];
}
