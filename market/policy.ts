import { z } from 'zod';
import { EdgeError } from './errors.ts';
import { tierSchema } from './terms.ts';
import { parseDurationMs, parseMoney } from './units.ts';

/** Share from 0 to 1. */
const fraction = z.number().min(0).max(1);

/** A decimal amount of the token ("0.02"), in wei once parsed. */
const money = z.union([z.bigint(), z.string(), z.number()]).transform((value, context): bigint => {
  const wei = typeof value === 'bigint' ? value : parseMoney(String(value));
  if (wei !== null && wei >= 0n) return wei;
  context.addIssue({ code: 'custom', message: `"${value}" is no amount such as "0.02"` });
  return z.NEVER;
});

/** "30s", "24h"; seconds once parsed. A number is taken as seconds. */
const durationSec = z.union([z.number(), z.string()]).transform((value, context): number => {
  const ms = typeof value === 'number' ? value * 1000 : parseDurationMs(value);
  if (ms !== null && ms > 0 && ms % 1000 === 0) return ms / 1000;
  context.addIssue({ code: 'custom', message: `"${value}" is no duration in whole seconds such as "30s" or "24h"` });
  return z.NEVER;
});

/** Prices of one hour of use, before stand-by discount and risk. */
const pricesSchema = z.strictObject({
  corePerHour: money.default(10n ** 16n),
  memoryGiBPerHour: money.default(5n * 10n ** 15n),
  storageGiBPerHour: money.default(10n ** 14n),
  bandwidthMbpsPerHour: money.default(5n * 10n ** 14n),
  interfacePerHour: money.default(2n * 10n ** 15n),
  /** Share of the active price that is asked on stand-by. */
  standby: z
    .strictObject({ cold: fraction.default(0.05), warm: fraction.default(0.1), hot: fraction.default(0.4) })
    .prefault({}),
  /** What a stake locked for a year should earn, as a share of it. */
  stakeYieldPerYear: fraction.default(0.05),
  /** On top of everything. */
  margin: z.number().min(0).max(10).default(0.2),
});

export const providerPolicySchema = z.strictObject({
  prices: pricesSchema.prefault({}),
  /** Shares of the device that stay with its owner. */
  reserve: z
    .strictObject({
      cpu: fraction.default(0.25),
      memory: fraction.default(0.25),
      storage: fraction.default(0.2),
      bandwidth: fraction.default(0.25),
    })
    .prefault({}),
  tiers: z.array(tierSchema).min(1).default(['cold', 'warm', 'hot']),
  maxAgreements: z.int().min(0).max(1000).default(8),
  maxDistanceM: z.int().min(0).default(50_000),
  /** 0 to 1000; a newcomer has 500. */
  minReputationPermille: z.int().min(0).max(1000).default(400),
  /** The most to put at stake in one agreement. */
  maxStake: money.default(100n * 10n ** 18n),
  minTermSec: durationSec.default(60),
  /** A shorter one could pass while this node is down, and with it the stake. */
  minResponseWindowSec: durationSec.default(3_600),
  maxTermSec: durationSec.default(31 * 86_400),
  maxRounds: z.int().min(1).max(20).default(5),
  /** How much of the list price is given up with each further round, and at most. */
  concessionPerRound: fraction.default(0.05),
  maxDiscount: fraction.default(0.2),
  overcommit: z
    .strictObject({
      /** Chance that a given fault domain is down at some moment. */
      failureProbability: fraction.default(0.02),
      /** Highest accepted chance that more customers fail together than can be served. */
      maxTogetherProbability: fraction.default(0.001),
    })
    .prefault({}),
});
export type ProviderPolicy = z.infer<typeof providerPolicySchema>;

export const customerPolicySchema = z.strictObject({
  /** Price ceilings. */
  maxStandbyPerHour: money.default(10n ** 16n),
  maxActivePerHour: money.default(10n ** 17n),
  /** The first proposal, as a share of the offered price (or of the ceiling, when that is lower). */
  openingFraction: fraction.default(0.85),
  /** How much of what lies between the two sides is given up with each further round. */
  concessionPerRound: fraction.default(0.5),
  maxRounds: z.int().min(1).max(20).default(5),
  roundTimeoutSec: durationSec.default(10),
  maxDistanceM: z.int().min(0).default(10_000),
  minReputationPermille: z.int().min(0).max(1000).default(400),
  minProviderStake: money.default(10n ** 18n),
  maxAgreements: z.int().min(0).max(1000).default(4),
  /** Added to the measured need, as a share of it. */
  headroom: z.number().min(0).max(10).default(0.25),
  termSec: durationSec.default(86_400),
  /** How long a report or a claim may be answered; also how long a claim may be filed after the term. */
  responseWindowSec: durationSec.default(86_400),
  maxTermSec: durationSec.default(31 * 86_400),
});
export type CustomerPolicy = z.infer<typeof customerPolicySchema>;

export const policySchema = z.strictObject({
  provider: providerPolicySchema.prefault({}),
  customer: customerPolicySchema.prefault({}),
});
export type Policy = z.infer<typeof policySchema>;

/**
 * Reads a policy file's content (already parsed from YAML or JSON); what it leaves out takes a default, and nothing
 * at all gives the default policy. Throws `POLICY_INVALID` with `context.problems`, each a path and a message.
 */
export function parsePolicy(value: unknown): Policy {
  const parsed = policySchema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  const list = problems.map(({ path, message }) => `${path || 'policy'}: ${message}`).join('; ');
  throw new EdgeError('POLICY_INVALID', `the policy is not valid: ${list}`, {
    context: { problems },
    remedy: 'Correct the named keys, or leave them out to take the defaults.',
  });
}
