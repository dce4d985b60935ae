import { describe, expect, it } from 'vitest';
import { createAlgorithm } from '../../../src/algorithms/registry.js';
import { deviceId } from '../../../src/base/units.js';
import { inspectRun } from '../../../src/runs/trainer/inspect.js';
import { planRun } from '../../../src/runs/trainer/plan.js';
import { scoresOf } from '../../support/algorithms/client-half.js';
import { epochsOf, failureOf, finish, smallConfig, smallData, temporaryFolder } from '../../support/transport/small-run.js';

const CHANGES = { epochs: 3, optimizer: { rate: 0.02 } };

const trained = async () => {
  const folder = await temporaryFolder();
  const checkpoints = { last: `${folder}/last.checkpoint`, best: `${folder}/best.checkpoint` };
  const { events } = await finish({ config: CHANGES, checkpoints });
  return { checkpoints, epochs: epochsOf(events) };
};

const inspect = async (checkpoint: string) => inspectRun({ config: smallConfig(CHANGES), dataset: await smallData(), checkpoint });

const total = (column: Float64Array): number => column.reduce((sum, value) => sum + value, 0);

describe('a finished run that is looked at', () => {
  it('has device by device the error sums that its epochs were measured by, from either checkpoint', async () => {
    const { checkpoints, epochs } = await trained();
    for (const [checkpoint, epoch] of [
      [checkpoints.best, epochs.findLast(({ best }) => best)!],
      [checkpoints.last, epochs.at(-1)!],
    ] as const) {
      const inspection = await inspect(checkpoint);
      try {
        expect(inspection.round).toBe(epoch.round);
        const scores = await inspection.measure();
        for (const part of ['valid', 'test'] as const) {
          const { count, sums } = scores[part];
          expect(total(count)).toBe(epoch[part].count);
          expect(total(sums[1]!) / total(sums[0]!)).toBeCloseTo(epoch[part].metrics['mae']!, 12);
          expect(total(sums[3]!) / total(sums[2]!)).toBeCloseTo(epoch[part].metrics['mse']!, 12);
        }
      } finally {
        await inspection.close();
      }
    }
  });

  it('generates the models by which those errors come about', async () => {
    const { checkpoints } = await trained();
    const dataset = await smallData();
    const { host, world } = planRun(smallConfig(CHANGES), dataset);
    const algorithm = createAlgorithm(host.algorithm, world);
    const inspection = await inspect(checkpoints.best);
    try {
      const scores = await inspection.measure();
      const devices = [deviceId(2), deviceId(5)];
      const rows = Uint32Array.from({ length: dataset.items }, (_, item) => item);
      const models = await inspection.models(devices, rows);
      devices.forEach((device, index) => {
        const ratings = ({ offsets, items, values }: typeof dataset.parts.test) => ({
          items: items.slice(offsets[device], offsets[device + 1]),
          values: values.slice(offsets[device], offsets[device + 1]),
        });
        const test = ratings(dataset.parts.test);
        const own = { train: ratings(dataset.parts.train) };
        const predicted = scoresOf(algorithm, { rows, tensors: models[index]! }, own, test.items, new Float32Array(0));
        const squared = predicted.reduce((sum, value, i) => sum + (value - test.values[i]!) ** 2, 0);
        expect(squared).toBeCloseTo(scores.test.sums[3]![device]!, 5);
      });
    } finally {
      await inspection.close();
    }
  });

  it('is refused with CHECKPOINT where devices keep what the weights do not hold, or the file is none', async () => {
    const { checkpoints } = await trained();
    const fedavg = inspectRun({
      config: smallConfig({ algorithm: 'fedavg' }),
      dataset: await smallData(),
      checkpoint: checkpoints.best,
    });
    expect(await failureOf(fedavg)).toMatchObject({ code: 'CHECKPOINT', message: expect.stringContaining('keep nothing between rounds') });
    expect(await failureOf(inspect(`${checkpoints.best}.gone`))).toMatchObject({ code: 'CHECKPOINT' });
  });
});
