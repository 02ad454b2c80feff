import type { WorkloadSource } from '../insure.ts';
import type { NodeEvent } from '../orchestrator/context.ts';

/** What the local API offers: implemented by the running node, used by the HTTP server. All answers are plain JSON. */
export interface NodeService {
  status(): Promise<object>;
  agreements(): Promise<object[]>;
  /** The live offers this node knows of, with distance and prices. */
  offers(): Promise<object[]>;
  /** Why the last demand was or was not served: each offer and the constraints it failed. */
  explain(): Promise<object>;
  publishOffer(): Promise<object>;
  /** Runs the workload here and finds a provider for it. Progress goes to the event stream. */
  insure(request: WorkloadSource): Promise<object>;
  deposit(amountWei: bigint): Promise<object>;
  /** How this node's account stands in the market. */
  reputation(): Promise<object>;
  settle(agreementId: string): Promise<object>;
  withdraw(): Promise<object>;
  /** Events after this id, and a way to be told of later ones. */
  events(afterId: number): { id: number; event: NodeEvent }[];
  onEvent(listener: (id: number, event: NodeEvent) => void): () => void;
}
