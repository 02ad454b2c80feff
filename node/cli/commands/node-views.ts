import {
  formatBytes,
  formatCores,
  formatDistance,
  formatDuration,
  formatMoney,
  formatMoneyPerHour,
} from '../../../market/units.ts';
import type { CommandSpec } from '../program.ts';

/** Answers of the local API, as far as these views read them. */
type Json = Record<string, unknown>;
const wei = (value: unknown): bigint => BigInt(String(value ?? 0));
const short = (address: unknown): string => `${String(address).slice(0, 8)}…${String(address).slice(-4)}`;

export const statusCommand: CommandSpec = {
  command: 'status',
  describe: 'show the running node: chain, money, resources, agreements, market',
  async handler(cli) {
    const status = (await (await cli.api()).get('/v1/status')) as Json;
    cli.printer.result(status);
    const vault = status.vault as Json | null;
    const resources = status.resources as Json;
    const market = status.market as Json;
    cli.printer.table([
      ['node', `${status.name} (${status.runtime})`],
      ['account', String(status.address)],
      ['peer id', String(status.peerId)],
      ['place', String(status.cell)],
      ['up', formatDuration(Math.floor(Number(status.upMs) / 1000))],
      ['chain', String(status.chain)],
      ['vault', vault === null ? 'unknown' : `${formatMoney(wei(vault.balance))} free`],
      ['record', vault === null ? 'unknown' : `${vault.honoured} honoured, ${vault.breached} breached`],
      ['spare', `${formatCores(Number(resources.cpuMillis))}, ${formatBytes(Number(resources.memoryBytes))} memory`],
      ['agreements', String(status.agreements)],
      ['market', `${market.offers} offers, ${market.demands} demands`],
      ['memory', formatBytes(Number(status.memoryBytes))],
    ]);
  },
};

export const agreementsCommand: CommandSpec = {
  command: 'agreements',
  describe: 'list the agreements of this node',
  async handler(cli) {
    const agreements = (await (await cli.api()).get('/v1/agreements')) as Json[];
    cli.printer.result(agreements);
    if (agreements.length === 0) cli.printer.line('no agreements yet');
    const rows = agreements.map((agreement) => [
      short(agreement.id),
      String(agreement.side),
      String(agreement.status),
      String(agreement.epoch),
      String(agreement.tier),
      short(agreement.counterparty),
      formatMoney(wei(agreement.customerStakeWei)),
      formatMoney(wei(agreement.providerStakeWei)),
      new Date(Number(agreement.endsAt) * 1000).toISOString(),
    ]);
    const head = ['agreement', 'side', 'status', 'epoch', 'tier', 'with', 'customer stake', 'provider stake', 'ends'];
    if (rows.length > 0) cli.printer.table(rows, head);
  },
};

export const explainCommand: CommandSpec = {
  command: 'explain',
  describe: 'say for each offer why it does or does not serve the last demand, and by how much',
  async handler(cli) {
    const explanation = (await (await cli.api()).get('/v1/explain')) as Json;
    cli.printer.result(explanation);
    for (const line of explanationLines(explanation)) cli.printer.line(line);
  },
};

/** The explanation of the last demand in plain words. */
export function explanationLines(explanation: Json): string[] {
  const lines: string[] = [];
  for (const offer of explanation.ranked as Json[]) {
    const chosen = offer.provider === explanation.chosen ? '  CHOSEN' : '';
    const where = formatDistance(Number(offer.distanceM));
    lines.push(`${short(offer.provider)}  fits, score ${Number(offer.score).toFixed(3)}, ${where} away${chosen}`);
    lines.push(...(offer.aspects as Json[]).map((aspect) => `    ${aspect.name}: ${aspect.reason}`));
  }
  for (const offer of explanation.refused as Json[]) {
    lines.push(`${short(offer.provider)}  does not fit: ${(offer.reasons as string[]).join('; ')}`);
  }
  for (const negotiation of explanation.negotiations as Json[]) {
    for (const said of negotiation.said as Json[]) {
      lines.push(`${short(negotiation.provider)}  round ${said.round}: ${said.answer} (${said.reason})`);
    }
  }
  return lines.length > 0 ? lines : ['no offer was seen'];
}

export const offerCommand: CommandSpec = {
  command: 'offer',
  describe: 'measure this device, publish an offer now, and list the offers around',
  async handler(cli) {
    const api = await cli.api();
    const own = (await api.post('/v1/offer')) as { order: Json };
    const offers = (await api.get('/v1/offers')) as Json[];
    cli.printer.result({ own, offers });
    cli.printer.line(`offered as ${own.order.provider} in cell ${own.order.cell}`);
    const rows = offers.map((offer) => [
      short(offer.provider),
      formatDistance(Number(offer.distanceM)),
      (offer.tiers as string[]).join(','),
      formatMoneyPerHour(wei(offer.standbyWeiPerSec)),
      formatMoneyPerHour(wei(offer.activeWeiPerSec)),
      formatMoney(wei(offer.maxProviderStake)),
    ]);
    cli.printer.table(rows, ['provider', 'distance', 'tiers', 'stand-by', 'active', 'stake up to']);
  },
};
