import type { DeviceId } from '../../base/units.js';
import type { PrivacySpent } from '../../events/privacy-spent.js';
import type { Composed, Mechanism, Sampling } from '../../privacy/accountant/mechanism.js';
import { pldEpsilon } from '../../privacy/accountant/pld.js';
import { rdpEpsilon } from '../../privacy/accountant/rdp.js';

export const ACCOUNTANTS = ['pld', 'rdp'] as const;

/** What a run's noise is worth. Plain data: it crosses to the coordinator's thread. */
export type PrivacySettings = {
  readonly delta: number;
  /** A round that would spend more is not run. 0: no bound. */
  readonly stopAt: number;
  readonly accountant: (typeof ACCOUNTANTS)[number];
  readonly kind: Mechanism['kind'];
  /** As accountants take it (Mechanism.noise); null: no step bounds what is sent, so that noise guarantees nothing. */
  readonly noise: number | null;
  /** What the sampler earns: none, where who takes part may be known. */
  readonly sampling: Sampling;
  readonly protects: PrivacySpent['protects'];
};

/** A round as the ledger counts it: who is asked, so many being wanted, of so many devices. */
export type Drawn = { readonly cohort: readonly DeviceId[]; readonly size: number; readonly devices: number };

/** How often devices took part, and what that has spent. */
export type PrivacyLedger = {
  /** What will have been spent after one more round. */
  after(drawn: Drawn): PrivacySpent;
  /** Counts that round. */
  spend(drawn: Drawn): void;
  /** Plain data, for the checkpoint. */
  state(): unknown;
  /** Throws for what it could not have counted. */
  restore(state: unknown): void;
};

/** Rounds up to 64 values in each power of two. So a run computes few epsilons, each of at most 1.6 % more rounds than there were. */
const roundedUp = (times: number): number => {
  const unit = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, times))) - 6);
  return Math.ceil(times / unit) * unit;
};

type Counts = { readonly byRate: ReadonlyMap<number, number>; readonly byDevice: Uint32Array };

const composedOf = ({ kind, noise, sampling }: PrivacySettings, { byRate }: Counts, most: number): Composed => {
  if (sampling === 'none') return [{ mechanism: { kind, noise: noise!, sampling, rate: 1 }, times: most }];
  return [...byRate].map(([rate, times]) => ({ mechanism: { kind, noise: noise!, sampling, rate }, times: roundedUp(times) }));
};

const checked = (state: unknown, devices: number): Counts => {
  const { byRate, byDevice } = (state ?? {}) as { byRate?: unknown; byDevice?: unknown };
  const isCount = (entry: unknown): boolean =>
    Array.isArray(entry) && entry.length === 2 && entry[0] > 0 && entry[0] <= 1 && Number.isSafeInteger(entry[1]) && entry[1] > 0;
  if (!Array.isArray(byRate) || !byRate.every(isCount)) throw new Error('privacy: expected rounds by rate');
  if (!(byDevice instanceof Uint32Array) || byDevice.length !== devices) throw new Error(`privacy: expected rounds of ${devices} devices`);
  return { byRate: new Map(byRate as [number, number][]), byDevice };
};

export const createLedger = (settings: PrivacySettings, devices: number): PrivacyLedger => {
  const { accountant, delta, noise, protects, sampling } = settings;
  /** Sampling that earns something needs no count of each device. */
  let counts: Counts = { byRate: new Map(), byDevice: new Uint32Array(sampling === 'none' ? devices : 0) };
  let most = 0;
  const known = new Map<string, number>();
  const epsilonOf = (composed: Composed): number => {
    const key = JSON.stringify(composed);
    const epsilon = known.get(key) ?? (accountant === 'pld' ? pldEpsilon : rdpEpsilon)(composed, delta);
    known.set(key, epsilon);
    return epsilon;
  };
  const withRound = ({ cohort, size, devices: all }: Drawn): readonly [counts: Counts, most: number] => {
    if (sampling === 'none') return [counts, cohort.reduce((sum, device) => Math.max(sum, counts.byDevice[device]! + 1), most)];
    const rate = Math.min(1, size / all);
    return [{ ...counts, byRate: new Map(counts.byRate).set(rate, (counts.byRate.get(rate) ?? 0) + 1) }, most];
  };
  return {
    after: (drawn) => {
      if (noise === null) return { epsilon: null, delta, protects };
      const epsilon = epsilonOf(composedOf(settings, ...withRound(drawn)));
      return { epsilon: Number.isFinite(epsilon) ? epsilon : null, delta, protects };
    },
    spend: (drawn) => {
      [counts, most] = withRound(drawn);
      if (sampling === 'none') for (const device of drawn.cohort) counts.byDevice[device]! += 1;
    },
    state: () => ({ byRate: [...counts.byRate], byDevice: counts.byDevice }),
    restore: (state) => {
      counts = checked(state, sampling === 'none' ? devices : 0);
      most = counts.byDevice.reduce((sum, times) => Math.max(sum, times), 0);
    },
  };
};
