import type { Config } from '../../runs/config/config.js';
import { chosen, setupOf } from '../../runs/config/definitions.js';
import { UPDATE_STEP } from '../../updates/registry.js';

/** Standard deviation of the noise that devices add to each number of an update. It is no secret: the configuration says it. */
export const deviceNoise = (config: Config, announced: readonly number[]): number => {
  let [bound, variance, told]: [number | null, number, number] = [null, 0, 0];
  for (const name of config.updates) {
    const { definition } = chosen(UPDATE_STEP, name);
    const options = setupOf(config, UPDATE_STEP, name).options as { readonly bound?: number };
    const spend = definition.spend?.(options) ?? null;
    if (spend !== null && spend.kind !== 'marks' && spend.where === 'device') {
      const width = spend.multiplier * (bound ?? options.bound ?? 1);
      variance += width ** 2 * (spend.kind === 'laplace' ? 2 : 1);
    }
    if (definition.traits.announces === true) bound = announced[told++] ?? bound;
    bound = definition.bound?.(options)?.most ?? bound;
  }
  return Math.sqrt(variance);
};
