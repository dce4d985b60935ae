import type { Interactions, LocalModel, PrivateStateSpec } from '../../algorithms/port/client.js';
import type { NamedTensor } from '../../algorithms/port/server.js';
import { loadAlgorithm } from '../../algorithms/registry.js';
import { deviceId } from '../../base/units.js';
import { readWeights } from '../../coordinator/checkpoint/checkpoint.js';
import { digestOf } from '../../coordinator/checkpoint/digest.js';
import type { Dataset } from '../../data/dataset.js';
import type { DeviceContext } from '../../device/actor/actor.js';
import type { PrivateColumns } from '../../device/actor/columns.js';
import { createMeasure } from '../../device/actor/measure.js';
import { createPrivateState } from '../../device/actor/private-state.js';
import { keptSize } from '../../device/actor/step-state.js';
import { createBudgets } from '../../device/hardware/budgets.js';
import { elements } from '../../messages/wire-tensor.js';
import type { Config } from '../../runs/config/config.js';
import { restoreDeviceStates } from '../../runs/trainer/device-states.js';
import { planRun } from '../../runs/trainer/plan.js';
import { loadUpdateSteps } from '../../updates/device-steps.js';
import { generateFor, generateShared, isShared, type Opened, userModel } from './generated.js';
import { adaptState, nearestUsers, newUserColumns, shifted } from './new-user.js';
import type { Recommender, ThetaTensor, UserModel } from './recommender.js';

/** A checkpoint, and the name of the file with the devices' private states. null: devices keep none. */
export type ChosenCheckpoint = { readonly path: string; readonly states: string | null };

export type FederatedRun = {
  readonly config: Config;
  readonly dataset: Dataset;
  /** Chooses the checkpoint. `keepsState`: whether devices keep private states. */
  choose(keepsState: boolean): ChosenCheckpoint;
  /** Threads that generate models, the caller's own included. */
  readonly threads: number;
};

/** The whole fleet as one shard, over the columns of the dataset: nothing is copied. */
const columnsOf = ({ users, parts }: Dataset, size: PrivateStateSpec['size'] | undefined, hasBudgets: boolean): PrivateColumns => {
  const { offsets } = parts.train;
  const sizes = (size: number | ((records: number) => number)): number | readonly number[] =>
    typeof size === 'number' ? size : Array.from({ length: users }, (_, user) => size(offsets[user + 1]! - offsets[user]!));
  return {
    ...{ firstDevice: 0, devices: users, ...parts },
    ...(size === undefined ? {} : { state: createPrivateState(users, sizes(size)) }),
    ...(hasBudgets ? { budgets: createBudgets(users) } : {}),
  };
};

/** Tensors of one name are pieces of one tensor, cut along its first axis. */
const thetaOf = (tensors: readonly NamedTensor[]): readonly ThetaTensor[] => {
  const names = [...new Set(tensors.map(({ name }) => name))];
  return names.map((name) => {
    const pieces = tensors.filter((tensor) => tensor.name === name);
    const numbers = pieces.reduce((sum, { bytes }) => sum + bytes().length / 4, 0);
    const { shape = [] } = pieces[0]!;
    const inner = elements(shape.slice(1));
    return {
      name,
      shape: shape.length === 0 ? [numbers] : [numbers / inner, ...shape.slice(1)],
      bytes: () => pieces.map(({ bytes }) => bytes()),
    };
  });
};

/** A run of a fleet with Θ and private states as a checkpoint has them, in this thread. The caller closes its server half. Throws CONFIG or CHECKPOINT. */
export const openTrained = async (run: FederatedRun): Promise<Opened> => {
  const { config, dataset } = run;
  const { world, settings, host } = planRun(config, dataset);
  const algorithm = await loadAlgorithm(host.algorithm, world);
  const client = algorithm.client();
  const { path, states } = run.choose(client.state !== undefined);
  // The steps' part of a device's state is in the file, too.
  const steps = await loadUpdateSteps(host.updates ?? [], { up: algorithm.wire.up, items: world.items });
  const columns = columnsOf(dataset, client.state && keptSize(client.state, steps), host.fleet !== undefined);
  const server = await algorithm.createServer({ seed: config.seed, threads: run.threads });
  try {
    server.settle();
    const { round } = readWeights(path, settings.identity, server.tensors);
    if (states !== null) restoreDeviceStates(path, states, [columns]);
    const measure = createMeasure(host.measure);
    const context: DeviceContext = { algorithm, columns, dtype: host.dtype, batch: host.batch, measure, steps };
    return { algorithm, server, context, round, items: dataset.items, seed: config.seed };
  } catch (error) {
    await server.close();
    throw error;
  }
};

/**
 * A finished run of a fleet as a recommender. Models come from the server half, and scores from the client half on the user's own ratings.
 * So a prediction has the bits that the user's device computes. Throws CONFIG or CHECKPOINT.
 */
export const openFederated = async (run: FederatedRun): Promise<Recommender> => recommenderOf(await openTrained(run));

const newUsersOf = (shared: boolean, keepsState: boolean): string => {
  if (!shared) return 'the models of the trained users that fit these ratings best, and the mean of their predictions';
  return keepsState
    ? 'the shared model, with a private part that is adapted to these ratings'
    : 'the model that every user gets, with these ratings';
};

const recommenderOf = (opened: Opened): Recommender => {
  const { algorithm, server, context, round, seed } = opened;
  const { state } = algorithm.client();
  const { devices } = context.columns;
  const shared = algorithm.traits.coldUsers || isShared(opened);

  const newUser = (ratings: Interactions): UserModel => {
    const own = newUserColumns(ratings, devices, state);
    // Its device sends nothing.
    const on: DeviceContext = { ...context, columns: own, steps: [] };
    const device = deviceId(own.firstDevice);
    const modelOf = (model: LocalModel): UserModel => userModel(opened, device, model, on);
    if (!shared) return nearestUsers({ devices, seed, generate: (some, rows) => generateFor(opened, some, rows) }, ratings, modelOf);
    const model = generateShared(opened, on, device);
    if (state !== undefined) adaptState({ algorithm, context: on, model, device, seed });
    return modelOf(model);
  };

  return {
    round,
    digest: () => digestOf(server.tensors),
    theta: () => thetaOf(server.tensors),
    models: function* (users) {
      const asked = users.map(deviceId);
      let at = 0;
      for (const model of generateFor(opened, asked, null)) yield userModel(opened, asked[at++]!, model, context);
    },
    newUsers: newUsersOf(shared, state !== undefined),
    // An algorithm for users like these knows their level itself.
    newUser: (ratings) => (algorithm.traits.coldUsers ? newUser(ratings) : shifted(newUser(ratings), ratings)),
    close: async () => {
      await server.close();
    },
  };
};
