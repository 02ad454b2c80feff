import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { CID } from 'multiformats/cid';
import { META_EVIDENCE_FILE, metaEvidenceUri } from '../../../scripts/deploy/meta-evidence.ts';

describe('meta-evidence', () => {
  const file = () => readFile(join(import.meta.dirname, '../../..', META_EVIDENCE_FILE));

  it('is named by the digest of its bytes', async () => {
    const [, cid = ''] = (await metaEvidenceUri()).split('ipfs://');
    expect(Buffer.from(CID.parse(cid).multihash.digest)).to.deep.equal(
      createHash('sha256')
        .update(await file())
        .digest(),
    );
  });

  it('explains as many rulings as the escrow asks for', async () => {
    const { question, rulingOptions } = JSON.parse(String(await file()));
    expect(question).to.be.a('string').that.is.not.empty;
    expect(rulingOptions.titles).to.have.length(2);
    expect(rulingOptions.descriptions).to.have.length(2);
  });
});
