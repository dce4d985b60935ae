import { badInput, MetafleetError } from '../../base/errors.js';
import { type DeviceId, deviceId } from '../../base/units.js';
import type { PartScore, Score } from '../../messages/message.js';
import { createMetricSet } from '../../metrics/metric-set.js';
import { deliver } from '../round/deliver.js';
import type { RoundContext } from '../round/round.js';

/** Devices measured at a time: enough to keep every host busy, few enough that a fleet of any size streams through. */
const CHUNK = 256;

/** Throws MESSAGE, with the cause that a rejected update would have. */
const checkSums = ({ device, valid, test }: Score, size: number): void => {
  for (const [part, { sums }] of Object.entries({ valid, test }))
    if (sums.length !== size) {
      const { message } = badInput('MESSAGE', `score of device ${device}, ${part}`, `${size} sums`, String(sums.length));
      throw new MetafleetError('MESSAGE', message, { cause: 'sums' });
    }
};

export type DeviceScore = { readonly device: DeviceId; readonly valid: PartScore; readonly test: PartScore };

/**
 * Measures Θ as it is after `round` on every device's held-out ratings, in DeviceId order; devices that refuse are left out.
 * Each device receives its model and returns the sums of the metric set; neither ratings nor predictions leave it. Throws MESSAGE
 * for an answer that is none.
 */
export const measureDevices = async (
  context: RoundContext,
  round: number,
  devices: number,
  visit: (score: DeviceScore) => void,
): Promise<void> => {
  const { size } = createMetricSet(context.settings.metrics);
  for (let first = 0; first < devices; first += CHUNK) {
    const cohort: DeviceId[] = Array.from({ length: Math.min(CHUNK, devices - first) }, (_, i) => deviceId(first + i));
    const exchange = await context.devices.open();
    const delivery = context.settings.evaluationDelivery;
    const { answers, rejected } = await deliver(context, { round, purpose: 'evaluate', delivery, cohort }, exchange);
    // One bad update is a round's business; a measurement that leaves devices out would be another measurement.
    if (rejected[0] !== undefined) throw new MetafleetError('MESSAGE', rejected[0].text);
    for (const answer of answers) {
      if (answer.kind !== 'score') continue;
      checkSums(answer, size);
      visit(answer);
    }
  }
};

/**
 * Columns over all devices of a fleet: the count of held-out ratings, and each sum of the metric set.
 * A device without held-out ratings, or one that refused, has zeros.
 */
export type ScoreColumns = { readonly count: Float64Array; readonly sums: readonly Float64Array[] };
export type FleetScores = { readonly metrics: readonly string[]; readonly valid: ScoreColumns; readonly test: ScoreColumns };

const columns = (devices: number, size: number): ScoreColumns => ({
  count: new Float64Array(devices),
  sums: Array.from({ length: size }, () => new Float64Array(devices)),
});

const put = (into: ScoreColumns, device: DeviceId, { count, sums }: PartScore): void => {
  into.count[device] = count;
  into.sums.forEach((column, index) => {
    column[device] = sums[index]!;
  });
};

/** Sums device by device: for studies of a finished run, never part of an event. */
export const scoreFleet = async (context: RoundContext, round: number, devices: number): Promise<FleetScores> => {
  const { metrics } = context.settings;
  const { size } = createMetricSet(metrics);
  const scores = { metrics, valid: columns(devices, size), test: columns(devices, size) };
  await measureDevices(context, round, devices, ({ device, valid, test }) => {
    put(scores.valid, device, valid);
    put(scores.test, device, test);
  });
  context.devices.takeReport();
  context.devices.takeTraffic();
  return scores;
};

/** Φ_u of each device, in the order asked for (distinct, ascending), with `rows` of the item tensors: tensors as the algorithm lists them. */
export const generateModels = (
  { server }: Pick<RoundContext, 'server'>,
  devices: readonly DeviceId[],
  rows: Uint32Array,
): readonly (readonly Float32Array[])[] => {
  server.prepare(
    devices.map((device) => ({ device })),
    null,
  );
  const models = server.generate(
    0,
    devices.map(() => rows),
  );
  return models().map((tensors) =>
    tensors.map((pieces) => {
      const whole = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
      let at = 0;
      for (const piece of pieces) {
        whole.set(piece, at);
        at += piece.length;
      }
      return whole;
    }),
  );
};
