import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Wallet } from 'ethers';
import { writeFileAtomically } from '../../../node/keystore/write-file.ts';
import { createKeystore, hasKeystore, openKeystore } from '../../../node/keystore.ts';
import { exportPeerKey, peerIdOf } from '../../../sdk/p2p/key.ts';

const password = 'correct horse';
const scryptN = 1024;

describe('keystore', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'eaas-keystore-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const create = (init: { password?: string; accountKey?: string } = {}) =>
    createKeystore({ dir, password, scryptN, ...init });
  const codeOf = (attempt: Promise<unknown>) =>
    attempt.then(
      () => 'no error',
      (error) => error.code,
    );
  const file = (name: string) => join(dir, 'keystore', name);

  it('opens what it made', async () => {
    const made = await create();
    const opened = await openKeystore({ dir, password });
    expect(opened.wallet.privateKey).to.equal(made.wallet.privateKey);
    expect(exportPeerKey(opened.peerKey)).to.equal(exportPeerKey(made.peerKey));
    expect(await hasKeystore(dir)).to.equal(true);
  });

  it('makes different keys each time', async () => {
    const first = await create();
    await rm(join(dir, 'keystore'), { recursive: true });
    const second = await create();
    expect(second.wallet.address).not.to.equal(first.wallet.address);
    expect(peerIdOf(second.peerKey)).not.to.equal(peerIdOf(first.peerKey));
  });

  it('takes an account that exists already', async () => {
    const { privateKey, address } = Wallet.createRandom();
    expect((await create({ accountKey: privateKey })).wallet.address).to.equal(address);
    expect((await openKeystore({ dir, password })).wallet.address).to.equal(address);
  });

  it('stores the account as other wallets read it', async () => {
    const { wallet } = await create();
    const read = await Wallet.fromEncryptedJson(await readFile(file('account.json'), 'utf8'), password);
    expect(read.privateKey).to.equal(wallet.privateKey);
  });

  it('keeps the files to their owner, without the secrets in the clear, and leaves no drafts', async () => {
    const { wallet, peerKey } = await create();
    expect((await stat(join(dir, 'keystore'))).mode & 0o777).to.equal(0o700);
    expect((await readdir(join(dir, 'keystore'))).sort()).to.deep.equal(['account.json', 'peer.json']);
    for (const name of ['account.json', 'peer.json']) {
      expect((await stat(file(name))).mode & 0o777, name).to.equal(0o600);
      const text = await readFile(file(name), 'utf8');
      expect(text).not.to.contain(wallet.privateKey.slice(2)).and.not.to.contain(exportPeerKey(peerKey));
    }
  });

  it('takes the same password in another Unicode form', async () => {
    await create({ password: 'Caf\u00e9' });
    await openKeystore({ dir, password: 'Cafe\u0301' });
  });

  it('never replaces an account', async () => {
    await create();
    const before = await readFile(file('account.json'), 'utf8');
    expect(await codeOf(create())).to.equal('KEYSTORE_EXISTS');
    expect(await readFile(file('account.json'), 'utf8')).to.equal(before);
  });

  it('starts over when a crash left only the peer key', async () => {
    await create();
    await rm(file('account.json'));
    expect(await hasKeystore(dir)).to.equal(false);
    const { peerKey } = await create();
    expect(peerIdOf((await openKeystore({ dir, password })).peerKey)).to.equal(peerIdOf(peerKey));
  });

  const damages: { title: string; code: string; name: string; damage: (text: string) => string }[] = [
    { title: 'a cut account', code: 'KEYSTORE_CORRUPT', name: 'account.json', damage: (text) => text.slice(0, 50) },
    { title: 'a cut peer key', code: 'KEYSTORE_CORRUPT', name: 'peer.json', damage: (text) => text.slice(0, 50) },
    {
      title: 'a peer key under another name',
      code: 'KEYSTORE_PASSWORD_WRONG',
      name: 'peer.json',
      damage: (text) => text.replace('12D3', '12D4'),
    },
    {
      title: 'a peer key that asks for endless work',
      code: 'KEYSTORE_CORRUPT',
      name: 'peer.json',
      damage: (text) => text.replace('"n":1024', '"n":1073741824'),
    },
  ];
  for (const { title, code, name, damage } of damages) {
    it(`refuses ${title}`, async () => {
      await create();
      await writeFile(file(name), damage(await readFile(file(name), 'utf8')));
      expect(await codeOf(openKeystore({ dir, password }))).to.equal(code);
    });
  }

  it('says that the password is wrong, without saying it', async () => {
    await create();
    const error = await openKeystore({ dir, password: 'hunter2' }).catch((reason) => reason);
    expect(error).to.include({ code: 'KEYSTORE_PASSWORD_WRONG' });
    expect(error.remedy).to.contain('passwordFile');
    expect(JSON.stringify([error.message, error.context, error.stack, String(error.cause)])).not.to.contain('hunter2');
  });

  it('says where a keystore is missing, and how to make one', async () => {
    const error = await openKeystore({ dir, password }).catch((reason) => reason);
    expect(error).to.include({ code: 'KEYSTORE_MISSING' });
    expect(error.message).to.contain(dir);
    expect(error.remedy).to.contain('eaas init');
  });

  it('refuses an empty password', async () => {
    expect(await codeOf(create({ password: '' }))).to.equal('KEYSTORE_PASSWORD_EMPTY');
  });
});

describe('writeFileAtomically', () => {
  it('leaves the old file and no draft when it cannot put the new one in place', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'eaas-write-'));
    try {
      await mkdir(join(dir, 'target', 'inside'), { recursive: true });
      const failed = await writeFileAtomically(join(dir, 'target'), 'x').catch((error) => error.code);
      expect(failed).to.be.oneOf(['EISDIR', 'ENOTEMPTY', 'EEXIST']);
      expect(await readdir(dir)).to.deep.equal(['target']);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
