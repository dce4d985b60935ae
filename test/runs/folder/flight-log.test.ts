import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deviceId, millis } from '../../../src/base/units.js';
import type { RecordedFlight } from '../../../src/events/flights.js';
import { openFlightLog, readFlights } from '../../../src/runs/folder/flight-log.js';

let root: string;
let folder: string;
const warned: string[] = [];
const warn = (text: string): void => void warned.push(text);
const flight = (device: number): RecordedFlight => ({ device: deviceId(device), steps: [{ step: 'sampled', millis: millis(0) }] });
const roundsOf = async (device: number): Promise<number[]> => (await readFlights(folder, deviceId(device))).map(({ round }) => round);
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'metafleet-flights-'));
  folder = join(root, 'flights');
  warned.length = 0;
});
afterEach(() => rm(root, { recursive: true, force: true }));

const record = async (from: number, to: number, maxBytes = 1e6): Promise<void> => {
  const log = openFlightLog(folder, { maxBytes, warn });
  for (const round of range(from, to)) log.append(round, [flight(1), flight(11)]);
  await log.close();
};

describe('the flight log', () => {
  it('gives back what befell a device, and no other', async () => {
    await record(1, 5);
    expect(await roundsOf(1)).toEqual(range(1, 5));
    expect(await readFlights(folder, deviceId(11), 2)).toEqual(
      range(4, 5).map((round) => ({ device: 11, round, steps: flight(11).steps })),
    );
    expect(await roundsOf(111)).toEqual([]);
    expect(await readFlights(join(root, 'none'), deviceId(1))).toEqual([]);
  });

  it('makes nothing where nothing is recorded', async () => {
    const log = openFlightLog(folder, { maxBytes: 1000, warn });
    log.append(1, []);
    await log.close();
    expect(await readdir(root)).toEqual([]);
  });

  it('stays under its cap, whatever comes, and keeps the latest', async () => {
    const log = openFlightLog(folder, { maxBytes: 8000, warn });
    for (const round of range(1, 2000)) {
      log.append(round, [flight(1)]);
      if (round % 7 === 0) await log.flush();
    }
    await log.close();
    const sizes = await Promise.all((await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total).toBeLessThanOrEqual(8000);
    expect(total).toBeGreaterThan(6000);
    const rounds = await roundsOf(1);
    expect(rounds).toEqual(range(rounds[0]!, 2000));
  });

  it('stays under its cap when it is taken up again and again', async () => {
    for (const start of range(0, 30)) await record(start * 10 + 1, start * 10 + 10, 8000);
    expect((await readdir(folder)).length).toBeLessThanOrEqual(8);
  });

  it('has each round once after a resume from an earlier checkpoint', async () => {
    await record(1, 100, 8000);
    const before = await roundsOf(1);
    const log = openFlightLog(folder, { maxBytes: 8000, warn });
    await log.cutAfter(90);
    for (const round of range(91, 95)) log.append(round, [flight(1)]);
    await log.close();
    expect(await roundsOf(1)).toEqual(before.filter((round) => round <= 95));
  });

  it('reads what still waits to be written', async () => {
    const log = openFlightLog(folder, { maxBytes: 8000, warn, flushMillis: 1e9 });
    log.append(1, [flight(1)]);
    expect(await log.read(deviceId(1), 10)).toHaveLength(1);
    await log.close();
  });

  it('passes over a line that was cut short', async () => {
    await record(1, 2);
    const [name] = await readdir(folder);
    await appendFile(join(folder, name!), '{"device":1,"round":3,"st');
    expect(await roundsOf(1)).toEqual([1, 2]);
    const log = openFlightLog(folder, { maxBytes: 1e6, warn });
    await log.cutAfter(3);
    await log.close();
    expect(await readFile(join(folder, name!), 'utf8')).toMatch(/\]\}\n$/);
  });

  it('loses lines, with one warning, where it cannot write, and never disturbs the run', async () => {
    await writeFile(folder, 'a file where the folder should be');
    const log = openFlightLog(folder, { maxBytes: 8000, warn });
    for (const round of range(1, 3)) {
      log.append(round, [flight(1)]);
      await log.flush();
    }
    await log.close();
    expect(warned).toHaveLength(1);
    expect(warned[0]).toMatch(/flight records are being lost, the run goes on/);
  });
});
