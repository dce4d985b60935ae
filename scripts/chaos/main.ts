// npm run chaos [-- --points 220 --seed 1]: kills hosts, coordinators and processes, damages files, and asks for the undisturbed digest.
import { parseArgs } from 'node:util';
import { type Fault, planFaults } from './faults.js';
import { callsOf, type Ending, inflict, undisturbed } from './inflict.js';
import { SCENARIO_NAMES } from './world.js';

type Outcome = 'same digest' | 'other digest' | 'error' | 'no end' | 'not hit';
const OUTCOMES: readonly Outcome[] = ['same digest', 'other digest', 'error', 'no end', 'not hit'];

/** A run takes a second, on a machine with much else to do perhaps a minute: after this long it hangs. */
const DEADLINE_SECONDS = 600;

const PROGRESS_MILLIS = 60_000;

/** A line each minute: how far it is, and when it will end at this pace. */
const tellProgress = (points: number, done: () => number): (() => void) => {
  const start = performance.now();
  const timer = setInterval(() => {
    const minutes = (((performance.now() - start) / 60_000) * (points - done())) / Math.max(1, done());
    console.error(`point ${done()} of ${points}; ends in ${Math.ceil(minutes)} minutes`);
  }, PROGRESS_MILLIS);
  return () => clearInterval(timer);
};

/** Counts seconds that this process lived through: while it is stopped, so are those it waits for. */
const deadline = (): { readonly passed: Promise<'no end'>; readonly clear: () => void } => {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<'no end'>((resolve) => {
    let seconds = 0;
    timer = setInterval(() => {
      seconds += 1;
      if (seconds > DEADLINE_SECONDS) resolve('no end');
    }, 1000);
  });
  return { passed, clear: () => clearInterval(timer) };
};

const outcomeOf = async (fault: Fault, expected: string): Promise<Outcome> => {
  const { passed, clear } = deadline();
  try {
    const ending: Ending | 'no end' = await Promise.race([inflict(fault), passed]);
    if (ending === 'no end') return 'no end';
    if (ending.digest !== expected) return 'other digest';
    return ending.struck ? 'same digest' : 'not hit';
  } catch (error) {
    console.error(`${JSON.stringify(fault)}: ${error instanceof Error ? error.message : String(error)}`);
    return 'error';
  } finally {
    clear();
  }
};

const table = (rows: ReadonlyMap<string, ReadonlyMap<Outcome, number>>): string => {
  const width = Math.max(...[...rows.keys()].map((name) => name.length));
  const line = (name: string, cells: readonly (string | number)[]): string =>
    `${name.padEnd(width)}  ${cells.map((cell) => String(cell).padStart(12)).join(' ')}`;
  const total = new Map(OUTCOMES.map((outcome) => [outcome, [...rows.values()].reduce((sum, row) => sum + (row.get(outcome) ?? 0), 0)]));
  const cells = (row: ReadonlyMap<Outcome, number>): number[] => OUTCOMES.map((outcome) => row.get(outcome) ?? 0);
  return [line('fault', OUTCOMES), ...[...rows].map(([name, row]) => line(name, cells(row))), line('all', cells(total))].join('\n');
};

const main = async (): Promise<void> => {
  const options = { points: { type: 'string', default: '220' }, seed: { type: 'string', default: '1' } } as const;
  const { values } = parseArgs({ options });
  const [points, seed] = [Number(values.points), Number(values.seed)];
  for (const [name, value] of Object.entries({ points, seed }))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new Error(`--${name}: expected a whole number of at least 1, found ${values[name as 'seed']}`);
  const start = performance.now();
  const digests: Record<string, string> = {};
  const calls: Record<string, readonly string[]> = {};
  for (const scenario of SCENARIO_NAMES) {
    digests[scenario] = await undisturbed(scenario);
    calls[scenario] = await callsOf(scenario);
  }
  const faults = planFaults(seed, points, calls);
  const rows = new Map<string, Map<Outcome, number>>();
  let done = 0;
  const stopTelling = tellProgress(faults.length, () => done);
  for (const [index, fault] of faults.entries()) {
    const outcome = await outcomeOf(fault, digests[fault.scenario]!);
    done = index + 1;
    const row = rows.get(fault.name) ?? new Map<Outcome, number>();
    rows.set(fault.name, row.set(outcome, (row.get(outcome) ?? 0) + 1));
    if (outcome !== 'same digest' && outcome !== 'not hit') {
      console.error(`point ${index + 1}: ${outcome}: ${JSON.stringify(fault)}`);
      process.exitCode = 1;
    }
  }
  stopTelling();
  console.log(table(rows));
  console.log(`${faults.length} points, seed ${seed}, ${Math.round((performance.now() - start) / 1000)} s`);
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
