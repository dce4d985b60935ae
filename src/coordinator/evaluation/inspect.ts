import { MetafleetError } from '../../base/errors.js';
import { type DeviceId, deviceId } from '../../base/units.js';
import type { PartScore } from '../../messages/message.js';
import { deliver } from '../round/deliver.js';
import type { RoundContext } from '../round/round.js';

/** Devices measured at a time: enough to keep every host busy, few enough that a fleet of any size streams through. */
const CHUNK = 256;

export type DeviceScore = { readonly device: DeviceId; readonly valid: PartScore; readonly test: PartScore };

/**
 * Measures Θ as it is after `round` on every device's held-out ratings, in DeviceId order; devices that refuse are left out.
 * Each device receives its model and returns error sums. Neither ratings nor predictions leave it. Throws MESSAGE for an answer
 * that is none.
 */
export const measureDevices = async (
  context: RoundContext,
  round: number,
  devices: number,
  visit: (score: DeviceScore) => void,
): Promise<void> => {
  for (let first = 0; first < devices; first += CHUNK) {
    const cohort: DeviceId[] = Array.from({ length: Math.min(CHUNK, devices - first) }, (_, i) => deviceId(first + i));
    const exchange = await context.devices.open();
    const delivery = context.settings.evaluationDelivery;
    const { answers, rejected } = await deliver(context, { round, purpose: 'evaluate', delivery, cohort }, exchange);
    // One bad update is a round's business; a measurement that leaves devices out would be another measurement.
    if (rejected[0] !== undefined) throw new MetafleetError('MESSAGE', rejected[0].text);
    for (const answer of answers) if (answer.kind === 'score') visit(answer);
  }
};

/** Columns over all devices: ratings, Σ|r−r̂| and Σ(r−r̂)² of its held-out part; zeros where a device has none or refused. */
export type ScoreColumns = { readonly count: Float64Array; readonly absolute: Float64Array; readonly squared: Float64Array };
export type FleetScores = { readonly valid: ScoreColumns; readonly test: ScoreColumns };

const columns = (devices: number): ScoreColumns => ({
  count: new Float64Array(devices),
  absolute: new Float64Array(devices),
  squared: new Float64Array(devices),
});

const put = (into: ScoreColumns, device: DeviceId, { count, absolute, squared }: PartScore): void => {
  into.count[device] = count;
  into.absolute[device] = absolute;
  into.squared[device] = squared;
};

/** Error sums device by device: for studies of a finished run, never part of an event. */
export const scoreFleet = async (context: RoundContext, round: number, devices: number): Promise<FleetScores> => {
  const scores = { valid: columns(devices), test: columns(devices) };
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
