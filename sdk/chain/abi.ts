import { Interface } from 'ethers';

const TERMS =
  '(address customer, address provider, address token, uint128 customerStake, uint128 providerStake, uint40 openBy, uint40 endsAt, uint32 responseWindowSec, uint32 lane, bytes32 arbitrationHash, bytes32 dutiesHash) terms';
const ARBITRATION =
  '(address arbitrator, uint128 maxFeeWei, uint32 rulingWindowSec, uint16 feeShareBps, bytes extraData) arbitration';
const ACCOUNT =
  '(uint96 balance, uint80 value, uint32 revokedUntil, uint16 honoured, uint16 breached, uint16 disputesLost)';

const FUNCTIONS = [
  'function deposit(address token, uint256 amount)',
  'function depositWithPermit(address token, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)',
  'function withdraw(address token, uint256 amount, address to)',
  'function withdrawFees(address to)',
  'function revoke(address token, uint32 until)',
  'function setAgent(address agent, address token, uint40 expiresAt, uint128 cap)',
  'function revokeAgent(address agent)',
  `function open(${TERMS}, bytes customerSignature, bytes providerSignature)`,
  `function amend(${TERMS}, uint128 customerStake, uint40 endsAt, bytes customerSignature, bytes providerSignature)`,
  `function settle(${TERMS}, uint128 toProvider, uint8 outcome, bytes customerSignature, bytes providerSignature)`,
  `function claim(${TERMS}, uint128 earned, bytes customerSignature)`,
  `function report(${TERMS}, string evidence)`,
  `function answer(${TERMS}, string evidence)`,
  `function concede(${TERMS})`,
  `function expire(${TERMS})`,
  `function dispute(${TERMS}, ${ARBITRATION}) payable`,
  `function submitEvidence(${TERMS}, ${ARBITRATION}, string evidence)`,
  `function idOf(${TERMS}) view returns (bytes32 id)`,
  `function statusOf(${TERMS}) view returns (uint8 status, uint256 claimed, uint256 exitsAt)`,
  `function accountOf(address token, address owner) view returns (${ACCOUNT})`,
  'function feesOf(address owner) view returns (uint256 amountWei)',
  'function isAgent(address owner, address agent) view returns (bool)',
  'function agentOf(address owner, address agent) view returns ((address token, uint40 expiresAt, uint128 cap))',
];

const EVENTS = [
  'event Deposited(address indexed token, address indexed owner, uint256 amount)',
  'event Withdrawn(address indexed token, address indexed owner, address to, uint256 amount)',
  'event Revoked(address indexed token, address indexed owner, uint32 until)',
  'event FeesCredited(address indexed owner, uint256 balanceWei)',
  'event FeesWithdrawn(address indexed owner, address to, uint256 amountWei)',
  'event AgentSet(address indexed owner, address indexed agent, address token, uint40 expiresAt, uint128 cap)',
  'event AgentCharged(address indexed owner, address indexed agent, uint256 value)',
  'event AgentRevoked(address indexed owner, address indexed agent)',
  `event AgreementOpened(bytes32 indexed id, ${TERMS})`,
  'event AgreementAmended(bytes32 indexed id, uint256 customerStake, uint256 endsAt)',
  'event AgreementClaimed(bytes32 indexed id, uint256 claimed)',
  'event AgreementReported(bytes32 indexed id, string evidence)',
  'event AgreementAnswered(bytes32 indexed id, string evidence)',
  'event AgreementDisputed(bytes32 indexed id, bool byProvider, uint256 rulingBy, uint256 feeWei)',
  'event AgreementEnded(bytes32 indexed id, uint256 toProvider, uint8 outcome, uint8 ending)',
  'event MetaEvidence(uint256 indexed _metaEvidenceID, string _evidence)',
  'event Dispute(address indexed _arbitrator, uint256 indexed _disputeID, uint256 _metaEvidenceID, uint256 _evidenceGroupID)',
  'event Evidence(address indexed _arbitrator, uint256 indexed _evidenceGroupID, address indexed _party, string _evidence)',
  'event Ruling(address indexed _arbitrator, uint256 indexed _disputeID, uint256 _ruling)',
];

const ERRORS = [
  'error AgreementEscrowZeroAmount()',
  'error AgreementEscrowTransferMismatch(address token, uint256 expected, uint256 moved)',
  'error AgreementEscrowVaultFull(address token, uint256 held)',
  'error AgreementEscrowInsufficientBalance(address token, address owner, uint256 balance, uint256 needed)',
  'error AgreementEscrowRevocationStale(uint32 current, uint32 until)',
  'error AgreementEscrowNoFees(address owner)',
  'error AgreementEscrowFeeTransferFailed(address to, uint256 amountWei)',
  'error AgreementEscrowInvalidAgent(address agent, uint40 expiresAt)',
  'error AgreementEscrowAgentCapExceeded(address owner, address agent, uint256 cap, uint256 value)',
  'error AgreementEscrowNotAuthorized(address owner, address signer, bytes32 digest)',
  'error AgreementEscrowInvalidTerms(bytes32 id)',
  'error AgreementEscrowOpenByPassed(bytes32 id, uint40 openBy)',
  'error AgreementEscrowTermsRevoked(bytes32 id, address by, uint256 revokedUntil)',
  'error AgreementEscrowLaneBusy(address provider, uint32 lane)',
  'error AgreementEscrowLaneUsed(address provider, uint32 lane, uint40 lastOpenBy)',
  'error AgreementEscrowUnexpectedStatus(bytes32 id, uint8 current, uint256 allowed)',
  'error AgreementEscrowTooLate(bytes32 id, uint256 exitsAt)',
  'error AgreementEscrowTooEarly(bytes32 id, uint256 exitsAt)',
  'error AgreementEscrowReceiptStale(bytes32 id, uint256 claimed, uint256 earned)',
  'error AgreementEscrowAmendmentStale(bytes32 id, uint256 customerStake, uint256 endsAt)',
  'error AgreementEscrowReportedBefore(bytes32 id)',
  'error AgreementEscrowPotExceeded(bytes32 id, uint256 pot, uint256 toProvider)',
  'error AgreementEscrowArbitrationMismatch(bytes32 id, bytes32 expected, bytes32 actual)',
  'error AgreementEscrowFeeAboveCap(bytes32 id, uint256 costWei, uint256 maxFeeWei)',
  'error AgreementEscrowFeeUnpaid(bytes32 id, uint256 costWei, uint256 paidWei)',
  'error AgreementEscrowUnknownDispute(address arbitrator, uint256 disputeID)',
  'error ReentrancyGuardReentrantCall()',
  'error SafeERC20FailedOperation(address token)',
];

/** What this program uses of AgreementEscrow. A test compares it with the compiled contract. */
export const ESCROW_ABI = new Interface([...FUNCTIONS, ...EVENTS, ...ERRORS]);

/** What this program uses of an ERC-20 token with ERC-2612 permit, and the errors of ERC-6093 tokens. */
export const TOKEN_ABI = new Interface([
  'function name() view returns (string)',
  'function balanceOf(address owner) view returns (uint256)',
  'function nonces(address owner) view returns (uint256)',
  'function eip712Domain() view returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)',
  'error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)',
  'error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)',
  'error ERC20InvalidReceiver(address receiver)',
  'error ERC2612ExpiredSignature(uint256 deadline)',
  'error ERC2612InvalidSigner(address signer, address owner)',
]);
