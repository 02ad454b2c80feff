import { expect } from 'chai';
import {
  type DetectorEffect,
  type DetectorEvent,
  type DetectorState,
  LIVENESS_NEXT,
  type LivenessStatus,
  startDetector,
  transition,
} from '../../arbitrator/detector.ts';
import { type DetectorConfig, detectorConfig } from '../../arbitrator/detector-config.ts';
import { DUTIES, STRANGER, WITNESSES } from './parties.ts';

export const CONFIG = detectorConfig(DUTIES);
export const ALONE = detectorConfig({ ...DUTIES, witnesses: [], witnessQuorum: 0 });
export const names = ['w0', 'w1', 'w2'] as const;
export type Name = (typeof names)[number] | 'stranger';
export const addressOf = (name: Name) =>
  (name === 'stranger' ? STRANGER : WITNESSES[names.indexOf(name)])?.address ?? expect.fail(name);

/** A short script: each step at a time; the clock ticks every `tickMs` in between. */
export type Step =
  | [atMs: number, 'heartbeat' | 'disconnected' | 'left' | 'refuted' | 'wait']
  | [atMs: number, 'probe ok' | 'probe failed' | 'old probe failed']
  | [atMs: number, 'unreachable' | 'reachable' | 'unreachable (old)', Name]
  | [atMs: number, 'stall until'];

export interface Played {
  state: DetectorState;
  effects: [atMs: number, effect: DetectorEffect][];
  seen: LivenessStatus[];
}

export function play(steps: Step[], config: DetectorConfig = CONFIG, health = 0): Played {
  const played: Played = {
    state: startDetector({ nowMs: 0, probeSeed: `0x${'5e'.repeat(32)}` }),
    effects: [],
    seen: [],
  };
  const feed = (event: DetectorEvent) => {
    const before = played.state.status;
    const step = transition(played.state, event, config);
    played.state = step.state;
    if (before !== step.state.status) {
      expect(LIVENESS_NEXT[before], `${before} to ${step.state.status}`).to.include(step.state.status);
      played.seen.push(step.state.status);
    }
    for (const effect of step.effects) played.effects.push([event.atMs, effect]);
  };
  let tickAtMs = config.tickMs;
  for (const step of steps) {
    const [atMs, what] = step;
    const isStall = what === 'stall until';
    for (; !isStall && tickAtMs <= atMs; tickAtMs += config.tickMs) {
      feed({ type: 'tick', atMs: tickAtMs, lateByMs: 0, health });
    }
    if (isStall) {
      feed({ type: 'tick', atMs, lateByMs: atMs - tickAtMs, health });
      tickAtMs = atMs + config.tickMs;
    } else if (what !== 'wait') {
      feed(eventOf(step, played));
    }
  }
  return played;
}

export function eventOf([atMs, what, name]: Step, { effects }: Played): DetectorEvent {
  const ids = effects.flatMap(([, effect]) => (effect.type === 'probe' ? [effect.probeId] : []));
  const probeId = ids.at(what.includes('old') ? 0 : -1) ?? `0x${'00'.repeat(32)}`;
  if (what === 'heartbeat' || what === 'disconnected' || what === 'left' || what === 'refuted') {
    return { type: what, atMs };
  }
  if (what.includes('probe')) return { type: 'probed', atMs, probeId, reachable: what === 'probe ok' };
  const byWitness = addressOf(name ?? 'stranger');
  return { type: 'statement', atMs, probeId, reachable: what === 'reachable', byWitness };
}

export const typesAt = (played: Played) => played.effects.map(([atMs, effect]) => `${atMs} ${effect.type}`);
