/** Who may run the workload in an epoch: the customer in odd ones (1, 3, …), the provider in even ones. */
export type Holder = 'customer' | 'provider';

/** The current epoch of one agreement. Every sink of outputs keeps one and refuses what an older epoch produced. */
export interface EpochRegister {
  readonly agreementId: string;
  readonly epoch: number;
}

/** What may follow: the two parties take turns, nobody succeeds itself. */
export const HOLDER_NEXT: Record<Holder, Holder> = { customer: 'provider', provider: 'customer' };

/** A signed act that begins `epoch`, already checked by `checkCertificate` or `checkHandback`. */
export type EpochEvent =
  | { type: 'activated'; agreementId: string; epoch: number }
  | { type: 'handedBack'; agreementId: string; epoch: number };

/**
 * `epoch-gap`: an act in between has not been seen; ask for it, then retry. `wrong-holder`: an activation for a
 * customer's epoch or a handback for a provider's.
 */
export type EpochFault = 'wrong-agreement' | 'stale-epoch' | 'epoch-gap' | 'wrong-holder';

export interface EpochStep {
  register: EpochRegister;
  /** False for an act seen before: repeating it is harmless. */
  changed: boolean;
  fault: EpochFault | null;
}

export function firstEpoch(agreementId: string): EpochRegister {
  return { agreementId, epoch: 1 };
}

export function holderOf(epoch: number): Holder {
  return epoch % 2 === 1 ? 'customer' : 'provider';
}

/** One step of the register. It only grows, by one act at a time; a refused act leaves it as it is. */
export function transition(register: EpochRegister, event: EpochEvent): EpochStep {
  const refused = (fault: EpochFault): EpochStep => ({ register, changed: false, fault });
  if (event.agreementId !== register.agreementId) return refused('wrong-agreement');
  if (holderOf(event.epoch) !== (event.type === 'activated' ? 'provider' : 'customer')) return refused('wrong-holder');
  if (event.epoch < register.epoch) return refused('stale-epoch');
  if (event.epoch === register.epoch) return { register, changed: false, fault: null };
  if (event.epoch > register.epoch + 1) return refused('epoch-gap');
  return { register: { ...register, epoch: event.epoch }, changed: true, fault: null };
}

/** Whether a sink may take an output: only of the current epoch, only from its holder. */
export function checkOutput(
  register: EpochRegister,
  output: { epoch: number; from: Holder },
): 'stale-epoch' | 'unknown-epoch' | 'wrong-holder' | null {
  if (output.epoch < register.epoch) return 'stale-epoch';
  if (output.epoch > register.epoch) return 'unknown-epoch';
  return holderOf(output.epoch) === output.from ? null : 'wrong-holder';
}
