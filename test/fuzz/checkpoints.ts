import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { createAlgorithm } from '../../src/algorithms/registry.js';
import { seconds } from '../../src/base/units.js';
import { createCoordinator } from '../../src/coordinator/coordinator.js';
import type { RoundState } from '../../src/coordinator/round/round.js';
import { parseSavedRun } from '../../src/runs/trainer/saves.js';
import { clientTasksOf } from '../support/coordinator/client-tasks.js';
import { contextFor, createInProcess, meanOf, PLAIN_ROUNDS, samplerOf, settingsOf } from '../support/coordinator/in-process-coordinator.js';
import { setupOf, WORLD } from '../support/device/small-world.js';
import { mutateBytes, mutateTree } from './mutate.js';
import { checkPrototypes, checkRefusal, type Target, Wrong } from './target.js';

const PREFIX = 12;
const CHECKSUM = 32;

/** Buffered rounds and a sampler that learns: there is something to carry from round to round. */
const SETTINGS = settingsOf({
  sampler: samplerOf('oort'),
  policy: { ...PLAIN_ROUNDS.policy, kind: 'buffered', concurrency: 5, timeout: seconds(9) },
});

/** With a header of another's choosing, and the checksum that goes with it. */
const sealed = (header: unknown, body: Uint8Array): Uint8Array => {
  const text = Buffer.from(JSON.stringify(header) ?? '');
  const prefix = Buffer.alloc(PREFIX);
  prefix.write('METAFLT1', 'latin1');
  prefix.writeUInt32LE(text.length, 8);
  const content = Buffer.concat([prefix, text, body]);
  return Buffer.concat([content, createHash('sha256').update(content).digest()]);
};

export const checkpoints = async (): Promise<Target> => {
  const folder = mkdtempSync(join(tmpdir(), 'metafleet-fuzz-'));
  const path = join(folder, 'last.checkpoint');
  const algorithm = createAlgorithm(setupOf(), WORLD);
  const server = await algorithm.createServer({ seed: 1, threads: 1 });
  const devices = createInProcess({ context: contextFor({ algorithm }) });
  const activity = new Uint32Array(WORLD.devices).fill(3);
  const engine = { algorithm, server, world: WORLD };
  const coordinator = createCoordinator({ ...engine, devices, settings: SETTINGS, activity, aggregator: meanOf(engine), emit: () => {} });
  await coordinator.train(2);
  const run = { epochsEnded: 0, best: { value: null, epoch: 0, waited: 0 }, devices: null, observers: { some: ['state', 1] } };
  await coordinator.save(path, run, { weightsOnly: false, keep: 1, hold: false });
  const whole = new Uint8Array(readFileSync(path));
  const digest = coordinator.digest();
  const length = Buffer.from(whole.buffer).readUInt32LE(8);
  const header: unknown = JSON.parse(Buffer.from(whole).toString('utf8', PREFIX, PREFIX + length));
  const body = whole.subarray(PREFIX + length, -CHECKSUM);
  const { roundState: behind } = header as { roundState: number };
  const weights = body.subarray(0, -behind);
  const { rounds, sampler } = deserialize(body.subarray(-behind)) as { rounds: RoundState; sampler: unknown };
  const roundState = { rounds: { ...rounds, inFlight: clientTasksOf(algorithm.wire.up), norms: [0.5, 2] }, sampler };
  const packed = serialize(roundState);
  const withRoundState = (bytes: Uint8Array): Uint8Array =>
    sealed({ ...(header as object), roundState: bytes.length }, Buffer.concat([weights, bytes]));
  return {
    make: (source) => {
      const kind = source.uniform();
      if (kind < 0.2) return withRoundState(serialize(mutateTree(roundState, source)));
      if (kind < 0.3) return withRoundState(mutateBytes(packed, body, source));
      if (kind < 0.5) return sealed(mutateTree(header, source), body);
      if (kind < 0.6) return sealed(mutateTree(header, source), mutateBytes(body, whole, source));
      // Within the first kilobytes: what follows is numbers.
      if (kind < 0.9)
        return Buffer.concat([mutateBytes(whole.subarray(0, PREFIX + length), whole, source), whole.subarray(PREFIX + length)]);
      return mutateBytes(whole, whole, source);
    },
    check: async (input) => {
      writeFileSync(path, input);
      let accepted = false;
      try {
        const restored = coordinator.restore(path);
        if (!Number.isSafeInteger(restored.round) || restored.round < 0) throw new Wrong(`a round ${restored.round}`);
        const start = PREFIX + Buffer.from(input).readUInt32LE(8);
        const sameWeights = Buffer.compare(input.subarray(start, start + weights.length), weights) === 0;
        if (sameWeights && coordinator.digest() !== digest) throw new Wrong('another Θ than the file holds');
        parseSavedRun(restored.run, path);
        // What was accepted can be gone on from.
        if (sameWeights && restored.round === 2) await coordinator.train(3);
        accepted = true;
      } catch (error) {
        if (error instanceof Wrong) throw error;
        checkRefusal(error, 'CHECKPOINT');
      }
      checkPrototypes();
      return accepted;
    },
    close: async () => {
      await coordinator.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
