import type { Overrides } from '../../node/node.ts';

/** What nodes of a local network do otherwise than real ones. */
export const PLAY_OVERRIDES: Overrides = { allowProcess: true, breachAfterMs: 5_000 };
