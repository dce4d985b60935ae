import { serverReference } from '../../../src/algorithms/metamf/kernels/server-kernels.js';
import { median } from '../../../src/base/median.js';
import { COPY_BYTES, createCopiers } from '../floors/bandwidth.js';
import { COPY_METHODS } from '../floors/copies.js';
import { alternate, type ClockName, type Contender, medianRatio, ratio, type Timing } from '../measure.js';
import { onNextProcessor } from '../pin.js';
import type { Cell, Table, Target } from '../report.js';
import { ADAM_BYTES, type Generator, poolFor, runOn, STREAM_BYTES } from './generator.js';
import type { TfjsContenders } from './tfjs-contenders.js';

/** Fused Adam is bound by memory: its bandwidth against what copying reaches in the same minutes, on as many threads. */
export type AdamFigures = {
  readonly timings: Readonly<Record<string, Timing>>;
  readonly parameters: number;
  readonly targets: readonly Target[];
};

const ONE = ', 1 thread';
const TWO = ', 2 threads';

const suffixed = (contenders: Readonly<Record<string, Contender>>, suffix: string): Record<string, Contender> =>
  Object.fromEntries(Object.entries(contenders).map(([name, contender]) => [`${name}${suffix}`, contender]));

const clockOf = (name: string): ClockName => (name.endsWith(TWO) || name === 'tfjs-node' ? 'millis' : 'cpu');

/** Times of the fastest copying method, repetition by repetition. */
const bestCopy = (timings: Readonly<Record<string, Timing>>, suffix: string): readonly number[] => {
  const methods = COPY_METHODS.map((method) => timings[`copy ${method}${suffix}`]![clockOf(suffix)]);
  return methods.reduce((best, times) => (median(times) < median(best) ? times : best));
};

const shareOfCopy = (timings: Readonly<Record<string, Timing>>, suffix: string, parameters: number): Target => {
  const adam = timings[`Adam${suffix}`]![clockOf(suffix)];
  const measured = medianRatio(bestCopy(timings, suffix), adam) * ((parameters * ADAM_BYTES.withGradient) / COPY_BYTES);
  return { claim: `fused Adam${suffix}: share of copy bandwidth`, measured, bound: 'at least', wanted: 0.7 };
};

export const measureAdam = async (generator: Generator, tfjs: TfjsContenders, repetitions: number, pin: boolean): Promise<AdamFigures> => {
  const [one, two] = [await poolFor(generator, 1), await onNextProcessor(pin, () => poolFor(generator, 2))];
  const [copyOne, copyTwo] = [await createCopiers(1), await onNextProcessor(pin, () => createCopiers(2))];
  const reference = serverReference(generator.memory);
  const contenders: Record<string, Contender> = {
    [`Adam${ONE}`]: () => one.run(generator.adam),
    [`Adam${TWO}`]: () => two.run(generator.adam),
    [`Adam without gradient${ONE}`]: () => one.run(generator.adamWithoutGradient),
    [`Adam without gradient${TWO}`]: () => two.run(generator.adamWithoutGradient),
    reference: () => runOn(reference, generator.adam),
    ...tfjs.adams,
    ...suffixed(copyOne.contenders, ONE),
    ...suffixed(copyTwo.contenders, TWO),
    [`update in place${ONE}`]: () => one.run(generator.stream),
    [`update in place${TWO}`]: () => two.run(generator.stream),
  };
  const timings = await alternate(contenders, { repetitions });
  await Promise.all([two.close(), copyOne.close(), copyTwo.close()]);
  const { parameters } = generator;
  return { timings, parameters, targets: [ONE, TWO].map((suffix) => shareOfCopy(timings, suffix, parameters)) };
};

const bytesOf = (name: string, parameters: number): number => {
  if (name.startsWith('copy')) return COPY_BYTES;
  if (name.startsWith('update')) return parameters * STREAM_BYTES;
  return parameters * (name.includes('without gradient') ? ADAM_BYTES.without : ADAM_BYTES.withGradient);
};

export const adamTable = ({ timings, parameters }: AdamFigures): Table => ({
  title: `Adam with L2 on ${parameters} parameters, and copying`,
  columns: ['what', 'ms', 'CPU ms', 'GB/s', '× Adam on 1 thread'],
  rows: Object.entries(timings).map(([name, timing]): Cell[] => {
    const clock = clockOf(name);
    const isCopy = name.startsWith('copy') || name.startsWith('update');
    const slower = isCopy ? '' : ratio(timing, timings[`Adam${ONE}`]!, clock);
    return [name, median(timing.millis), median(timing.cpu), bytesOf(name, parameters) / median(timing[clock]) / 1e6, slower];
  }),
});
