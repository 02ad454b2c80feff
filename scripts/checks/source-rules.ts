import { posix } from 'node:path';
import ts from 'typescript';

export interface Problem {
  file: string;
  line: number;
  rule: string;
  message: string;
}

type Report = (node: ts.Node, rule: string, message: string) => void;

const MAX_FUNCTION_LINES = 40;
const CLOCK = 'node/clock.ts';
const PURE = ['market', 'arbitrator'];
/** Computation only; everything else of Node reaches outside the process or keeps time. */
const PURE_NODE_MODULES = ['node:crypto', 'node:buffer', 'node:util'];
const IMPURE_PACKAGES = /^(level|classic-level|libp2p|helia|@helia\/|fastify|dockerode|pino|undici|blockstore-)/;
const IMPURE_LIBP2P = /^@libp2p\/(?!crypto|peer-id|interface)/;
const IMPURE_NAMES = /(Provider|Socket)$|^random|^(Contract|ContractFactory)$/;
const TIMERS = ['setTimeout', 'setInterval', 'setImmediate'];

/** What one TypeScript or JavaScript file does that the project's rules forbid. `folders` are in import order. */
export function sourceProblems(file: string, text: string, folders: string[]): Problem[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const problems: Problem[] = [];
  const add = (position: number, rule: string, message: string) => {
    problems.push({ file, line: source.getLineAndCharacterOfPosition(position).line + 1, rule, message });
  };
  const report: Report = (node, rule, message) => add(node.getStart(source), rule, message);
  const folder = file.split('/')[0] ?? '';
  const visit = (node: ts.Node) => {
    checkImport(node, file, folder, folders, report);
    checkDefaultExport(node, report);
    if (folder !== 'test') checkClock(node, file, report);
    if (PURE.includes(folder)) checkPure(node, report);
    if (folder !== 'test') checkFunctionSize(node, source, report);
    ts.forEachChild(node, visit);
  };
  visit(source);
  for (const { pos, text: comment } of comments(source)) {
    if (/\b(TODO|FIXME)\b(?!\(#\d+\))/.test(comment)) add(pos, 'todo', 'name the issue: TODO(#12)');
  }
  return problems;
}

function checkImport(node: ts.Node, file: string, folder: string, folders: string[], report: Report): void {
  const from = importedFrom(node);
  if (from === null) return;
  if (!from.startsWith('.')) {
    if (PURE.includes(folder)) checkPureImport(node, from, report);
    return;
  }
  if (!/\.(ts|mjs|js|json)$/.test(from)) report(node, 'import', `relative imports name the file: ${from}.ts`);
  const target = posix.join(posix.dirname(file), from).split('/')[0] ?? '';
  if (folder === 'test') return;
  if (target === 'test' || folders.indexOf(target) > folders.indexOf(folder)) {
    report(node, 'import', `${folder}/ must not import from ${target}/ (${folders.join(' ← ')})`);
  }
}

function importedFrom(node: ts.Node): string | null {
  if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
    return ts.isStringLiteral(node.moduleSpecifier) ? node.moduleSpecifier.text : null;
  }
  if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) return null;
  const [argument] = node.arguments;
  return argument && ts.isStringLiteral(argument) ? argument.text : null;
}

function checkPureImport(node: ts.Node, from: string, report: Report): void {
  const impureModule = from.startsWith('node:') && !PURE_NODE_MODULES.includes(from);
  if (impureModule || IMPURE_PACKAGES.test(from) || IMPURE_LIBP2P.test(from)) {
    report(node, 'pure', `a pure folder must not import ${from}: take what you need as a parameter`);
  }
  if (!ts.isImportDeclaration(node) || !node.importClause?.namedBindings) return;
  if (!ts.isNamedImports(node.importClause.namedBindings)) return;
  for (const { name, propertyName } of node.importClause.namedBindings.elements) {
    const imported = (propertyName ?? name).text;
    if (IMPURE_NAMES.test(imported)) report(node, 'pure', `a pure folder must not import ${imported} of ${from}`);
  }
}

function checkDefaultExport(node: ts.Node, report: Report): void {
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  const isDefault = modifiers.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword);
  if (ts.isExportAssignment(node) || isDefault) report(node, 'default-export', 'export by name');
}

function checkClock(node: ts.Node, file: string, report: Report): void {
  if (file === CLOCK || file.endsWith('.mjs')) return;
  const from = importedFrom(node);
  if (from?.startsWith('node:timers') || from?.startsWith('timers')) report(node, 'clock', `only ${CLOCK} uses timers`);
  if (ts.isIdentifier(node) && TIMERS.includes(node.text) && !isMember(node)) {
    report(node, 'clock', `take a Clock: only ${CLOCK} calls ${node.text}`);
  }
  const isDateNow = ts.isPropertyAccessExpression(node) && node.getText() === 'Date.now';
  const isNewDate = ts.isNewExpression(node) && node.getText().replace(/\(\)$/, '') === 'new Date';
  if (isDateNow || isNewDate) report(node, 'clock', `take a Clock: only ${CLOCK} asks for the time`);
}

/** True for the name part of `object.name` and for the name of a property or method. */
function isMember(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent))
    return parent.name === node && parent.expression.getText() !== 'globalThis';
  return ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent) || ts.isPropertySignature(parent);
}

const IMPURE_GLOBALS = ['Math.random', 'performance.now', 'crypto.getRandomValues', 'crypto.randomUUID'];

function checkPure(node: ts.Node, report: Report): void {
  if (ts.isPropertyAccessExpression(node) && IMPURE_GLOBALS.includes(node.getText())) {
    report(node, 'pure', `a pure folder must not use ${node.getText()}: take it as a parameter`);
  }
  if (ts.isIdentifier(node) && ['process', 'fetch', 'console'].includes(node.text) && isGlobalUse(node)) {
    report(node, 'pure', `a pure folder must not use ${node.text}`);
  }
}

/** `fetch(…)` or `process.env`, not a member, parameter or property of that name. */
function isGlobalUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isCallExpression(parent)) return parent.expression === node;
  return ts.isPropertyAccessExpression(parent) && parent.expression === node;
}

function checkFunctionSize(node: ts.Node, source: ts.SourceFile, report: Report): void {
  if (!ts.isFunctionLike(node) || !('body' in node) || !node.body) return;
  const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
  const last = source.getLineAndCharacterOfPosition(node.end).line;
  const lines = last - first + 1;
  if (lines > MAX_FUNCTION_LINES) report(node, 'function-size', `${lines} lines, ${MAX_FUNCTION_LINES} allowed`);
}

/** Every comment once. Walks the tokens, because a bare scanner takes parts of regular expressions for comments. */
function comments(source: ts.SourceFile): { pos: number; text: string }[] {
  const found = new Map<number, string>();
  const visit = (node: ts.Node) => {
    const children = node.getChildren(source);
    if (children.length > 0) return children.forEach(visit);
    const leading = ts.getLeadingCommentRanges(source.text, node.pos) ?? [];
    const trailing = ts.getTrailingCommentRanges(source.text, node.end) ?? [];
    for (const { pos, end } of [...leading, ...trailing]) found.set(pos, source.text.slice(pos, end));
  };
  visit(source);
  return [...found].map(([pos, text]) => ({ pos, text }));
}
