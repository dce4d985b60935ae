import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { badInput } from '../../base/errors.js';
import { readCheckpointHeader } from '../../coordinator/checkpoint/checkpoint.js';
import { keptPaths } from '../../coordinator/checkpoint/kept-files.js';
import { readSealed, writeSealed } from '../../coordinator/checkpoint/sealed-file.js';
import type { PrivateColumns } from '../../device/actor/columns.js';

/**
 * What devices keep between rounds, and what is left of their budgets, in a file next to the checkpoint. It stands for each device's own
 * storage, and never passes through the coordinator. Devices are in order, so that it does not matter how many hosts they were spread over.
 */
const MAGIC = 'METADEV1';

type Header = { readonly devices: number; readonly size: number; readonly budgets: boolean };

/** float32 of each device, or of all together where they differ. */
const sizeOf = (shards: readonly PrivateColumns[]): number => {
  const { size = 0, starts = null } = shards[0]?.state ?? {};
  return starts === null ? size : shards.reduce((sum, { state }) => sum + (state?.versions.length ?? 0) / 2, 0);
};

const headerOf = (shards: readonly PrivateColumns[]): Header => ({
  devices: shards.reduce((sum, { devices }) => sum + devices, 0),
  size: sizeOf(shards),
  budgets: shards[0]?.budgets !== undefined,
});

const stretches = (shards: readonly PrivateColumns[]): Uint8Array[] => {
  const states = [...shards.flatMap(({ state }) => state ?? []), ...shards.flatMap(({ budgets }) => budgets ?? [])];
  return [...states.map(({ rounds }) => rounds), ...states.map(({ versions }) => versions)].map((values) => new Uint8Array(values.buffer));
};

const prefixOf = (checkpoint: string): string => `${basename(checkpoint, '.checkpoint')}-devices-`;

/** Name of the file with the states that go with a checkpoint of this round. */
export const statesName = (checkpoint: string, round: number): string => `${prefixOf(checkpoint)}${round}.checkpoint`;

/** Writes the states that go with `checkpoint`, before it is written itself; returns the file's name, or null where devices keep nothing. */
export const saveDeviceStates = (checkpoint: string, round: number, shards: readonly PrivateColumns[]): string | null => {
  if (shards[0]?.state === undefined && shards[0]?.budgets === undefined) return null;
  const name = statesName(checkpoint, round);
  writeSealed(join(dirname(checkpoint), name), MAGIC, headerOf(shards), stretches(shards));
  return name;
};

/** The states a checkpoint names, or nothing where it cannot be read. */
const namedBy = (checkpoint: string): readonly string[] => {
  try {
    const { run } = readCheckpointHeader(checkpoint);
    const { devices } = ((run as { run?: unknown } | null)?.run ?? {}) as { devices?: unknown };
    return typeof devices === 'string' ? [devices] : [];
  } catch {
    return [];
  }
};

/** States that none of the kept checkpoints names are of no use. One that cannot be removed stays. */
export const dropOtherStates = (checkpoint: string, keep: number): void =>
  dropStates(checkpoint, new Set(keptPaths(checkpoint, keep).flatMap(namedBy)));

/** The same for a checkpoint of weights alone, whose states its round names. `held`: a round whose checkpoint is not a file yet. */
export const dropOtherBestStates = (checkpoint: string, held?: number): void => {
  const rounds = held === undefined ? [] : [held];
  try {
    rounds.push(readCheckpointHeader(checkpoint).round);
  } catch {
    // There is no file of an earlier round.
  }
  dropStates(checkpoint, new Set(rounds.map((round) => statesName(checkpoint, round))));
};

const dropStates = (checkpoint: string, named: ReadonlySet<string>): void => {
  const prefix = prefixOf(checkpoint);
  try {
    for (const name of readdirSync(dirname(checkpoint))) {
      if (name.startsWith(prefix) && !named.has(name)) rmSync(join(dirname(checkpoint), name), { force: true });
    }
  } catch {}
};

/** As before the first round: no device has taken part. So no device keeps a private state, and every budget is as it was at the start. */
export const forgetDeviceStates = (shards: readonly PrivateColumns[]): void => {
  for (const { state, budgets } of shards) {
    state?.rounds.fill(0);
    budgets?.rounds.fill(0);
  }
};

/** Throws CHECKPOINT naming the file. */
export const restoreDeviceStates = (checkpoint: string, name: string, shards: readonly PrivateColumns[]): void => {
  const path = join(dirname(checkpoint), basename(name));
  readSealed(path, MAGIC, (value) => {
    const expected = headerOf(shards);
    const found = (value ?? {}) as Partial<Header>;
    for (const key of ['devices', 'size', 'budgets'] as const) {
      // Files from before there were budgets say nothing of them.
      const has = found[key] ?? (key === 'budgets' ? false : undefined);
      if (has !== expected[key]) throw badInput('CHECKPOINT', `${path}, ${key}`, String(expected[key]), String(has));
    }
    return stretches(shards);
  });
};
