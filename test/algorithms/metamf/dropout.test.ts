import { describe, expect, it } from 'vitest';
import { dropoutOf, silence } from '../../../src/algorithms/metamf/dropout.js';
import { deviceId } from '../../../src/base/units.js';
import { EVEN, joined, prepareFor, randomServer, WORLD } from '../../support/metamf/fleet.js';

const OPTIONS = { ...EVEN, hidden: 500, dropout: 0.3 };
const masks = (devices: readonly number[], round: number, branch = 0, options = OPTIONS): number[][] => {
  const { hidden } = options;
  const values = new Float32Array(devices.length * hidden).fill(1);
  silence(values, devices.map(deviceId), branch, dropoutOf(options, 7, round)!);
  return devices.map((_, position) => Array.from(values.subarray(position * hidden, (position + 1) * hidden)));
};

describe('dropout', () => {
  it('silences its share of the units, and raises the others so that the mean stays', () => {
    const all = masks(
      Array.from({ length: 200 }, (_, device) => device),
      1,
    ).flat();
    expect(new Set(all)).toEqual(new Set([0, Math.fround(1 / 0.7)]));
    const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
    // Five standard deviations of a mean of 100,000.
    expect(Math.abs(mean - 1)).toBeLessThan((5 * Math.sqrt(0.3 / 0.7)) / Math.sqrt(all.length));
  });

  it('is keyed by round, device and layer, not by the place in the cohort', () => {
    const [first, second] = masks([4, 9], 1);
    expect(masks([1, 2, 9], 1)[2]).toEqual(second);
    for (const other of [second, masks([4], 2)[0], masks([4], 1, 1)[0]]) expect(other).not.toEqual(first);
  });

  it('changes the models of training, and no model of a measurement', async () => {
    const modelsOf = async (dropout: number, round: number | null) => {
      const { server } = await randomServer(WORLD, { ...EVEN, dropout });
      prepareFor(server, [3, 5].map(deviceId), round);
      const models = server
        .generate(0, [null, null])()
        .map((model) => model.map(joined));
      await server.close();
      return models;
    };
    expect(await modelsOf(0.3, null)).toEqual(await modelsOf(0, 1));
    expect(await modelsOf(0.3, 1)).not.toEqual(await modelsOf(0, 1));
    expect(await modelsOf(0.3, 2)).not.toEqual(await modelsOf(0.3, 1));
    expect(await modelsOf(0.3, 2)).toEqual(await modelsOf(0.3, 2));
  });
});
