import { createServer, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

interface Submission {
  stdJsonInput: { settings: Record<string, unknown> };
  /** `path:name` */
  contractIdentifier: string;
}

interface Place {
  start: number;
  length: number;
}

/**
 * A source verifier with the API of Sourcify (version 2). It does what the real one does: compiles what it is given, and
 * compares the code with the chain's, all but the immutables.
 */
export async function startVerifier(codeAt: (address: string) => Promise<string>) {
  const verified = new Set<string>();
  const contractOf = (address: string) => {
    const match = verified.has(address) ? 'exact_match' : null;
    return { match, creationMatch: match, runtimeMatch: match, chainId: '1', address };
  };
  const answerTo = async (request: IncomingMessage): Promise<[status: number, body: object]> => {
    const [, kind, id = '', address = ''] = /^\/v2\/(contract|verify)\/([^/]+)\/?(.*)$/.exec(request.url ?? '') ?? [];
    if (kind === 'contract') return [verified.has(address) ? 200 : 404, contractOf(address)];
    if (request.method === 'POST') {
      const submission = (await json(request)) as Submission;
      if (isCodeOf(submission, await codeAt(address))) verified.add(address);
      return [202, { verificationId: address }];
    }
    const done = { isJobCompleted: true, verificationId: id, jobStartTime: 'now', contract: contractOf(id) };
    const error = { customCode: 'no_match', message: 'The code is another one.', errorId: '1' };
    return [200, verified.has(id) ? done : { ...done, error }];
  };
  const server = createServer((request, response) => {
    const send = ([status, body]: [number, object]): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    answerTo(request).then(send, (error: Error) => {
      send([500, { customCode: 'internal_error', message: String(error.stack), errorId: '2' }]);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    verified,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

function isCodeOf({ stdJsonInput, contractIdentifier }: Submission, onChain: string): boolean {
  const [path = '', name = ''] = contractIdentifier.split(':');
  const outputSelection = { [path]: { [name]: ['evm.deployedBytecode'] } };
  const input = { ...stdJsonInput, settings: { ...stdJsonInput.settings, outputSelection } };
  const solc = createRequire(import.meta.url)('solc') as { compile(input: string): string };
  const { contracts, errors } = JSON.parse(solc.compile(JSON.stringify(input)));
  if (contracts === undefined) throw new Error(`it does not compile: ${JSON.stringify(errors)}`);
  const { object, immutableReferences } = contracts[path][name].evm.deployedBytecode;
  const places = Object.values(immutableReferences as Record<string, Place[]>).flat();
  return masked(object, places) === masked(onChain.slice(2), places);
}

function masked(code: string, places: Place[]): string {
  return places.reduce((text, { start, length }) => {
    return text.slice(0, 2 * start) + '0'.repeat(2 * length) + text.slice(2 * (start + length));
  }, code);
}
