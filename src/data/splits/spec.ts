import { badInput } from '../../base/errors.js';

/** The kinds of splits that a configuration may name. auto: given where the source has one, else random. */
export const SPLITS = ['auto', 'given', 'random', 'leave-last', 'time', 'folds', 'cold-users', 'cold-items'] as const;
export type SplitKind = (typeof SPLITS)[number];

/** How a whole set is cut into parts. Every kind is a function of the set, these numbers and the seed. */
export type SplitSpec =
  | { readonly kind: 'random' }
  /** Each user's last `leave` records are tested, and as many before them validate. At least one stays in training. */
  | { readonly kind: 'leave-last'; readonly leave: number }
  /** One cut for everybody. Shares of all records. */
  | { readonly kind: 'time'; readonly valid: number; readonly test: number }
  /** A user's records are dealt into `folds`; `fold` is tested, and a share `valid` of the others validates. */
  | { readonly kind: 'folds'; readonly folds: number; readonly fold: number; readonly valid: number }
  | ColdUsersSpec
  /** A share of the items is absent from training: half of them validate, the others are tested. */
  | { readonly kind: 'cold-items'; readonly coldItems: number };

/** Users without a part in training: their support sets are their training rows, and their query sets are measured. */
export type ColdUsersSpec = {
  readonly kind: 'cold-users';
  /** Shares of the users. */
  readonly valid: number;
  readonly test: number;
  /** Share of the items that only cold users have records of. 0: cold users have records of warm items only. */
  readonly coldItems: number;
  /** Records that each user keeps, drawn at random; users with fewer are left out. */
  readonly records: 'all' | number;
  /** Of a cold user's records: a count, or a share below 1. */
  readonly support: number;
};

/** Numbers of a split as a configuration has them. */
export type SplitOptions = {
  readonly valid: 'auto' | number;
  readonly test: 'auto' | number;
  readonly leave: number;
  readonly folds: number;
  readonly fold: number;
  readonly coldItems: 'auto' | number;
  readonly records: 'all' | number;
  readonly support: number;
};

export const SPLIT_DEFAULTS: SplitOptions = {
  valid: 'auto',
  test: 'auto',
  leave: 1,
  folds: 5,
  fold: 0,
  coldItems: 'auto',
  records: 'all',
  support: 0.5,
};

/** What `auto` means: shares of records (time, folds), of users (cold-users), and of items (cold-items). */
export const AUTO = { ofRecords: 0.1, ofUsers: 0.2, ofItems: 0.2 } as const;

const or = (value: 'auto' | number, otherwise: number): number => (value === 'auto' ? otherwise : value);

const checkShares = (valid: number, test: number): void => {
  if (valid + test >= 1) throw badInput('DATA', 'splitting', 'valid and test shares of less than 1 together', `${valid} and ${test}`);
};

/** Throws DATA for numbers that contradict each other. */
export const splitSpec = (kind: Exclude<SplitKind, 'auto' | 'given'>, options: Partial<SplitOptions> = {}): SplitSpec => {
  const { valid, test, leave, folds, fold, coldItems, records, support } = { ...SPLIT_DEFAULTS, ...options };
  switch (kind) {
    case 'random':
      return { kind };
    case 'leave-last':
      return { kind, leave };
    case 'time': {
      const shares = { valid: or(valid, AUTO.ofRecords), test: or(test, AUTO.ofRecords) };
      checkShares(shares.valid, shares.test);
      return { kind, ...shares };
    }
    case 'folds':
      if (fold >= folds) throw badInput('DATA', 'splitting.fold', `a fold from 0 to ${folds - 1}`, String(fold));
      return { kind, folds, fold, valid: or(valid, AUTO.ofRecords) };
    case 'cold-users': {
      const shares = { valid: or(valid, AUTO.ofUsers), test: or(test, AUTO.ofUsers) };
      checkShares(shares.valid, shares.test);
      if (records !== 'all' && support >= 1 && support >= records)
        throw badInput('DATA', 'splitting.support', `fewer than the ${records} records of a user`, String(support));
      return { kind, ...shares, coldItems: or(coldItems, 0), records, support };
    }
    case 'cold-items':
      return { kind, coldItems: or(coldItems, AUTO.ofItems) };
  }
};
