import { elements, type TensorSpec } from '../../messages/wire-tensor.js';
import type { VectorLayout } from '../../privacy/secure/layout.js';

/** How updates are summed under masks. Plain data: it crosses threads. */
export type SecureSettings = {
  /** Most neighbours of a device. 0: as `graph` finds fit. */
  readonly neighbours: number;
  /** Share of a device's neighbours whose shares bring its secrets back. 0: more than half. */
  readonly threshold: number;
  readonly range: number;
  readonly weighting: 'records' | 'uniform';
  /** Whether row weights are needed: not for means with a fixed denominator. */
  readonly rowWeights: boolean;
  readonly marks: number;
};

/** Enough that a cohort of a thousand with 20 % of its devices gone is summed; Bell et al. (CCS 2020), table 1, has the sizes for other shares. */
const USUAL_NEIGHBOURS = 64;

export const neighboursOf = ({ neighbours }: SecureSettings): number => (neighbours === 0 ? USUAL_NEIGHBOURS : neighbours);

export const layoutOf = ({ range, rowWeights, marks }: SecureSettings, up: readonly TensorSpec[], items: number): VectorLayout => ({
  ...{ items, rowWeights, marks, range },
  tensors: up.map(({ perRow, shape }) => ({ perRow, width: elements(shape) })),
});
