import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { sha256 } from 'multiformats/hashes/sha2';
import { projectRoot } from '../root.ts';

/** What arbitrators read about every dispute (ERC-1497), in a checkout. */
export const META_EVIDENCE_FILE = 'scripts/deploy/meta-evidence.json';

/** Where it is found: the file as one raw IPFS block, as `ipfs add --cid-version=1` makes it. */
export async function metaEvidenceUri(): Promise<string> {
  const bytes = await readFile(join(projectRoot(), META_EVIDENCE_FILE));
  return `ipfs://${CID.createV1(raw.code, await sha256.digest(bytes))}`;
}
