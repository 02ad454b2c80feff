/** A property, proved on a harness in test/smt/, and a bug in the contract that must break it. */
export interface Property {
  contract: string;
  file: string;
  /** `chc`: Horn clauses. `bmc`: one transaction from any state; complete here, because these functions have no loop. */
  engine: 'chc' | 'bmc';
  statement: string;
  /** Replaced in a copy of the source; occurs exactly once. */
  bug: { source: string; from: string; to: string };
}

const ACCOUNTS = 'contracts/libraries/AccountLib.sol';
const LANES = 'contracts/libraries/LaneLib.sol';
const WORDS_FILE = 'test/smt/Words.sol';
const LANES_FILE = 'test/smt/Lanes.sol';

export const PROPERTIES: Property[] = [
  {
    contract: 'TakeIsExact',
    file: WORDS_FILE,
    engine: 'chc',
    statement: 'taking from a balance that covers it takes exactly that and touches nothing else of the account',
    bug: { source: ACCOUNTS, from: 'return word - amount;', to: 'return word - amount - 1;' },
  },
  {
    contract: 'PaymentIsExact',
    file: WORDS_FILE,
    engine: 'chc',
    statement: 'paying to a balance pays exactly that and touches nothing else of the account',
    bug: { source: ACCOUNTS, from: 'return word + amount;', to: 'return word + amount + amount;' },
  },
  {
    contract: 'SplitConserves',
    file: WORDS_FILE,
    engine: 'chc',
    statement: 'however a pot is split, the parties hold afterwards what they held plus both stakes',
    bug: { source: ACCOUNTS, from: 'return word + amount;', to: 'return amount > 0 ? word + amount - 1 : word;' },
  },
  {
    contract: 'LockAndReturnIsNeutral',
    file: WORDS_FILE,
    engine: 'chc',
    statement: 'a stake that is locked and returned leaves the account word as it was',
    bug: { source: ACCOUNTS, from: 'return word - amount;', to: 'return word - amount / 2;' },
  },
  {
    contract: 'LocksAddUp',
    file: WORDS_FILE,
    engine: 'chc',
    statement: 'the same money never covers two stakes: locked stakes are at most what was there',
    bug: { source: ACCOUNTS, from: 'return word - amount;', to: 'return word;' },
  },
  {
    contract: 'CounterLeavesMoneyAlone',
    file: WORDS_FILE,
    engine: 'bmc',
    statement: 'no reputation counter touches a balance',
    bug: { source: ACCOUNTS, from: 'return word + (1 << shift);', to: 'return word + (1 << shift) + 1;' },
  },
  {
    contract: 'CounterSaturates',
    file: WORDS_FILE,
    engine: 'bmc',
    statement: 'a counter grows by one, stops when full, and never carries into the next one',
    bug: { source: ACCOUNTS, from: 'if (uint16(word >> shift) == type(uint16).max) return word;', to: '' },
  },
  {
    contract: 'ValueStaysInItsField',
    file: WORDS_FILE,
    engine: 'bmc',
    statement: 'the value paid through an account never falls and touches no other field',
    bug: { source: ACCOUNTS, from: 'if (sum > type(uint80).max) sum = type(uint80).max;', to: '' },
  },
  {
    contract: 'EndedHasNoFlag',
    file: LANES_FILE,
    engine: 'chc',
    statement: 'an ended agreement is open, claimed, reported, answered, disputed or amended in no way: ends are final',
    bug: { source: LANES, from: 'return word & ~FLAGS;', to: 'return word & ~CLAIMED;' },
  },
  {
    contract: 'EndingKeepsOpenBy',
    file: LANES_FILE,
    engine: 'chc',
    statement: 'ending keeps the lane’s latest openBy, so the same terms are not opened twice',
    bug: { source: LANES, from: 'return word & ~FLAGS;', to: 'return word & FLAGS;' },
  },
  {
    contract: 'OpeningOpens',
    file: LANES_FILE,
    engine: 'chc',
    statement: 'an agreement that was opened is open',
    bug: { source: LANES, from: '<< OPEN_BY_SHIFT) | OPEN;', to: '<< OPEN_BY_SHIFT) | CLAIMED;' },
  },
  {
    contract: 'OpenByIsRemembered',
    file: LANES_FILE,
    engine: 'chc',
    statement: 'the openBy that a lane remembers is the one it was opened with',
    bug: {
      source: LANES,
      from: 'return uint40(word >> OPEN_BY_SHIFT);',
      to: 'return uint40(word >> TAG_SHIFT);',
    },
  },
  {
    contract: 'KeysAreDistinct',
    file: LANES_FILE,
    engine: 'chc',
    statement: 'two lanes never share a key: no agreement is ended through another provider’s lane',
    bug: { source: LANES, from: '(uint256(uint160(provider)) << 32) | lane', to: 'uint256(uint160(provider)) + lane' },
  },
  {
    contract: 'FlagsAreIndependent',
    file: LANES_FILE,
    engine: 'chc',
    statement: 'marking a dispute marks it and changes no other fact of the lane',
    bug: { source: LANES, from: 'DISPUTED = 16;', to: 'DISPUTED = 2;' },
  },
  {
    contract: 'FeeCreditIsExact',
    file: 'test/smt/Fees.sol',
    engine: 'chc',
    statement: 'crediting a fee credits exactly that, to its owner and to nobody else',
    bug: {
      source: 'contracts/abstracts/Vault.sol',
      from: 'uint256 balanceWei = _fees[owner] + amountWei;',
      to: 'uint256 balanceWei = amountWei;',
    },
  },
];
