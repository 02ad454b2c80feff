import type { BaseWallet } from 'ethers';
import { type Domain, type Signer, typesOf } from '../../market/eip712.ts';

/** Signs this project's typed data with a wallet, under the escrow's domain. */
export function walletSigner(wallet: Pick<BaseWallet, 'address' | 'signTypedData'>, domain: Domain): Signer {
  return {
    address: wallet.address,
    sign: (primary, value) => wallet.signTypedData({ ...domain }, typesOf(primary), { ...value }),
  };
}
