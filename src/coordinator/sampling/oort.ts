import { z } from 'zod';
import { median } from '../../base/median.js';
import type { Random } from '../../base/random.js';
import { type DeviceId, deviceId } from '../../base/units.js';
import type { ClientTask } from '../round/client-task.js';
import { secondsOf } from '../round/device-costs.js';
import type { Sampler, SamplerContext, SamplerDefinition } from './sampler.js';

/**
 * Oort (Lai et al., "Oort: Efficient Federated Learning via Guided Participant Selection", OSDI 2021, algorithm 1). A device that
 * has taken part is worth
 *
 *   U = |B| · √(mean loss² over B) + √(0.1 · ln round / its last round)), times (T / t)^α if its time t exceeds the preferred T
 *
 * A share ε of each cohort goes to devices never asked, uniformly. The rest is drawn in proportion to U among those whose utility
 * reaches `cutoff` times the best. Here the loss of an update is the sum of its squared errors. So |B|·√(mean loss²) is taken to
 * be that sum, its lower bound by Jensen. T is the median time seen, where Oort's pacer moves it.
 */

const options = z.strictObject({
  penalty: z.number().min(0).default(2).describe('exponent of the penalty for devices slower than the median'),
  exploration: z.number().min(0).max(1).default(0.9).describe('share of the first cohort that goes to devices never asked'),
  explorationDecay: z.number().positive().max(1).default(0.98).describe('factor on that share from round to round'),
  leastExploration: z.number().min(0).max(1).default(0.2).describe('least share for devices never asked'),
  cutoff: z.number().min(0).max(1).default(0.95).describe('share of the utility on the edge of the cohort that a device must reach'),
});

/** α, ε with its factor from round to round and its least value, and c of the paper. */
type OortOptions = z.infer<typeof options>;

/** Of a device that has answered: its statistical utility, its last round, its time in virtual seconds. */
type Known = readonly [utility: number, round: number, time: number];

/** Draws `size` of the candidates in proportion to their weights, without replacement (Efraimidis & Spirakis, 2006). */
const draw = (candidates: readonly { device: DeviceId; weight: number }[], size: number, source: Random): DeviceId[] => {
  return candidates
    .map(({ device, weight }) => ({ device, key: -Math.log(1 - source.uniform()) / weight }))
    .sort((a, b) => a.key - b.key || a.device - b.device)
    .slice(0, size)
    .map(({ device }) => device);
};

type Learned = { readonly known: readonly (readonly [DeviceId, Known])[]; readonly tried: readonly DeviceId[] };

const isAmount = (value: unknown): boolean => Number.isFinite(value) && (value as number) >= 0;

const parseLearned = (saved: unknown, devices: number): Learned => {
  const { known, tried } = saved as Partial<Learned>;
  const isDevice = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < devices;
  const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length <= devices;
  const isKnown = ([device, facts]: readonly unknown[]): boolean =>
    isDevice(device) && Array.isArray(facts) && facts.length === 3 && facts.every(isAmount) && facts[1] >= 1;
  if (!isList(known) || !isList(tried)) throw new Error('no lists of devices');
  // Holes are passed over by `every`, and not by these.
  for (const entry of known) if (!Array.isArray(entry) || !isKnown(entry)) throw new Error('a device of which nothing can be known');
  for (const device of tried) if (!isDevice(device)) throw new Error('a device that is none');
  return { known, tried };
};

const createOort = (settings: OortOptions, { random, devices }: SamplerContext): Sampler => {
  const { penalty, exploration, explorationDecay, leastExploration, cutoff } = settings;
  let known = new Map<DeviceId, Known>();
  /** Asked before, whatever came of it. */
  let tried = new Set<DeviceId>();

  const utilityOf = ([statistical, last, time]: Known, round: number, preferred: number): number => {
    const fresh = statistical + Math.sqrt((0.1 * Math.log(Math.max(2, round))) / last);
    return time > preferred && preferred > 0 ? fresh * (preferred / time) ** penalty : fresh;
  };

  return {
    choose: ({ round, size, busy }) => {
      const preferred = median([...known.values()].map(([, , time]) => time));
      const ranked = [...known]
        .filter(([device]) => !busy.has(device))
        .map(([device, facts]) => ({ device, weight: utilityOf(facts, round, preferred) }))
        .sort((a, b) => b.weight - a.weight || a.device - b.device);
      const share = Math.max(leastExploration, exploration * explorationDecay ** (round - 1));
      const untried: DeviceId[] = [];
      const order = random('explore', round);
      for (let device = 0; device < devices; device++) {
        if (!tried.has(deviceId(device)) && !busy.has(deviceId(device))) untried.push(deviceId(device));
      }
      const exploring = Math.min(untried.length, Math.max(Math.round(size * share), size - ranked.length));
      const exploiting = Math.min(ranked.length, size - exploring);
      const least = (ranked[exploiting - 1]?.weight ?? 0) * cutoff;
      const chosen = new Set(
        draw(
          ranked.filter(({ weight }) => weight >= least && weight > 0),
          exploiting,
          random('oort', round),
        ),
      );
      // Partial Fisher-Yates: as many of the untried as are wanted.
      for (let i = 0; i < exploring; i++) {
        const j = i + order.integer(untried.length - i);
        [untried[i], untried[j]] = [untried[j]!, untried[i]!];
        chosen.add(untried[i]!);
      }
      // Devices that were tried and never answered come last.
      for (const device of tried) {
        if (chosen.size >= size) break;
        if (!busy.has(device)) chosen.add(device);
      }
      return [...chosen].sort((a, b) => a - b);
    },
    learn: (round: number, asked: readonly ClientTask[], arrived: readonly ClientTask[]) => {
      for (const { device } of asked) tried.add(device);
      for (const { device, outcome, cost } of arrived.toSorted((a, b) => a.device - b.device)) {
        if (outcome.kind === 'update') known.set(device, [outcome.loss, round, cost === null ? 0 : secondsOf(cost)]);
      }
    },
    state: () => ({ known: [...known], tried: [...tried] }),
    restore: (saved) => {
      const state = parseLearned(saved, devices);
      known = new Map(state.known);
      tried = new Set(state.tried);
    },
  };
};

export const oort: SamplerDefinition<OortOptions> = {
  name: 'oort',
  version: '1',
  options,
  traits: { heedsStages: false, everyDeviceOnce: false },
  create: createOort,
};
