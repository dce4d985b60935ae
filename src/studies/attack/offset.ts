/** What the attacker knows of ratings in general: the values of the scale, ascending, and how often each is given. */
export type Prior = { readonly values: Float64Array; readonly shares: Float64Array };

/** Ratings less a number that only the device knows, as the update gives them. `deviation`: of the noise in each; 0: none. */
export type Shifted = { readonly values: Float64Array; readonly deviations: Float64Array };

/** Error of arithmetic and of other simplifications, in ratings. */
const SLACK = 0.04;
/** Offsets that are tried, in steps of the scale. */
const FINE = 1 / 40;

const meanAndDeviation = ({ values, shares }: Prior): { mean: number; deviation: number } => {
  const mean = values.reduce((sum, value, index) => sum + value * shares[index]!, 0);
  const variance = values.reduce((sum, value, index) => sum + (value - mean) ** 2 * shares[index]!, 0);
  return { mean, deviation: Math.sqrt(variance) };
};

/** The value v that makes log p(v) − (x − v)² / 2σ² largest, and that number. */
const best = ({ values, shares }: Prior, x: number, deviation: number): { value: number; score: number } => {
  let found = { value: values[0]!, score: Number.NEGATIVE_INFINITY };
  values.forEach((value, index) => {
    const score = Math.log(shares[index]!) - ((x - value) / deviation) ** 2 / 2;
    if (score > found.score) found = { value, score };
  });
  return found;
};

/** `known`: the offset, where it is no secret. `about`: around which number it lies otherwise; null: the mean rating. */
export type Offset = { readonly known: number | null; readonly about: number | null };

/**
 * Ratings from numbers that are all off by the same offset, by maximum a posteriori. All ratings lie on the scale. So the offset is one that
 * brings all numbers close to values of the scale, and among these the likeliest. With noise as wide as the scale the answer is the commonest value.
 */
export const ratingsAt = ({ values, deviations }: Shifted, prior: Prior, { known, about }: Offset): Float64Array => {
  const widths = deviations.map((deviation) => Math.hypot(deviation, SLACK));
  const at = (offset: number): Float64Array => values.map((value, index) => best(prior, value + offset, widths[index]!).value);
  if (known !== null) return at(known);
  const { mean, deviation } = meanAndDeviation(prior);
  const middle = about ?? mean;
  const step = (prior.values.length > 1 ? prior.values[1]! - prior.values[0]! : 1) * FINE;
  const reach = Math.ceil((3 * deviation) / step);
  let found = { offset: middle, score: Number.NEGATIVE_INFINITY };
  for (let k = -reach; k <= reach; k++) {
    const offset = middle + k * step;
    // Users' means differ by about half as much as ratings do.
    let score = -(((2 * (offset - middle)) / deviation) ** 2) / 2;
    values.forEach((value, index) => {
      score += best(prior, value + offset, widths[index]!).score;
    });
    if (score > found.score) found = { offset, score };
  }
  return at(found.offset);
};
