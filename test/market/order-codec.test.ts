import { expect } from 'chai';
import { Signature } from 'ethers';
import fc from 'fast-check';
import { canonicalJson } from '../../market/canonical.ts';
import { signerOf } from '../../market/eip712.ts';
import { decodeOrder, encodeOrder, MAX_ORDER_BYTES } from '../../market/order-codec.ts';
import type { SignedOffer, SignedOrder } from '../../market/orders.ts';
import { signDemand, signOffer } from '../../market/sign-order.ts';
import { CUSTOMER, DOMAIN, PROVIDER, saltOf, sampleDemand, sampleOffer } from './samples.ts';

const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

describe('sign-order', () => {
  it('signs offers and demands that their owners can be recovered from', async () => {
    const offer = await signOffer(PROVIDER, sampleOffer());
    const demand = await signDemand(CUSTOMER, sampleDemand());
    expect(signerOf(DOMAIN, 'Offer', offer.order, offer.signature)).to.equal(PROVIDER.address);
    expect(signerOf(DOMAIN, 'Demand', demand.order, demand.signature)).to.equal(CUSTOMER.address);
  });

  it('recovers somebody else for another chain, another escrow or an altered price', async () => {
    const { order, signature } = await signOffer(PROVIDER, sampleOffer());
    const others = [
      signerOf({ ...DOMAIN, chainId: 1 }, 'Offer', order, signature),
      signerOf({ ...DOMAIN, verifyingContract: CUSTOMER.address }, 'Offer', order, signature),
      signerOf(DOMAIN, 'Offer', { ...order, activeWeiPerSec: 999n }, signature),
    ];
    for (const other of others) expect(other).to.not.equal(PROVIDER.address);
  });

  it('gives null for bytes that are no signature', () => {
    expect(signerOf(DOMAIN, 'Offer', sampleOffer(), '0x00')).to.equal(null);
  });

  it('does not sign for somebody else', async () => {
    const error = await signOffer(CUSTOMER, sampleOffer()).catch((thrown: unknown) => thrown);
    expect(error).to.have.property('code', 'ORDER_SIGNER_MISMATCH');
  });
});

describe('order-codec', () => {
  let offer: SignedOffer;
  before(async () => {
    offer = await signOffer(PROVIDER, sampleOffer());
  });
  const toBytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const toText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

  it('gives back what went in', async () => {
    const demand = await signDemand(CUSTOMER, sampleDemand());
    for (const signed of [offer, demand]) expect(decodeOrder(encodeOrder(signed))).to.deep.equal(signed);
  });

  it('gives back any offer', () => {
    const money = fc.bigInt({ min: 0n, max: 2n ** 104n - 1n });
    fc.assert(
      fc.property(money, money, fc.nat(), fc.string({ minLength: 16, maxLength: 64 }), (a, b, salt, peerId) => {
        const order = sampleOffer({ standbyWeiPerSec: a, maxProviderStake: b, salt: saltOf(salt), peerId });
        const signed: SignedOrder = { ...offer, order };
        expect(decodeOrder(encodeOrder(signed))).to.deep.equal(signed);
      }),
    );
  });

  it('takes one byte form only: any other spelling of the same order is refused', () => {
    const text = toText(encodeOrder(offer));
    const spellings: [name: string, text: string][] = [
      ['white space', text.replace('{', '{ ')],
      ['line end', `${text}\n`],
      ['byte order mark', `\ufeff${text}`],
      ['other key order', `{"order":${canonicalJson(offer.order)},"kind":"offer","signature":"${offer.signature}"}`],
      ['amount with a leading zero', text.replace('"activeWeiPerSec":"1000"', '"activeWeiPerSec":"01000"')],
      ['amount as a number', text.replace('"activeWeiPerSec":"1000"', '"activeWeiPerSec":1000')],
      ['number with an exponent', text.replace('"uptimePermille":995', '"uptimePermille":9.95e2')],
      ['escaped letter', text.replace('"ethernet"', '"\\u0065thernet"')],
      ['address in small letters', text.replace(offer.order.provider, offer.order.provider.toLowerCase())],
      ['repeated key', text.replace('"kind":"offer"', '"kind":"offer","kind":"offer"')],
      ['extra member', text.replace('"kind"', '"extra":1,"kind"')],
    ];
    for (const [name, other] of spellings) {
      expect(other, name).to.not.equal(text);
      expect(decodeOrder(toBytes(other)), name).to.equal(null);
    }
  });

  it('takes one form of a signature only', () => {
    const { r, s, v, yParity, compactSerialized } = Signature.from(offer.signature);
    const highS = (CURVE_ORDER - BigInt(s)).toString(16).padStart(64, '0');
    const forms: [name: string, signature: string][] = [
      ['compact', compactSerialized],
      ['high s', `${r}${highS}${v === 27 ? '1c' : '1b'}`],
      ['parity for v', `${r}${s.slice(2)}0${yParity}`],
      ['empty', '0x'],
    ];
    for (const [name, signature] of forms) {
      expect(decodeOrder(toBytes(canonicalJson({ ...offer, signature }))), name).to.equal(null);
    }
  });

  it('finds nothing in noise, in truncated orders or in too many bytes', () => {
    const bytes = encodeOrder(offer);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => decodeOrder(noise) === null));
    fc.assert(fc.property(fc.nat(bytes.length - 1), (length) => decodeOrder(bytes.slice(0, length)) === null));
    expect(decodeOrder(new Uint8Array(MAX_ORDER_BYTES + 1))).to.equal(null);
    expect(decodeOrder(toBytes('['.repeat(MAX_ORDER_BYTES)))).to.equal(null);
  });

  it('writes addresses with checksums whatever it was given', () => {
    const order = { ...offer.order, provider: offer.order.provider.toLowerCase() };
    expect(encodeOrder({ ...offer, order })).to.deep.equal(encodeOrder(offer));
  });

  it('does not write what nobody would take', () => {
    const addrs = Array.from({ length: 8 }, () => '\u0001'.repeat(256));
    const order = sampleOffer({ addrs });
    expect(() => encodeOrder({ ...offer, order }))
      .to.throw()
      .with.property('code', 'ORDER_TOO_LARGE');
    const bad = { ...offer, order: { ...offer.order, cell: 'nowhere' } };
    expect(() => encodeOrder(bad))
      .to.throw()
      .with.property('code', 'ORDER_INVALID');
  });
});
