import { signStatement } from '../../arbitrator/witness.ts';
import { EdgeError } from '../../market/errors.ts';
import type { PeerRef } from '../../market/ports.ts';
import type { Context } from './context.ts';
import { hex } from './context.ts';
import { PROTOCOLS, pingSchema, pongSchema, witnessRequestSchema } from './wire.ts';

type ProbeParts = Pick<Context, 'streams' | 'randomBytes'>;

/** True when the peer answers a fresh nonce in time. */
export async function probe(parts: ProbeParts, subject: PeerRef, timeoutMs: number): Promise<boolean> {
  const nonce = hex(parts.randomBytes(16));
  try {
    const answer = await parts.streams.call(subject, PROTOCOLS.ping, { type: 'ping', nonce }, { timeoutMs });
    return pongSchema.safeParse(answer).data?.nonce === nonce;
  } catch {
    // Not reaching the peer is the answer that was asked for, whatever the cause.
    return false;
  }
}

/** Answers pings, and says under signature whether this node can reach the customer of an agreement. */
export async function serveWitness(context: Context): Promise<void> {
  await context.streams.handle(PROTOCOLS.ping, async (body) => {
    const ping = pingSchema.parse(body);
    return { type: 'pong', nonce: ping.nonce };
  });
  await context.streams.handle(PROTOCOLS.witness, async (body) => {
    const parsed = witnessRequestSchema.safeParse(body);
    if (!parsed.success) throw new EdgeError('REQUEST_INVALID', 'not a witness request');
    const { agreementId, epoch, probeId, subject, timeoutMs } = parsed.data;
    const reachable = await probe(context, subject, timeoutMs);
    context.emit('witnessed', agreementId, { epoch, reachable });
    return signStatement(context.signer, {
      agreementId,
      epoch,
      probeId,
      reachable,
      observedAtMs: context.clock.nowMs(),
    });
  });
}
