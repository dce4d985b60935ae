// Has anything become 1.3 times slower against its own yardstick? Ratios of CPU time within one run measure neither the machine nor
// its other work. It takes less than a minute. The exit code is 1 when something is worse.

import { type ServerKernels, serverReference } from '../../../src/algorithms/metamf/kernels/server-kernels.js';
import { synthesize } from '../../../src/data/synthetic.js';
import { syntheticOptions } from '../../../src/data/synthetic-options.js';
import { simdKernels } from '../../../src/tensor/kernels/simd.js';
import { createGenerator, type Generator, PAPER, runOn } from '../kernels/generator.js';
import { alternate, bestRatio, type Contender, type Timing } from '../measure.js';
import type { Bench } from '../report.js';
import { EXPECTED, type Guarded, judge, TOLERANCE, type Verdict } from './expected.js';
import { configOf, type Flags, startTraining } from './training.js';

const REPETITIONS = 5;
/** What is worse at first is measured again: only what stays worse is a regression. */
const ATTEMPTS = 3;
const KERNELS = {
  gemm: 'gemm',
  generateItems: 'generate',
  generateRows: 'rows',
  backwardRows: 'backward',
  adam: 'adam',
  'adam without gradient': 'adamWithoutGradient',
} as const satisfies Partial<Record<Guarded, keyof Generator>>;
type GuardedKernel = keyof typeof KERNELS;

type Measured = Partial<Record<Guarded, number>>;
/** Measures all of its kind; whatever of it is worse may be asked for again. */
type Gauge = { measure(): Promise<Measured>; close(): Promise<void> };

/** A seventh of the paper's items: the reference takes a hundred milliseconds, not two seconds. */
const SMALL = { ...PAPER, items: 512 };

const kernelGauge = (): Gauge => {
  const generator = createGenerator(SMALL);
  const [simd, reference] = [simdKernels<ServerKernels>(generator.memory), serverReference(generator.memory)];
  const entries = Object.entries(KERNELS) as [GuardedKernel, (typeof KERNELS)[GuardedKernel]][];
  const contenders: Record<string, Contender> = {};
  for (const [name, tasks] of entries) {
    contenders[`reference ${name}`] = () => runOn(reference, generator[tasks]);
    contenders[name] = () => repeat(CALLS, () => runOn(simd, generator[tasks]));
  }
  return {
    measure: async () => {
      const timings: Record<string, Timing> = await alternate(contenders, { repetitions: REPETITIONS });
      return Object.fromEntries(entries.map(([name]) => [name, bestRatio(timings[name]!, timings[`reference ${name}`]!, 'cpu') / CALLS]));
    },
    close: async () => {},
  };
};

/** Times of a few milliseconds are within the resolution of CPU clocks; ten calls are not. */
const CALLS = 10;
const repeat = (times: number, work: () => void): void => {
  for (let i = 0; i < times; i++) work();
};

/** One kernel thread: of several, those that wait spin for a while, which is CPU time of no work. */
const flags = (more: Flags): Flags => ({ threads: '1', cohort: '64', 'metamf.hidden': '512', ...more });
const TINY = { 'metamf.hidden': '4', 'metamf.collaborative': '4', 'metamf.itemEmbedding': '4', ratings: '1' };

const roundGauge = async (): Promise<Gauge> => {
  const dataset = synthesize(syntheticOptions({ users: 600, items: PAPER.items, ratings: 60_000 }), 1);
  const generator = createGenerator(PAPER);
  const simd = simdKernels<ServerKernels>(generator.memory);
  const reference = serverReference(createGenerator(SMALL).memory);
  const yardstick = createGenerator(SMALL).gemm;
  const start = (more: Flags) => startTraining(configOf(flags(more)), dataset);
  const full = await start({ ratings: 'all', delivery: 'full' });
  const small = await start({ ratings: '1' });
  const tiny = await start(TINY);
  const fedavg = await start({ algorithm: 'fedavg', cohort: '100', delivery: 'full' });
  const contenders = {
    full: () => full.rounds(ROUNDS),
    generate: () => repeat(ROUNDS, () => runOn(simd, generator.generate)),
    adam: () => repeat(ROUNDS, () => runOn(simd, generator.adamWithoutGradient)),
    small: () => small.rounds(ROUNDS),
    tiny: () => tiny.rounds(TINY_ROUNDS),
    fedavg: () => fedavg.rounds(ROUNDS),
    reference: () => runOn(reference, yardstick),
  };
  return {
    measure: async () => {
      const { generate, adam, ...rounds } = await alternate(contenders, { repetitions: REPETITIONS, warmups: 2 });
      const floor: Timing = { millis: [], cpu: adam.cpu.map((time, index) => time + generate.cpu[index]!) };
      return {
        'full round over its floor': bestRatio(rounds.full, floor, 'cpu'),
        'small round over its floor': bestRatio(rounds.small, adam, 'cpu'),
        'fixed cost of a round': bestRatio(rounds.tiny, rounds.reference, 'cpu') / TINY_ROUNDS,
        'FedAvg round': bestRatio(rounds.fedavg, rounds.reference, 'cpu') / ROUNDS,
      };
    },
    close: async () => void (await Promise.all([full, small, tiny, fedavg].map((training) => training.close()))),
  };
};

const ROUNDS = 4;
const TINY_ROUNDS = 40;

/** The best of a few attempts, of which most make do with one: what else a machine does only ever adds. */
const verdictsOf = async (gauge: Gauge): Promise<Verdict[]> => {
  let best: Measured = {};
  let verdicts: Verdict[] = [];
  for (let attempt = 0; attempt < ATTEMPTS && (attempt === 0 || verdicts.some(({ passed }) => !passed)); attempt++) {
    const measured = await gauge.measure();
    const names = Object.keys(measured) as Guarded[];
    best = Object.fromEntries(names.map((name) => [name, Math.min(measured[name]!, best[name] ?? Number.POSITIVE_INFINITY)]));
    verdicts = names.map((name) => judge(name, best[name]!));
  }
  await gauge.close();
  return verdicts;
};

export const bench: Bench = {
  question: `has anything become ${TOLERANCE} times slower against its own yardstick?`,
  run: async ({ note }) => {
    note('kernels against their reference');
    const kernels = await verdictsOf(kernelGauge());
    note('rounds against their floor');
    const verdicts = [...kernels, ...(await verdictsOf(await roundGauge()))];
    const missing = Object.keys(EXPECTED).filter((name) => verdicts.every((verdict) => verdict.name !== name));
    if (missing.length > 0) throw new Error(`guard: nothing measures ${missing.join(', ')}`);
    const rows = verdicts.map(({ name, measured, expected, worse, passed }) => [name, measured, expected, worse, passed ? 'ok' : 'WORSE']);
    return {
      tables: [{ title: "CPU time over the yardstick's", columns: ['what', 'measured', 'expected', '× expected', ''], rows }],
      passed: verdicts.every(({ passed }) => passed),
    };
  },
};
