import { deviceId, seconds } from '../../../src/base/units.js';
import type { ClientTask, TaskOutcome } from '../../../src/coordinator/round/client-task.js';
import { shapeOf, type TensorSpec } from '../../../src/messages/wire-tensor.js';

/** Devices still at work after their first round, one with every outcome there is. */
export const clientTasksOf = (tensors: readonly TensorSpec[]): readonly ClientTask[] => {
  const rows = Uint32Array.of(1, 3, 4);
  const numbers = tensors.map((spec) => new Float32Array(shapeOf(spec, rows.length).reduce((size, axis) => size * axis, 1)).fill(0.1));
  const taskOutcomes: readonly TaskOutcome[] = [
    { kind: 'update', update: { device: deviceId(0), count: 3, rows, tensors: numbers }, loss: 2.5 },
    { kind: 'refused', cause: 'battery' },
    { kind: 'dropped', stage: 'during' },
    { kind: 'rejected', cause: 'rows' },
  ];
  return taskOutcomes.map((outcome, device) => ({
    device: deviceId(device),
    round: 1,
    sent: seconds(0),
    arrives: seconds(0.5 + device),
    cost: null,
    outcome,
  }));
};
