/**
 * What one round releases about a device, as accountants take it. The unit is the device: all records of its user.
 *
 *   sampling none     the device takes part for certain (or the round is one that it took part in)
 *   sampling poisson  it takes part with chance `rate`, by itself; neighbours differ by one device
 *   sampling fixed    a cohort of fixed size, a share `rate` of the devices, is drawn without replacement; neighbours differ in one device's records
 */
export type Sampling = 'none' | 'poisson' | 'fixed';

/**
 * `noise`: the standard deviation of Gaussian noise, or the scale b of Laplace noise, as a multiple of the most that one device can change.
 * That is an L2 norm for Gaussian noise, and an L1 norm for Laplace noise. A device that is added or removed changes ‖x‖ ≤ bound. Where its records are
 * replaced, it changes ‖x − x'‖ ≤ 2·bound.
 */
export type Mechanism = {
  readonly kind: 'gaussian' | 'laplace';
  readonly noise: number;
  readonly sampling: Sampling;
  /** 1 where sampling is none. */
  readonly rate: number;
};

/** A mechanism that ran `times` times. */
export type Composed = readonly { readonly mechanism: Mechanism; readonly times: number }[];
