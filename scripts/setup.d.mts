/** Types of `setup.mjs`, which must stay plain JavaScript. */
export interface SetupStep {
  name: string;
  says: string;
  output: string;
  perform: () => Promise<void>;
}
export function hashOf(root: string, paths: string[], accepts?: (path: string) => boolean): string;
export function fingerprints(root: string): { install: string; contracts: string; node: string };
export function remedyFor(output: string): string;
export function outerPath(path: string): string;
export function setUp(root: string, options?: { plan?: SetupStep[]; say?: (line: string) => void }): Promise<void>;
