/**
 * Client updates as vectors of whole numbers mod 2³², which add up exactly. All devices of a cohort have one layout, so that a vector tells nothing
 * of rows. It has every item's row of every tensor, and then the weight of each row. Last are weight, count of records, their loss and marks.
 */
export type VectorLayout = {
  /** By tensor: numbers of a row, or of the whole. */
  readonly tensors: readonly { readonly perRow: boolean; readonly width: number }[];
  readonly items: number;
  /** Whether row weights are summed. Means with a fixed denominator need none. */
  readonly rowWeights: boolean;
  readonly marks: number;
  /** Numbers beyond ±range are cut off. */
  readonly range: number;
};

/** An update as a vector takes it. `weight`: its tensors are multiplied by it. */
export type Summand = {
  readonly weight: number;
  readonly count: number;
  readonly loss: number;
  readonly rows: Uint32Array;
  readonly tensors: readonly Float32Array[];
  readonly marks: readonly number[];
};

/** Σ over a cohort. Tensors with rows have one for every item. */
export type Total = Omit<Summand, 'rows'> & { readonly rowWeights: Float32Array };

const LOSS_STEPS = 64;
const MARK_STEPS = 1024;
/** weight, count, loss */
const SCALARS = 3;

export const lengthOf = ({ tensors, items, rowWeights, marks }: VectorLayout): number =>
  tensors.reduce((sum, { perRow, width }) => sum + width * (perRow ? items : 1), 0) + (rowWeights ? items : 0) + SCALARS + marks;

/** Steps from 0 to the range: as many as let the sum of `devices` numbers stay below 2³¹. */
const stepsOf = (devices: number): number => Math.floor((2 ** 31 - 1) / devices);

/** Toward zero, so that no vector gets longer by it. */
const whole = (value: number, range: number, steps: number): number => {
  const size = Math.trunc((value / range) * steps);
  return size > steps ? steps : size < -steps ? -steps : size;
};

/** `devices`: the most that are summed. */
export const toVector = (layout: VectorLayout, update: Summand, devices: number): Uint32Array => {
  const { items, range, rowWeights } = layout;
  const { weight, rows, tensors } = update;
  const steps = stepsOf(devices);
  const vector = new Uint32Array(lengthOf(layout));
  let start = 0;
  layout.tensors.forEach(({ perRow, width }, index) => {
    const values = tensors[index]!;
    for (let at = 0; at < values.length; at++) {
      const place = perRow ? rows[Math.floor(at / width)]! * width + (at % width) : at;
      vector[start + place] = whole(weight * values[at]!, range, steps);
    }
    start += width * (perRow ? items : 1);
  });
  if (rowWeights) {
    for (const row of rows) vector[start + row] = weight;
    start += items;
  }
  const scalars = [
    weight,
    update.count,
    Math.min(steps, Math.round(update.loss * LOSS_STEPS)),
    ...update.marks.map((mark) => Math.round(mark * MARK_STEPS)),
  ];
  vector.set(scalars, start);
  return vector;
};

export const fromVector = (layout: VectorLayout, sum: Uint32Array, devices: number): Total => {
  const { items, range, marks: markCount } = layout;
  const unit = range / stepsOf(devices);
  let start = 0;
  const tensors = layout.tensors.map(({ perRow, width }) => {
    const values = new Float32Array(width * (perRow ? items : 1));
    for (let at = 0; at < values.length; at++) values[at] = (sum[start + at]! | 0) * unit;
    start += values.length;
    return values;
  });
  const rowWeights = new Float32Array(items);
  if (layout.rowWeights) {
    rowWeights.set(sum.subarray(start, start + items));
    start += items;
  }
  const [weight, count, loss] = sum.subarray(start, start + SCALARS) as unknown as [number, number, number];
  const marks = Array.from(sum.subarray(start + SCALARS, start + SCALARS + markCount), (mark) => mark / MARK_STEPS);
  return { weight, count, loss: loss / LOSS_STEPS, tensors, rowWeights, marks };
};
