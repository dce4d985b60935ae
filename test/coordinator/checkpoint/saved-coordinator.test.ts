import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { deviceId } from '../../../src/base/units.js';
import { digestOf } from '../../../src/coordinator/checkpoint/digest.js';
import { readSealedHeader, writeSealed } from '../../../src/coordinator/checkpoint/sealed-file.js';
import { transition } from '../../../src/device/actor/actor.js';
import { shapeOf } from '../../../src/messages/wire-tensor.js';
import {
  contextFor,
  createShared,
  type Engine,
  type InProcessOptions,
  refusal,
  type Setup,
  type Shared,
  type Started,
  startCoordinator,
  WHOLE,
} from '../../support/coordinator/in-process-coordinator.js';
import { prepareFor } from '../../support/metamf/fleet.js';

let shared: Shared;
let engine: Engine;
let folder: string;

const start = (setup?: Setup): Started => startCoordinator(engine, setup);
const digest = (): string => digestOf(engine.server.tensors);

beforeAll(async () => {
  shared = await createShared();
  ({ engine, folder } = shared);
});
afterAll(() => shared.close());
beforeEach(() => shared.renew());

describe('a saved coordinator', () => {
  it('is not written before the best model its state speaks of, which is held until it can be', async () => {
    const disk = join(folder, 'not-yet-there');
    const [best, last] = [join(disk, 'best.checkpoint'), join(folder, 'last.checkpoint')];
    const { coordinator } = start();
    await coordinator.train(1);
    const atBest = digest();
    await expect(coordinator.save(best, null, { weightsOnly: true, keep: 1, hold: true })).rejects.toMatchObject({ code: 'CHECKPOINT' });
    await coordinator.train(2);
    await expect(coordinator.save(last, null, { ...WHOLE, after: best })).rejects.toThrow(`${last}: expected ${best} to be written first`);
    expect(existsSync(last)).toBe(false);
    mkdirSync(disk);
    expect(await coordinator.saveHeld(best)).toMatchObject({ round: 1 });
    const atLast = digest();
    expect(await coordinator.save(last, null, { ...WHOLE, after: best })).toMatchObject({ round: 2 });
    expect(start().coordinator.restoreWeights(best)).toEqual({ round: 1 });
    expect(digest()).toBe(atBest);
    start().coordinator.restore(last);
    expect(digest()).toBe(atLast);
  });

  it('holds the newest of the models it is to hold, and makes a file of that one alone', async () => {
    const place = mkdtempSync(join(folder, 'held-'));
    const best = join(place, 'best.checkpoint');
    const { coordinator } = start();
    expect(await coordinator.saveHeld(best)).toBeNull();
    const held = { weightsOnly: true, keep: 1, hold: true };
    for (const round of [1, 2]) {
      await coordinator.train(round);
      expect(await coordinator.save(best, 'x'.repeat(9 - 4 * round), held)).toBeNull();
      expect(readdirSync(place).every((name) => name.endsWith('.tmp'))).toBe(true);
    }
    const atBest = digest();
    await coordinator.train(3);
    expect(await coordinator.saveHeld(best)).toMatchObject({ round: 2, bytes: statSync(best).size });
    expect(await coordinator.saveHeld(best)).toBeNull();
    expect(readdirSync(place)).toEqual(['best.checkpoint']);
    expect(start().coordinator.restoreWeights(best)).toEqual({ round: 2 });
    expect(digest()).toBe(atBest);
  });

  it('goes on to the same Θ as one that was never interrupted, and gives back the run’s state', async () => {
    const straight = start();
    await straight.coordinator.train(2);
    const path = join(folder, 'middle.checkpoint');
    const state = { epochsEnded: 0, observers: [1, 'two', null] };
    // Rounds go on while it is written: they are not in it.
    const saved = straight.coordinator.save(path, state, WHOLE);
    const end = await straight.coordinator.train(5);
    const expected = digest();
    expect(await saved).toMatchObject({ round: 2 });

    shared.renew();
    const { coordinator, events } = start();
    expect(coordinator.restore(path)).toEqual({ round: 2, run: state });
    const resumed = await coordinator.train(5);
    expect(digest()).toBe(expected);
    expect(resumed).toEqual({ ...end, ran: 3 });
    const wall = { millis: expect.any(Number), cpuMillis: expect.any(Number), phases: expect.anything() };
    expect(events).toEqual(straight.events.slice(2).map((event) => ({ ...event, ...wall })));
  });

  it('holds on to a newer model that comes while the one before is made into a file', async () => {
    const best = join(folder, 'twice.checkpoint');
    const { coordinator } = start();
    const hold = () => coordinator.save(best, null, { weightsOnly: true, keep: 1, hold: true });
    await coordinator.train(1);
    await hold();
    await coordinator.train(2);
    const [file, newer] = [coordinator.saveHeld(best), hold()];
    expect(await file).toMatchObject({ round: 1 });
    expect(await newer).toBeNull();
    expect(await coordinator.saveHeld(best)).toMatchObject({ round: 2 });
    expect(start().coordinator.restoreWeights(best)).toEqual({ round: 2 });
    expect(await coordinator.saveHeld(best)).toBeNull();
  });

  it('says how long it took until the file was there, and how much of that rounds had to wait', async () => {
    const began = performance.now();
    const passed = () => performance.now() - began;
    const best = join(folder, 'timed.checkpoint');
    const { coordinator } = start();
    const saving = coordinator.save(join(folder, 'timed-last.checkpoint'), null, WHOLE);
    await coordinator.train(1);
    const saved = await saving;
    const held = coordinator.save(best, null, { ...WHOLE, hold: true });
    await coordinator.train(2);
    expect(await held).toBeNull();
    for (const { millis, waited } of [saved!, (await coordinator.saveHeld(best))!]) {
      expect(millis).toBeGreaterThan(0);
      expect(waited).toBeGreaterThan(0);
      expect(millis).toBeLessThanOrEqual(passed());
      expect(waited).toBeLessThanOrEqual(passed());
    }
  });

  it('keeps as many files as it should', async () => {
    const place = mkdtempSync(join(folder, 'kept-'));
    const path = join(place, 'last.checkpoint');
    const { coordinator } = start();
    for (const round of [1, 2, 3]) {
      await coordinator.train(round);
      expect(await coordinator.save(path, null, { ...WHOLE, keep: 2 })).toMatchObject({ round, bytes: statSync(path).size });
    }
    expect(readdirSync(place).toSorted()).toEqual(['last-1.checkpoint', 'last.checkpoint']);
    expect(start().coordinator.restore(join(place, 'last-1.checkpoint'))).toEqual({ round: 2, run: null });
  });

  it('is written before the coordinator closes, which takes its server with it', async () => {
    const path = join(folder, 'close.checkpoint');
    let closed = false;
    const close = async () => {
      closed = existsSync(path);
    };
    const { coordinator } = startCoordinator({ ...engine, server: { ...engine.server, close } });
    const saved = coordinator.save(path, null, WHOLE);
    await coordinator.close();
    expect(closed).toBe(true);
    expect(await saved).toMatchObject({ round: 0, bytes: statSync(path).size });
  });

  it('fails for one path and not for another, and for that path no longer once it could be written', async () => {
    const away = join(folder, 'away');
    const [best, last] = [join(away, 'best.checkpoint'), join(folder, 'after.checkpoint')];
    const { coordinator } = start();
    await expect(coordinator.save(best, null, WHOLE)).rejects.toMatchObject({ code: 'CHECKPOINT' });
    expect(await coordinator.save(last, null, { ...WHOLE, after: join(folder, 'other.checkpoint') })).not.toBeNull();
    await expect(coordinator.save(last, null, { ...WHOLE, after: best })).rejects.toThrow(
      'to be written first, found that it could not be',
    );
    mkdirSync(away);
    await coordinator.save(best, null, WHOLE);
    expect(await coordinator.save(last, null, { ...WHOLE, after: best })).not.toBeNull();
  });
});

describe('a saved coordinator that somebody forged', () => {
  type Header = { round: number; optimizer: unknown; run: { state: { round: number; lossSum: number; ratings: number }; run: unknown } };

  /** The checkpoint of round 2, with another header and the checksum that goes with it. */
  const forge = async (change: (header: Header) => object): Promise<string> => {
    const [path, forged] = [join(folder, 'true.checkpoint'), join(folder, 'forged.checkpoint')];
    const { coordinator } = start();
    await coordinator.train(2);
    await coordinator.save(path, 'state', WHOLE);
    const bytes = readFileSync(path);
    const body = bytes.subarray(12 + bytes.readUInt32LE(8), -32);
    writeSealed(forged, 'METAFLT1', change(readSealedHeader(path, 'METAFLT1') as Header), [body]);
    return forged;
  };
  const refused = (work: () => unknown, path: string): string => {
    try {
      work();
    } catch (error) {
      if (!isMetafleetError(error, 'CHECKPOINT')) throw error;
      expect(error.message.startsWith(path)).toBe(true);
      return error.message.slice(path.length);
    }
    return 'accepted';
  };
  const withState = (change: object) => (header: Header) => ({
    ...header,
    run: { ...header.run, state: { ...header.run.state, ...change } },
  });

  it.each<readonly [string, (header: Header) => object, string]>([
    ['with another round', withState({ round: 3 }), ', state: expected the state after round 2, found 3'],
    ['with a round in words', withState({ round: '2' }), ', state: expected the state after round 2, found 2'],
    ['without a sum', withState({ lossSum: null }), ', state.lossSum: expected a number, found null'],
    ['with ratings in words', withState({ ratings: '7' }), ', state.ratings: expected a number, found 7'],
    ['without a state', (header) => ({ ...header, run: { run: 1 } }), ', state: expected the state after round 2, found undefined'],
    [
      'with a list for a state',
      (header) => ({ ...header, run: { state: [2] } }),
      ', state: expected the state after round 2, found undefined',
    ],
    ['with nothing for a run', (header) => ({ ...header, run: null }), ', state: expected the state after round 2, found undefined'],
    ['with a word for a run', (header) => ({ ...header, run: 'state' }), ', state: expected the state after round 2, found undefined'],
  ])('is refused %s', async (_, change, text) => {
    const path = await forge(change);
    expect(refused(() => start().coordinator.restore(path), path)).toBe(text);
    expect(refused(() => start().coordinator.restoreWeights(path), path)).toBe(text);
  });

  it('is taken where it is what it was', async () => {
    const path = await forge((header) => header);
    expect(start().coordinator.restore(path)).toEqual({ round: 2, run: 'state' });
  });

  it.each<readonly [string, unknown, string]>([
    ['nothing', null, 'null'],
    ['a list', [1], '1'],
    ['a field too few', { steps: 1, variance: {} }, 'steps: number, variance: numbers by name'],
    ['a count in words', { steps: '1', variance: {}, squares: {} }, 'squares: numbers by name, steps: string, variance: numbers by name'],
    ['a list by name', { steps: 1, variance: [], squares: null }, 'squares: null, steps: number, variance: list'],
    [
      'words by name',
      { steps: 1, variance: { low: '1' }, squares: { low: 1, M: null } },
      'squares: object, steps: number, variance: object',
    ],
    ['text without end', 'x'.repeat(999), 'x'.repeat(200)],
  ])('is refused with %s for its optimizer', async (_, optimizer, found) => {
    const path = await forge((header) => ({ ...header, optimizer }));
    const text = `, optimizer: expected squares: numbers by name, steps: number, variance: numbers by name, found ${found}`;
    expect(refused(() => start().coordinator.restore(path), path)).toBe(text);
    // Who only measures needs none.
    expect(start().coordinator.restoreWeights(path)).toEqual({ round: 2 });
  });
});

describe('a coordinator that is looked into', () => {
  it('has the error sums of each device, which add up to what is measured; none of those who refuse', async () => {
    const answer: InProcessOptions['answer'] = (down, honest) => (down.kind === 'model' && down.device === 3 ? refusal(down) : honest());
    const { coordinator, devices } = start({ answer });
    const scores = await coordinator.scoreFleet();
    const answers = devices.sent
      .flat()
      .flatMap((message) => (message.kind === 'model' ? [transition(contextFor(engine), message).reply] : []));
    expect(answers).toHaveLength(12);
    for (const score of answers) {
      if (score.kind !== 'score') return expect.fail(score.kind);
      const { device } = score;
      for (const part of ['valid', 'test'] as const)
        expect([scores[part].count[device], ...scores[part].sums.map((column) => column[device])]).toEqual(
          device === 3 ? [0, 0, 0, 0, 0] : [score[part].count, ...score[part].sums],
        );
    }
    // What it took is not the next round's.
    expect(devices.takeTraffic()).toEqual([]);
    expect(devices.takeReport().activated).toBe(0);
  });

  it('has the models it would send, with the rows asked for', () => {
    const { coordinator } = start();
    const [devices, rows] = [[deviceId(1), deviceId(4)], Uint32Array.of(0, 5, 17, 39)];
    const models = coordinator.models(devices, rows);
    prepareFor(engine.server, devices, null);
    const expected = engine.server
      .generate(0, [rows, rows])()
      .map((tensors) => tensors.map((pieces) => pieces.flatMap((piece) => [...piece])));
    expect(models.map((tensors) => tensors.map((values) => [...values]))).toEqual(expected);
    expect(models[0]!.map(({ length }) => length)).toEqual(
      engine.algorithm.wire.down.map((spec) => shapeOf(spec, 4).reduce((size, axis) => size * axis, 1)),
    );
    expect(models[0]).not.toEqual(models[1]);
  });
});
