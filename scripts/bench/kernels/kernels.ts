// How fast are the kernels, against their own reference, TensorFlow.js and what the machine can do at all?

import { serverReference } from '../../../src/algorithms/metamf/kernels/server-kernels.js';
import { median } from '../../../src/base/median.js';
import { createPeak, PEAK_FLOP } from '../floors/peak.js';
import { alternate, type ClockName, type Contender, ratio, type Timing } from '../measure.js';
import { startPartner } from '../partner.js';
import { onNextProcessor } from '../pin.js';
import { type Bench, type Cell, show, type Target } from '../report.js';
import { createGenerator, flopOf, type Generator, PAPER, poolFor, runOn } from './generator.js';
import { adamTable, measureAdam } from './kernels-adam.js';
import { type TfjsContenders, tfjsContenders } from './tfjs-contenders.js';

const FLOP = flopOf(PAPER);
/** What takes seconds is called once a turn. */
const callsOf = (name: string): number => (name === 'reference' ? 1 : 5);

type Timings = Readonly<Record<string, Timing>>;

const measureProducts = async (generator: Generator, tfjs: TfjsContenders, repetitions: number, pin: boolean): Promise<Timings> => {
  const [one, two] = [await poolFor(generator, 1), await onNextProcessor(pin, () => poolFor(generator, 2))];
  const reference = serverReference(generator.memory);
  const peak = createPeak();
  const partner = await onNextProcessor(pin, () => startPartner({ kind: 'peak' }));
  const contenders: Record<string, Contender> = {
    generateItems: () => one.run(generator.generate),
    'generateItems, 2 threads': () => two.run(generator.generate),
    gemm: () => one.run(generator.gemm),
    'gemm, 2 threads': () => two.run(generator.gemm),
    reference: () => runOn(reference, generator.gemm),
    ...tfjs.products,
    peak,
    'peak, 2 threads': () => partner.together(peak),
  };
  const timings = await alternate(contenders, { repetitions, calls: callsOf });
  await Promise.all([two.close(), partner.close()]);
  return timings;
};

const clockOf = (name: string): ClockName => (name.includes('2 threads') || name === 'tfjs-node' ? 'millis' : 'cpu');

/** Two threads compute the peak twice. */
const flopOfContender = (name: string): number => (name === 'peak' ? PEAK_FLOP : name.startsWith('peak') ? 2 * PEAK_FLOP : FLOP);

const productRow = (name: string, timing: Timing, timings: Timings): Cell[] => {
  const flop = flopOfContender(name);
  const clock = clockOf(name);
  const title = name.replace('peak', 'peak: f32x4 in registers');
  const rate = flop / median(timing[clock]) / 1e6;
  return [title, median(timing.millis), median(timing.cpu), rate, ratio(timings['reference']!, timing, clock) * (flop / FLOP)];
};

const productTargets = (timings: Timings): Target[] =>
  ['generateItems', 'gemm'].flatMap((name) => {
    const own = timings[name]!;
    const claim = (text: string, measured: number, wanted: number): Target => ({
      claim: `${name}, ${text}`,
      measured,
      bound: 'at least',
      wanted,
    });
    const wasm = timings['tfjs-wasm'];
    return [
      ...(wasm ? [claim('one core, against tfjs-wasm', ratio(wasm, own, 'cpu'), 1.15)] : []),
      claim('one core, against the reference', ratio(timings['reference']!, own, 'cpu'), 20),
      claim('two threads against one', ratio(own, timings[`${name}, 2 threads`]!), 1.8),
    ];
  });

/** What a second thread is worth on this machine at the moment: no pool can gain more. */
const machineGain = (timings: Timings): number => 2 * ratio(timings['peak']!, timings['peak, 2 threads']!);

export const bench: Bench = {
  question: 'how fast are the kernels, against their reference, TensorFlow.js and the machine?',
  run: async ({ repetitions, note, pin }) => {
    const generator = createGenerator(PAPER);
    const tfjs = await tfjsContenders(note);
    note('matrix products');
    const products = await measureProducts(generator, tfjs, repetitions, pin);
    note('Adam and copies');
    const adam = await measureAdam(generator, tfjs, repetitions, pin);
    return {
      tables: [
        {
          title: '(64×512)·(512×29648), f32',
          columns: ['kernel', 'ms', 'CPU ms', 'GFLOPS', '× reference'],
          rows: Object.entries(products).map(([name, timing]) => productRow(name, timing, products)),
        },
        adamTable(adam),
      ],
      targets: [...productTargets(products), ...adam.targets],
      notes: [
        'Rates of work on one thread are by CPU time, on several by the clock.',
        `Two threads of arithmetic in registers, which share nothing, did ${show(machineGain(products))} × the work of one here.`,
        ...tfjs.notes,
      ],
    };
  },
};
