import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { deviceId, joules, seconds } from '../../../src/base/units.js';
import { writeCheckpoint } from '../../../src/coordinator/checkpoint/checkpoint.js';
import { keptPaths } from '../../../src/coordinator/checkpoint/kept-files.js';
import type { PrivateColumns } from '../../../src/device/actor/columns.js';
import { keepState, stateBefore, stateSize } from '../../../src/device/actor/private-state.js';
import { keepLevel, levelIn } from '../../../src/device/hardware/budgets.js';
import { dropOtherStates, forgetDeviceStates, restoreDeviceStates, saveDeviceStates } from '../../../src/runs/trainer/device-states.js';
import { shardDataset } from '../../../src/runs/trainer/shards.js';
import { datasetOf } from '../../support/runs/small-dataset.js';
import { temporaryFolder } from '../../support/transport/small-run.js';

const DATASET = datasetOf([3, 1, 4, 1, 5, 9, 2]);
const SIZE = 3;
const shardsOf = (hosts: number, size = SIZE): readonly PrivateColumns[] => shardDataset(DATASET, hosts, size);

/** Shards in which every number is another. */
const filled = (hosts: number): readonly PrivateColumns[] => {
  const shards = shardsOf(hosts);
  for (const { firstDevice, state } of shards) {
    state!.rounds.forEach((_, i) => {
      state!.rounds[i] = firstDevice + i;
    });
    state!.versions.forEach((_, i) => {
      state!.versions[i] = 1000 + 2 * SIZE * firstDevice + i + 0.5;
    });
  }
  return shards;
};

const contentOf = (shards: readonly PrivateColumns[]) => ({
  rounds: shards.flatMap(({ state }) => [...state!.rounds]),
  versions: shards.flatMap(({ state }) => [...state!.versions]),
});

const refusal = (restore: () => void): string => {
  try {
    restore();
  } catch (error) {
    if (isMetafleetError(error, 'CHECKPOINT')) return error.message;
    throw error;
  }
  return 'none';
};

describe('the states of devices', () => {
  it('are read back by any number of hosts, from a file next to the checkpoint', async () => {
    const folder = await temporaryFolder();
    const name = saveDeviceStates(`${folder}/last.checkpoint`, 12, filled(3));
    expect(name).toBe('last-devices-12.checkpoint');
    expect(readdirSync(folder)).toEqual([name]);
    for (const hosts of [1, 2, 3, 7]) {
      const shards = shardsOf(hosts);
      restoreDeviceStates(`${folder}/last.checkpoint`, name!, shards);
      expect(contentOf(shards)).toEqual(contentOf(filled(1)));
    }
  });

  it('are the same bytes on any number of hosts', async () => {
    const folder = await temporaryFolder();
    const files = [1, 2, 7].map((hosts) =>
      readFileSync(`${folder}/${saveDeviceStates(`${folder}/${hosts}.checkpoint`, 1, filled(hosts))}`),
    );
    expect(files[1]).toEqual(files[0]);
    expect(files[2]).toEqual(files[0]);
  });

  it('may be of another size on each device, by its training records', async () => {
    const folder = await temporaryFolder();
    const checkpoint = `${folder}/last.checkpoint`;
    const twice = (records: number) => 2 * records;
    const shards = (hosts: number) => shardDataset(DATASET, hosts, twice);
    const sizes = [3, 1, 4, 1, 5, 9, 2].map(twice);
    const numbered = (hosts: number) => {
      const made = shards(hosts);
      for (const { firstDevice, devices, state } of made)
        for (let index = 0; index < devices; index++) {
          expect(stateSize(state, index)).toBe(sizes[firstDevice + index]);
          const values = (version: number) =>
            Float32Array.from({ length: stateSize(state, index) }, (_, i) => version + firstDevice + index + i / 64);
          keepState(state!, index, 2, values(100), values(200));
        }
      return made;
    };
    const files = [1, 2, 7].map((hosts) =>
      readFileSync(`${folder}/${saveDeviceStates(`${folder}/${hosts}.checkpoint`, 1, numbered(hosts))}`),
    );
    expect(files[1]).toEqual(files[0]);
    expect(files[2]).toEqual(files[0]);
    const name = saveDeviceStates(checkpoint, 12, numbered(3))!;
    for (const hosts of [1, 2, 3, 7]) {
      const restored = shards(hosts);
      restoreDeviceStates(checkpoint, name, restored);
      expect(contentOf(restored)).toEqual(contentOf(numbered(1)));
    }
    expect(refusal(() => restoreDeviceStates(checkpoint, name, shardsOf(1)))).toBe(`${folder}/${name}, size: expected ${SIZE}, found 50`);
    const fewer = shardDataset(datasetOf([3, 1, 4, 1, 5, 9, 1]), 1, twice);
    expect(refusal(() => restoreDeviceStates(checkpoint, name, fewer))).toBe(`${folder}/${name}, size: expected 48, found 50`);
  });

  it('are no file where devices keep nothing', async () => {
    const folder = await temporaryFolder();
    expect(saveDeviceStates(`${folder}/last.checkpoint`, 1, shardsOf(2, 0))).toBeNull();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that none of the kept checkpoints names are dropped, and nothing else', async () => {
    for (const checkpoint of ['last.checkpoint', 'run0.checkpoint', 'plain', '0.checkpoint.old']) {
      const folder = await temporaryFolder();
      const path = `${folder}/${checkpoint}`;
      const others = ['best.checkpoint', 'other-devices-1.checkpoint', checkpoint, 'devices-1.checkpoint'];
      for (const name of others) writeFileSync(`${folder}/${name}`, '');
      const names = [1, 2, 10].map((round) => saveDeviceStates(path, round, shardsOf(1))!);
      const [newest, before, oldest] = keptPaths(path, 3) as [string, string, string];
      const naming = (place: string, devices: string): void => {
        const run = { state: null, run: { devices } };
        writeCheckpoint(place, { algorithm: 'fedavg', round: 1, optimizer: null, run, weightsOnly: false, tensors: [] });
      };
      naming(newest, names[2]!);
      naming(before, names[0]!);
      writeFileSync(oldest, 'damaged');
      const kept = [...others, basename(before), basename(oldest)];
      dropOtherStates(path, 3);
      expect(readdirSync(folder).sort()).toEqual([...kept, names[0]!, names[2]!].sort());
      dropOtherStates(path, 1);
      expect(readdirSync(folder).sort()).toEqual([...kept, names[2]!].sort());
    }
  });

  it('are found where the checkpoint was moved to, whatever folder the name speaks of', async () => {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    const name = saveDeviceStates(`${from}/last.checkpoint`, 1, filled(1))!;
    copyFileSync(`${from}/${name}`, `${to}/${name}`);
    rmSync(`${from}/${name}`);
    const shards = shardsOf(1);
    restoreDeviceStates(`${to}/last.checkpoint`, `../elsewhere/${name}`, shards);
    expect(contentOf(shards)).toEqual(contentOf(filled(1)));
  });

  it('are forgotten with the budgets: each device is as it was before the first round', () => {
    const [fresh, spent] = [shardDataset(DATASET, 2, SIZE, 'budgets'), shardDataset(DATASET, 2, SIZE, 'budgets')];
    const full = { battery: joules(9), dataUsed: 0, at: seconds(0) };
    const left = { battery: joules(1), dataUsed: 5, at: seconds(7) };
    for (const { state, budgets, devices } of spent) {
      for (let index = 0; index < devices; index++) {
        keepState(state!, index, 3, Float32Array.of(1, 1, 1), Float32Array.of(2, 2, 2));
        keepLevel(budgets!, index, 3, full, left);
      }
    }
    const seenBy = ({ state, budgets, firstDevice, devices }: PrivateColumns) =>
      Array.from({ length: devices }, (_, index) => [
        stateBefore(state, { size: SIZE, initial: () => new Float32Array(SIZE) }, index, deviceId(firstDevice + index), 4, 1),
        levelIn(budgets!, index, 4, 'before', () => full),
      ]);
    expect(spent.map(seenBy)).not.toEqual(fresh.map(seenBy));
    forgetDeviceStates(spent);
    expect(spent.map(seenBy)).toEqual(fresh.map(seenBy));
  });

  it('are refused with one CHECKPOINT error that names the file, when it is damaged, of another fleet, or gone', async () => {
    const folder = await temporaryFolder();
    const checkpoint = `${folder}/last.checkpoint`;
    const name = saveDeviceStates(checkpoint, 1, filled(2))!;
    const path = `${folder}/${name}`;
    const whole = readFileSync(path);
    const restored = (bytes: Uint8Array, shards = shardsOf(1)): string => {
      writeFileSync(path, bytes);
      const message = refusal(() => restoreDeviceStates(checkpoint, name, shards));
      expect(message).toMatch(/^[^\n]*$/);
      return message.replace(path, 'FILE');
    };
    const flipped = Uint8Array.from(whole);
    flipped[flipped.length - 40]! ^= 1;
    expect(restored(flipped)).toBe('FILE: expected the checksum it ends with, found other content: the file is damaged');
    expect(restored(whole.subarray(0, -1))).toBe('FILE: expected a whole checkpoint, found a file that ends too early');
    expect(restored(Buffer.concat([whole, Buffer.of(0)]))).toBe('FILE: expected nothing behind the checksum, found more');
    expect(restored(Buffer.from('METAFLT1, or so it says'))).toBe('FILE: expected the magic "METADEV1", found "METAFLT1"');
    expect(restored(whole, shardsOf(1, SIZE + 1))).toBe('FILE, size: expected 4, found 3');
    expect(restored(whole, shardDataset(datasetOf([1, 1]), 1, SIZE))).toBe('FILE, devices: expected 2, found 7');
    expect(restored(whole)).toBe('none');
    rmSync(path);
    expect(refusal(() => restoreDeviceStates(checkpoint, name, shardsOf(1)))).toContain(`${path}: the checkpoint could not be opened`);
  });
});
