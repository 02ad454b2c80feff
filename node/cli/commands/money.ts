import { EdgeError } from '../../../market/errors.ts';
import { formatMoney, parseMoney } from '../../../market/units.ts';
import type { CommandSpec } from '../program.ts';

type Json = Record<string, unknown>;

export const depositCommand: CommandSpec = {
  command: 'deposit <amount>',
  describe: "move tokens of this node's account into the escrow's vault",
  examples: ['eaas deposit 25'],
  async handler(cli, [text = '']) {
    const amountWei = parseMoney(text);
    if (amountWei === null || amountWei === 0n) {
      throw new EdgeError('USAGE', `"${text}" is no amount such as 25 or 0.5`, {
        context: { text },
        remedy: 'give an amount of tokens above zero',
      });
    }
    const tx = (await (await cli.api()).post('/v1/deposit', { amountWei: amountWei.toString() })) as Json;
    cli.printer.result(tx);
    cli.printer.line(`deposited ${formatMoney(amountWei)} (${tx.hash}, ${tx.gasUsed} gas)`);
  },
};

export const withdrawCommand: CommandSpec = {
  command: 'withdraw',
  describe: 'take everything that is free out of the vault',
  async handler(cli) {
    const tx = (await (await cli.api()).post('/v1/withdraw')) as Json;
    cli.printer.result(tx);
    cli.printer.line(`withdrew ${formatMoney(BigInt(String(tx.amountWei)))} to ${tx.to} (${tx.hash})`);
  },
};

export const settleCommand: CommandSpec = {
  command: 'settle <agreement>',
  describe: 'end an agreement by both signatures (customer)',
  async handler(cli, [id = '']) {
    const tx = (await (await cli.api()).post(`/v1/agreements/${id}/settle`)) as Json;
    cli.printer.result(tx);
    cli.printer.line(`settled (${tx.hash}, ${tx.gasUsed} gas)`);
  },
};
