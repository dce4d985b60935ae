import { describe, expect, it } from 'vitest';
import { deviceId } from '../../../src/base/units.js';
import { ATTACKS, type Attack, type Byzantine, isByzantine, withAttack } from '../../../src/device/faults/byzantine.js';
import type { Update } from '../../../src/messages/message.js';
import { DTYPES, type Dtype } from '../../../src/messages/tensor-form.js';
import { decodeTensor, encodeTensor, shapeOf, type TensorSpec } from '../../../src/messages/wire-tensor.js';

const SPECS: readonly TensorSpec[] = [
  { name: 'items', perRow: true, shape: [4] },
  { name: 'dense', perRow: false, shape: [3] },
];
const VALUES = [Float32Array.of(1, -2, 3, -4, 0.5, 0.25, -0.5, 1), Float32Array.of(8, -8, 4)];
const rows = Uint32Array.of(3, 9);

const updateOf = (dtype: Dtype, device = 5, round = 7): Update => ({
  ...{ kind: 'update', round, device: deviceId(device), count: 2, loss: 1.5, rows },
  tensors: SPECS.map((spec, index) => encodeTensor(dtype, shapeOf(spec, rows.length), [VALUES[index]!])),
});
const valuesOf = ({ tensors }: Update, dtype: Dtype): number[][] =>
  SPECS.map((spec, index) => [...decodeTensor(tensors[index]!, dtype, spec, rows.length, 'test')]);
const byzantine = (attacks: readonly Attack[], changes: Partial<Byzantine> = {}): Byzantine => ({
  seed: 1,
  share: 1,
  attacks,
  factor: 100,
  ...changes,
});

describe('a device that attacks', () => {
  it.each(DTYPES)('sends a number that is none, in %s', (dtype) => {
    const [items, dense] = valuesOf(withAttack(updateOf(dtype), byzantine(['nan']), SPECS), dtype);
    expect(items!.some(Number.isNaN)).toBe(true);
    expect(dense).toEqual(valuesOf(updateOf(dtype), dtype)[1]);
  });

  it.each(['f32', 'int8'] as const)('sends its update the other way and so many times as long, in %s', (dtype) => {
    const honest = valuesOf(updateOf(dtype), dtype).flat();
    valuesOf(withAttack(updateOf(dtype), byzantine(['norm']), SPECS), dtype)
      .flat()
      .forEach((value, index) => {
        expect(value / (-100 * honest[index]!)).toBeCloseTo(1, 1);
      });
  });

  it('speaks of a row it does not send, or of the round before', () => {
    const { tensors } = withAttack(updateOf('f32'), byzantine(['shape']), SPECS);
    expect(tensors.map(({ shape }) => shape)).toEqual([[3, 4], [3]]);
    expect(tensors.map(({ data }) => data)).toEqual(updateOf('f32').tensors.map(({ data }) => data));
    expect(withAttack(updateOf('f32'), byzantine(['round']), SPECS)).toEqual({ ...updateOf('f32'), round: 6 });
  });

  it('is always the same one, a share of the fleet, and draws its attack anew each round', () => {
    const members = Array.from({ length: 4000 }, (_, device) => isByzantine({ seed: 3, share: 0.1 }, deviceId(device)));
    const share = members.filter(Boolean).length / members.length;
    expect(share).toBeGreaterThan(0.08);
    expect(share).toBeLessThan(0.12);
    const told = Array.from({ length: 60 }, (_, round) => withAttack(updateOf('f32', 5, round + 2), byzantine(ATTACKS), SPECS));
    expect(told.filter((update, index) => update.round === index + 1).length).toBeGreaterThan(5);
    expect(withAttack(updateOf('f32', 5, 9), byzantine(ATTACKS), SPECS)).toEqual(
      withAttack(updateOf('f32', 5, 9), byzantine(ATTACKS), SPECS),
    );
  });

  it('tells the truth where nobody attacks', () => {
    for (const honest of [byzantine(ATTACKS, { share: 0 }), byzantine([])])
      expect(withAttack(updateOf('f32'), honest, SPECS)).toEqual(updateOf('f32'));
  });
});
