import { BUDGET_BOUNDS, type Outcomes } from '../../events/outcomes.js';
import { PHASES, type RoundFinished } from '../../events/round.js';
import type { RunStarted } from '../../events/run-event.js';
import { bytesOf } from '../../events/traffic.js';
import type { Frame, OutcomeCounts, ProfileCard } from './frame.js';

type Counts = {
  assigned: number;
  trained: number;
  late: number;
  refused: Record<string, number>;
  dropped: Record<string, number>;
  rejected: Record<string, number>;
};
const noCounts = (): Counts => ({ assigned: 0, trained: 0, late: 0, refused: {}, dropped: {}, rejected: {} });
const count = (into: Counts, from: Outcomes): void => {
  into.assigned += from.assigned;
  into.trained += from.trained;
  into.late += from.late;
  for (const fate of ['refused', 'dropped', 'rejected'] as const) {
    for (const [cause, devices] of Object.entries(from[fate])) into[fate][cause] = (into[fate][cause] ?? 0) + devices;
  }
};

/** Sums over the rounds of one frame. */
const newWindow = () => ({
  rounds: 0,
  clipped: 0,
  millis: 0,
  phases: Object.fromEntries(PHASES.map((phase) => [phase, 0])),
  outcomes: noCounts(),
});

type OfWindow = Pick<Frame, 'roundMillis' | 'phases' | 'outcomes' | 'clippedShare'>;

/** The sums of rounds: since the last frame, over the whole run, and by device class. */
export const createLiveSums = () => {
  let window = newWindow();
  const totals = noCounts();
  const bytes = { down: 0, up: 0 };
  const profiles = new Map<string, ProfileCard>();
  const addProfiles = ({ virtual }: RoundFinished): void => {
    for (const profile of virtual?.profiles ?? []) {
      const before = profiles.get(profile.name);
      if (!before) continue;
      const { assigned, trained, refused, dropped, rejected, late, energy, bytesDown, bytesUp, budgets } = profile;
      profiles.set(profile.name, {
        ...before,
        assigned: before.assigned + assigned,
        trained: before.trained + trained,
        lost: before.lost + refused + dropped + rejected + late,
        energy: before.energy + energy,
        bytes: before.bytes + bytesDown + bytesUp,
        budgets: assigned === 0 ? before.budgets : budgets,
      });
    }
  };
  return {
    start: ({ fleet }: RunStarted): void => {
      for (const profile of fleet?.profiles ?? [])
        profiles.set(profile.name, {
          ...profile,
          assigned: 0,
          trained: 0,
          lost: 0,
          energy: 0,
          bytes: 0,
          budgets: {},
          bounds: BUDGET_BOUNDS,
        });
    },
    /** Returns the round's bytes. */
    add: (event: RoundFinished): { readonly down: number; readonly up: number } => {
      window.rounds++;
      window.clipped += event.clipped ? 1 : 0;
      window.millis += event.millis;
      for (const phase of PHASES) window.phases[phase]! += event.phases[phase];
      count(window.outcomes, event.outcomes);
      count(totals, event.outcomes);
      const spent = bytesOf(event.traffic);
      bytes.down += spent.down;
      bytes.up += spent.up;
      addProfiles(event);
      return spent;
    },
    /** Means of the frame's rounds. If there was none, the means before. */
    ofWindow: (before: Frame | undefined): OfWindow => {
      if (window.rounds === 0 && before !== undefined) {
        const { roundMillis, phases, outcomes, clippedShare } = before;
        return { roundMillis, phases, outcomes, clippedShare };
      }
      const rounds = Math.max(1, window.rounds);
      return {
        roundMillis: window.millis / rounds,
        phases: Object.fromEntries(PHASES.map((phase) => [phase, window.phases[phase]! / rounds])),
        outcomes: window.outcomes,
        clippedShare: window.clipped / rounds,
      };
    },
    ofRun: () => ({ bytes: { ...bytes }, totals: structuredClone(totals) satisfies OutcomeCounts, profiles: [...profiles.values()] }),
    nextWindow: (): void => {
      window = newWindow();
    },
  };
};
