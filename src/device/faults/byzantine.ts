import { random } from '../../base/random.js';
import type { DeviceId } from '../../base/units.js';
import type { Update } from '../../messages/message.js';
import type { WireTensor } from '../../messages/tensor-form.js';
import { decodeTensor, encodeTensor, shapeOf, type TensorSpec } from '../../messages/wire-tensor.js';

/**
 * Devices that attack: a share of the fleet, always the same ones, whose updates are replaced after honest work.
 *
 *   nan     a number that is none, in the first tensor
 *   norm    the update turned round and made `factor` times as long (the scaled sign-flip of Blanchard et al., NeurIPS 2017)
 *   shape   one row more than the update names
 *   round   the round before, as if the model were an older one
 */
export const ATTACKS = ['nan', 'norm', 'shape', 'round'] as const;
export type Attack = (typeof ATTACKS)[number];

export type Byzantine = { readonly seed: number; readonly share: number; readonly attacks: readonly Attack[]; readonly factor: number };

export const isByzantine = ({ seed, share }: Pick<Byzantine, 'seed' | 'share'>, device: DeviceId): boolean =>
  share > 0 && random(seed, 'liar', device).uniform() < share;

const spoil = (tensor: WireTensor, spec: TensorSpec, rows: number, change: (values: Float32Array) => void): WireTensor => {
  const values = decodeTensor(tensor, tensor.dtype, spec, rows, 'own update');
  change(values);
  return encodeTensor(tensor.dtype, shapeOf(spec, rows), [values]);
};

/** Whole numbers have no NaN; their scales do. */
const notANumber = (tensor: WireTensor, spec: TensorSpec, rows: number): WireTensor =>
  (tensor.scales?.length ?? 0) > 0
    ? { ...tensor, scales: new Uint8Array(new Float32Array(tensor.scales!.length / 4).fill(Number.NaN).buffer) }
    : spoil(tensor, spec, rows, (values) => {
        values[0] = Number.NaN;
      });

const applyAttack = (attack: Attack, update: Update, specs: readonly TensorSpec[], factor: number): Update => {
  const { tensors, rows, round } = update;
  switch (attack) {
    case 'nan':
      return { ...update, tensors: tensors.map((tensor, index) => (index === 0 ? notANumber(tensor, specs[0]!, rows.length) : tensor)) };
    case 'norm':
      return {
        ...update,
        tensors: tensors.map((tensor, index) =>
          spoil(tensor, specs[index]!, rows.length, (values) => {
            for (let i = 0; i < values.length; i++) values[i] = -factor * values[i]!;
          }),
        ),
      };
    case 'shape': {
      const [first, ...others] = tensors;
      const [count = 0, ...rest] = first!.shape;
      return { ...update, tensors: [{ ...first!, shape: [count + 1, ...rest] }, ...others] };
    }
    case 'round':
      return { ...update, round: round - 1 };
  }
};

/** What a device sends in an update's place: the update itself, unless the device is byzantine. Keyed by (seed, round, device). */
export const withAttack = (update: Update, { seed, share, attacks, factor }: Byzantine, specs: readonly TensorSpec[]): Update => {
  const { device, round } = update;
  if (attacks.length === 0 || !isByzantine({ seed, share }, device)) return update;
  return applyAttack(attacks[random(seed, 'lie', round, device).integer(attacks.length)]!, update, specs, factor);
};
