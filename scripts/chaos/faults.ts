import { random } from '../../src/base/random.js';
import { BUDGETS_BIND, FIRST_CHECKPOINT, ROUNDS, SCENARIO_NAMES } from './world.js';

/** Where a run is hit, and with what. Delays in milliseconds, so that a fault can fall anywhere in a round or a save. */
export type Fault = { readonly scenario: string; readonly name: string } & (
  | {
      readonly kind: 'host';
      readonly on: 'round' | 'epoch' | 'host-restored';
      readonly at: number;
      readonly delay: number;
      readonly host: number;
    }
  | { readonly kind: 'coordinator'; readonly on: 'round' | 'epoch' | 'checkpoint'; readonly at: number; readonly delay: number }
  | { readonly kind: 'process'; readonly at: number; readonly delay: number }
  | { readonly kind: 'process-writing'; readonly call: number; readonly torn: boolean }
  | { readonly kind: 'file'; readonly damage: 'cut' | 'flip' | 'gone'; readonly where: number }
);

/** The number of a call, or of one that is (or is no) write. Most calls are writes. At the others a file takes its place. */
const callOf = ({ oneOf, below }: Draw, calls: readonly string[], kind: 'write' | 'any'): number => {
  const numbers = calls.map((_, index) => index + 1);
  const isWrite = (number: number): boolean => calls[number - 1] === 'writeSync';
  const wanted = kind === 'write' ? isWrite : below(3) === 0 ? isWrite : (number: number) => !isWrite(number);
  return oneOf(numbers.filter(wanted));
};

type Draw = { below(bound: number): number; oneOf<T>(values: readonly T[]): T };

const EPOCHS = [4, 8, ROUNDS] as const;

/** By name, each with its share of the points, and the scenario where not every one can show the fault. */
const KINDS: readonly {
  readonly name: string;
  readonly share: number;
  readonly scenario?: string;
  readonly draw: (draw: Draw, calls: readonly string[]) => Omit<Fault, 'scenario' | 'name'>;
}[] = [
  {
    name: 'host dies between rounds',
    share: 14,
    draw: ({ below }) => ({ kind: 'host', on: 'round', at: 1 + below(ROUNDS), delay: 0, host: below(2) }),
  },
  {
    name: 'host dies within a round',
    share: 14,
    draw: ({ below }) => ({ kind: 'host', on: 'round', at: 1 + below(ROUNDS - 1), delay: 1 + below(8), host: below(2) }),
  },
  {
    name: 'host dies after a measurement',
    share: 8,
    draw: ({ below, oneOf }) => ({ kind: 'host', on: 'epoch', at: oneOf(EPOCHS), delay: below(6), host: below(2) }),
  },
  {
    name: 'host dies as another is restored',
    share: 6,
    draw: ({ below }) => ({ kind: 'host', on: 'host-restored', at: 1 + below(ROUNDS - 1), delay: below(20), host: below(2) }),
  },
  {
    name: 'coordinator dies between rounds',
    share: 12,
    draw: ({ below }) => ({ kind: 'coordinator', on: 'round', at: 1 + below(ROUNDS), delay: 0 }),
  },
  {
    name: 'coordinator dies within a round',
    share: 12,
    draw: ({ below }) => ({ kind: 'coordinator', on: 'round', at: 1 + below(ROUNDS - 1), delay: 1 + below(8) }),
  },
  {
    name: 'coordinator dies before any checkpoint',
    share: 6,
    scenario: BUDGETS_BIND,
    draw: ({ below }) => ({ kind: 'coordinator', on: 'round', at: 1 + below(FIRST_CHECKPOINT - 1), delay: 0 }),
  },
  {
    name: 'coordinator dies in a checkpoint',
    share: 12,
    draw: ({ below, oneOf }) => ({ kind: 'coordinator', on: 'epoch', at: oneOf(EPOCHS), delay: below(12) }),
  },
  {
    name: 'coordinator dies after a checkpoint',
    share: 6,
    draw: ({ below, oneOf }) => ({ kind: 'coordinator', on: 'checkpoint', at: oneOf(EPOCHS), delay: below(3) }),
  },
  {
    name: 'process killed at a call to the disk',
    share: 34,
    draw: (draw, calls) => ({ kind: 'process-writing', call: callOf(draw, calls, 'any'), torn: false }),
  },
  {
    name: 'process killed within a write',
    share: 10,
    draw: (draw, calls) => ({ kind: 'process-writing', call: callOf(draw, calls, 'write'), torn: true }),
  },
  {
    name: 'process killed at any instant',
    share: 20,
    draw: ({ below }) => ({ kind: 'process', at: below(ROUNDS), delay: below(60) }),
  },
  {
    name: 'last checkpoint cut short',
    share: 6,
    draw: ({ below }) => ({ kind: 'file', damage: 'cut', where: below(1000) / 1000 }),
  },
  {
    name: 'a bit of it flipped',
    share: 6,
    draw: ({ below }) => ({ kind: 'file', damage: 'flip', where: below(1000) / 1000 }),
  },
  { name: 'last checkpoint gone', share: 2, draw: () => ({ kind: 'file', damage: 'gone', where: 0 }) },
];

/** At least `points` faults, every kind among them, as the seed says. `calls`: what the saves of a scenario ask of the disk, in order. */
export const planFaults = (seed: number, points: number, calls: Readonly<Record<string, readonly string[]>>): readonly Fault[] => {
  const shares = KINDS.reduce((sum, { share }) => sum + share, 0);
  return KINDS.flatMap(({ name, share, scenario: only, draw }) =>
    Array.from({ length: Math.max(1, Math.ceil((points * share) / shares)) }, (_, index) => {
      const source = random(seed, 'chaos', name, index);
      const below = (bound: number): number => Math.floor(source.uniform() * bound);
      const scenario = only ?? SCENARIO_NAMES[below(SCENARIO_NAMES.length)]!;
      const drawn = draw({ below, oneOf: (values) => values[below(values.length)]! }, calls[scenario] ?? []);
      return { scenario, name, ...drawn } as Fault;
    }),
  );
};
