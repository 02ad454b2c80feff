/** The door of the market: what other folders and SDK users may rely on. */
export {
  answerProposal,
  type ProviderDecision,
  type ProviderFacts,
  repriced,
} from './answer-proposal.ts';
export { type AddResult, type Book, type BookLimits, createBook, DEFAULT_BOOK_LIMITS } from './book.ts';
export { canonicalJson, toPlainJson } from './canonical.ts';
export { checkTerms, MAX_OPEN_BY_SEC, MAX_TERM_SEC, type TermsProblem, type TermsProblemCode } from './check-terms.ts';
export { type ComposeResult, type ComposeWorkload, parseCompose } from './compose.ts';
export type { ComposeMarket } from './compose-market.ts';
export type { ComposeService } from './compose-service.ts';
export type { ComposeProblem, ComposeProblemCode } from './compose-tree.ts';
export {
  type Bargain,
  buildDemand,
  type CustomerDecision,
  type DemandInit,
  estimateNeed,
  nextProposal,
  quantile,
  type UsageSample,
} from './dmu-customer.ts';
export { buildOffer, type OfferInit, REFERENCE_NEED, spare } from './dmu-provider.ts';
export {
  agreementIdOf,
  arbitrationHash,
  type Domain,
  digestOf,
  dutiesHash,
  escrowDomain,
  type SignedType,
  type Signer,
  signerOf,
  TYPES,
  typesOf,
} from './eip712.ts';
export { EdgeError, type EdgeErrorInit, hasCode, isExpected } from './errors.ts';
export { explainOffer, type MatchFacts, type Misfit, type MisfitCode, NO_FACTS, type OfferVerdict } from './explain.ts';
export {
  NEGOTIATE_PROTOCOL,
  NEGOTIATION_STATUSES,
  NEGOTIATION_TABLE,
  type NegotiationAnswer,
  type NegotiationEvent,
  type NegotiationState,
  type NegotiationStatus,
  negotiationAnswerSchema,
  newNegotiation,
  type Proposal,
  proposalSchema,
  type Transition,
  transition,
} from './negotiation.ts';
export { decodeOrder, encodeOrder, MAX_ORDER_BYTES, ownerOf } from './order-codec.ts';
export {
  createOrderGate,
  DEFAULT_GATE_LIMITS,
  type GateCode,
  type GateInit,
  type GateLimits,
  type GateResult,
  type OrderGate,
} from './order-gate.ts';
export {
  type Demand,
  demandSchema,
  type Offer,
  offerSchema,
  type SignedDemand,
  type SignedOffer,
  type SignedOrder,
  signedOrderSchema,
} from './orders.ts';
export { type OvercommitLimits, type OvercommitResult, type StandbyLoad, standbyOvercommit } from './overcommit.ts';
export { cellAt, distanceM, isPlaceCell, PLACE_RESOLUTION, topicCell, topicCellsAround } from './place.ts';
export { type CustomerPolicy, type Policy, type ProviderPolicy, parsePolicy } from './policy.ts';
export type { Clock, PeerRef, PubSub, Streams, Verdict } from './ports.ts';
export { coversRates, priceOf, type Rates, scaleRates } from './pricing.ts';
export {
  type Aspect,
  DEFAULT_STRATEGY,
  type OfferFacts,
  type RankContext,
  type RankedOffer,
  type Ranking,
  type RankStrategy,
  rankOffers,
} from './rank-offers.ts';
export { reputationPermille, type TrackRecord } from './reputation.ts';
export { type Need, needSchema, type Resources, resourcesSchema } from './resources.ts';
export { earnedWei, type Served, worstCaseWei } from './settlement-math.ts';
export { signDemand, signOffer } from './sign-order.ts';
export {
  type Amendment,
  type Arbitration,
  amendmentSchema,
  type Duties,
  dutiesSchema,
  type Party,
  type Receipt,
  receiptSchema,
  type Settlement,
  settlementSchema,
  type Terms,
  type Tier,
  termsSchema,
} from './terms.ts';
export { type OrdersTopic, ordersTopic, ordersTopicsAround, parseOrdersTopic } from './topics.ts';
export {
  formatBitsPerSec,
  formatBytes,
  formatCores,
  formatDistance,
  formatDuration,
  formatMoney,
  formatMoneyPerHour,
  parseMoney,
} from './units.ts';
export { type Manifest, manifestSchema, type Service, serviceSchema, workloadHash } from './workload.ts';
