import { type BaseWallet, Signature } from 'ethers';
import { TOKEN_ABI } from './abi.ts';
import { type Rpc, RpcError } from './rpc.ts';

const PERMIT = {
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
};

export interface Permit {
  token: string;
  spender: string;
  amount: bigint;
  /** Unix seconds. */
  deadline: number;
}

/** Signs an ERC-2612 permit of the wallet for `spender`. */
export async function signPermit(rpc: Rpc, chainId: number, wallet: BaseWallet, permit: Permit): Promise<Signature> {
  const { token, spender, amount, deadline } = permit;
  // Waiting transactions count: two deposits in a row need two nonces.
  const nonce = await readToken(rpc, token, 'nonces', [wallet.address], 'pending');
  const { name, version } = await tokenDomain(rpc, token);
  const domain = { name, version, chainId, verifyingContract: token };
  const value = { owner: wallet.address, spender, value: amount, nonce: nonce[0], deadline };
  return Signature.from(await wallet.signTypedData(domain, PERMIT, value));
}

/** ERC-5267 where the token has it; otherwise the token's name and the version that nearly all tokens use. */
async function tokenDomain(rpc: Rpc, token: string): Promise<{ name: string; version: string }> {
  try {
    const [, name, version] = await readToken(rpc, token, 'eip712Domain', [], 'latest');
    return { name, version };
  } catch (error) {
    if (!(error instanceof RpcError) && !isBadAnswer(error)) throw error;
    const [name] = await readToken(rpc, token, 'name', [], 'latest');
    return { name, version: '1' };
  }
}

async function readToken(rpc: Rpc, token: string, name: string, args: unknown[], block: string) {
  const data = TOKEN_ABI.encodeFunctionData(name, args);
  return TOKEN_ABI.decodeFunctionResult(name, String(await rpc('eth_call', [{ to: token, data }, block])));
}

function isBadAnswer(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'BAD_DATA';
}
