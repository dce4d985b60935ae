import { loadAlgorithm } from '../../algorithms/registry.js';
import { badInput } from '../../base/errors.js';
import { type DeviceId, deviceId } from '../../base/units.js';
import type { FleetScores } from '../../coordinator/evaluation/inspect.js';
import type { Dataset } from '../../data/dataset.js';
import { startFleet } from '../../transport/supervisor/fleet.js';
import { orDeath } from '../../transport/threads/control.js';
import type { Config } from '../config/config.js';
import { planRun } from './plan.js';
import { shardDataset } from './shards.js';

/** A finished run taken up again, not to train but to be looked at. */
export type Inspection = {
  /** The round after which the checkpoint was taken. */
  readonly round: number;
  /** Error sums of every device on its validation and test ratings. */
  measure(): Promise<FleetScores>;
  /** Φ_u of each device (distinct, ascending) with `rows` of the item tensors, tensor by tensor as the algorithm lists them. */
  models(devices: readonly DeviceId[], rows: Uint32Array): Promise<readonly (readonly Float32Array[])[]>;
  close(): Promise<void>;
};

export type InspectOptions = {
  readonly config: Config;
  readonly dataset: Dataset;
  /** A run's last or best checkpoint. */
  readonly checkpoint: string;
};

/** Models generated in one call: they cross between threads as a whole. */
const CHUNK = 256;

/** Starts a fleet with the weights of a checkpoint. Throws CONFIG and CHECKPOINT; CHECKPOINT, too, where devices keep a state that the weights do not hold. */
export const inspectRun = async ({ config, dataset, checkpoint }: InspectOptions): Promise<Inspection> => {
  const { world, threads, settings, host } = planRun(config, dataset);
  if ((await loadAlgorithm(host.algorithm, world)).client().state !== undefined)
    throw badInput('CHECKPOINT', checkpoint, 'an algorithm whose devices keep nothing between rounds', config.algorithm);
  const fleet = await startFleet({
    coordinator: { algorithm: host.algorithm, world, settings, threads },
    host,
    shards: shardDataset(dataset, threads, 0, 'none', world.userFeatures && 'features'),
    onEvent: () => {},
  });
  try {
    const { coordinator, death } = fleet;
    const { round } = await orDeath(coordinator.restoreWeights(checkpoint), death);
    return {
      round,
      measure: () => orDeath(coordinator.scoreFleet(), death),
      models: async (devices, rows) => {
        const models: (readonly Float32Array[])[] = [];
        for (let first = 0; first < devices.length; first += CHUNK) {
          const some = devices.slice(first, first + CHUNK).map(deviceId);
          models.push(...(await orDeath(coordinator.models(some, rows), death)));
        }
        return models;
      },
      close: () => fleet.close(),
    };
  } catch (error) {
    await fleet.close();
    throw error;
  }
};
