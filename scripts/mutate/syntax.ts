/** What the mutators read of a node of the compiler's syntax tree. */
export interface Node {
  nodeType: string;
  /** `offset:length:file`, in bytes. */
  src: string;
  operator?: string;
  kind?: string;
  value?: string;
  memberName?: string;
  typeDescriptions?: { typeString?: string };
  leftExpression?: Node;
  rightExpression?: Node;
  leftHandSide?: Node;
  rightHandSide?: Node;
  subExpression?: Node;
  expression?: Node;
  condition?: Node;
  trueBody?: Node;
  falseBody?: Node;
  trueExpression?: Node;
  falseExpression?: Node;
  statements?: Node[];
  arguments?: Node[];
}

/** Characters of a source: from `start` to before `end`. */
export interface Place {
  start: number;
  end: number;
}

/** Nodes that are no code that runs, or whose change says nothing about behaviour. */
const SKIPPED = [
  'ImportDirective',
  'PragmaDirective',
  'InlineAssembly',
  'StructuredDocumentation',
  'ErrorDefinition',
  'EventDefinition',
  'StructDefinition',
  'EnumDefinition',
  'UsingForDirective',
  'InheritanceSpecifier',
];

export function childrenOf(node: Node): Node[] {
  return Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter((value): value is Node => typeof value?.nodeType === 'string' && !SKIPPED.includes(value.nodeType));
}
