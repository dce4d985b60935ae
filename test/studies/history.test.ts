import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bestSoFar, readEpochs, readEpochsWithCosts } from '../../src/studies/history.js';
import { failureOf, temporaryFolder } from '../support/transport/small-run.js';

const lines = (objects: readonly object[]): string => objects.map((each) => `${JSON.stringify(each)}\n`).join('');

const epoch = (number: number, round: number, validMse: number | null, testMse: number) => ({
  ...{ epoch: number, round, validMse, testMse, validMae: 0.5, testMae: 0.6, millis: 100 },
});

const folderWith = async (epochs: string, rounds: string): Promise<string> => {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, 'epochs.ndjson'), epochs);
  writeFileSync(join(folder, 'rounds.ndjson'), rounds);
  return folder;
};

describe('the history of a run', () => {
  it('has with each measured epoch what all rounds until then had cost', async () => {
    const rounds = [1, 2, 3, 4, 5].map((round) => ({ round, bytesDown: 10 * round, bytesUp: round, millis: 7, cpuMillis: 9 }));
    const folder = await folderWith(lines([epoch(1, 2, 0.9, 0.95), epoch(2, 4, 0.8, 0.85)]), `${lines(rounds)}{"round":6,"by`);
    const points = await readEpochsWithCosts(folder);
    expect(
      points.map(({ bytesDown, bytesUp, trainMillis, wallMillis, cpuMillis }) => [bytesDown, bytesUp, trainMillis, wallMillis, cpuMillis]),
    ).toEqual([
      [30, 3, 14, 114, 18],
      [100, 10, 28, 228, 36],
    ]);
    expect(points.map(({ epoch: number, test }) => [number, test.mse])).toEqual([
      [1, 0.95],
      [2, 0.85],
    ]);
    expect(points).toMatchObject(readEpochs(folder));
  });

  it('tells the epoch that early stopping would keep at each point, chosen by validation alone', async () => {
    const folder = await folderWith(
      lines([epoch(1, 2, 0.9, 0.7), epoch(2, 4, 0.8, 0.85), epoch(3, 6, null, 0.1), epoch(4, 8, 0.85, 0.2)]),
      '',
    );
    expect(bestSoFar(readEpochs(folder), 'mse').map(({ epoch: number }) => number)).toEqual([1, 2, 2, 2]);
  });

  it('is refused where there is none', async () => {
    const folder = await temporaryFolder();
    expect(await failureOf(readEpochsWithCosts(folder))).toMatchObject({
      code: 'CHECKPOINT',
      message: `${join(folder, 'epochs.ndjson')}: expected the epochs of a run, found nothing`,
    });
  });
});
