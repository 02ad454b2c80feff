/**
 * How much this node doubts itself (Lifeguard, arXiv 1707.00788): a slow observer sees dead peers everywhere, so it
 * first lengthens its own timeouts. One value per node, shared by all its detectors.
 */
export interface LocalHealth {
  /** 0 is healthy; each point adds one base timeout. */
  readonly score: number;
  /** Good observations in a row, towards the next point of recovery. */
  readonly good: number;
}

export interface LocalHealthConfig {
  /** Raising it lets a very sick observer wait longer, and makes it slower to notice a real failure. */
  maxScore: number;
  /** Good observations that take one point away. */
  recoverAfter: number;
}

export const LOCAL_HEALTH_DEFAULTS: LocalHealthConfig = { maxScore: 8, recoverAfter: 10 };

export const HEALTHY: LocalHealth = { score: 0, good: 0 };

/**
 * What a node can notice about itself: a timer that fired late (`late`), its own probe failing where a witness got
 * through (`contradicted`), or a timer on time (`punctual`) and an answered probe (`answered`).
 */
export type HealthObservation = 'late' | 'contradicted' | 'punctual' | 'answered';

const STEP: Record<HealthObservation, 1 | -1> = { late: 1, contradicted: 1, punctual: -1, answered: -1 };

/** The score after one observation, clamped to 0..maxScore. One bad sign counts at once, good ones only in a row. */
export function observe(
  health: LocalHealth,
  observation: HealthObservation,
  config: LocalHealthConfig = LOCAL_HEALTH_DEFAULTS,
): LocalHealth {
  if (STEP[observation] > 0) return { score: Math.min(config.maxScore, health.score + 1), good: 0 };
  if (health.score === 0) return HEALTHY;
  const good = health.good + 1;
  return good < config.recoverAfter ? { score: health.score, good } : { score: health.score - 1, good: 0 };
}

/** A timeout as an observer of this score should apply it, milliseconds. */
export function stretch(ms: number, score: number): number {
  return ms * (1 + Math.max(0, score));
}
