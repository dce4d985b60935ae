import { describe, expect, it } from 'vitest';
import { deviceId } from '../../../src/base/units.js';
import { SIZE_BOUNDS } from '../../../src/events/traffic.js';
import type { Message } from '../../../src/messages/message.js';
import { encodeTensor } from '../../../src/messages/wire-tensor.js';
import { createTrafficMeter } from '../../../src/transport/exchange/traffic.js';

const assign: Message = { kind: 'assign', round: 1, device: deviceId(0), purpose: 'train' };
const model: Message = {
  kind: 'model',
  round: 1,
  device: deviceId(0),
  purpose: 'train',
  rows: null,
  tensors: [encodeTensor('f16', [2], [new Float32Array(2)])],
};

describe('the traffic meter', () => {
  it('counts each message in the class of its encoded size, bounds included', () => {
    const meter = createTrafficMeter();
    const [first = 0, second = 0] = SIZE_BOUNDS;
    const largest = SIZE_BOUNDS.at(-1)!;
    for (const size of [1, first, first + 1, second, largest, largest + 1]) meter.count(assign, size, 'down');
    const sizes = meter.take()[0]!.sizes;
    expect([sizes[0], sizes[1], sizes.at(-2), sizes.at(-1)]).toEqual([2, 2, 1, 1]);
    expect(sizes.length).toBe(SIZE_BOUNDS.length + 1);
  });
  it('names the dtype of the tensors, measurements apart from training, and starts anew when taken', () => {
    const meter = createTrafficMeter();
    meter.count(assign, 10, 'down');
    meter.count(model, 100, 'down');
    meter.count({ ...model, purpose: 'evaluate' }, 100, 'down');
    expect(meter.take().map(({ kind, dtype, messages, bytes }) => [kind, dtype, messages, bytes])).toEqual([
      ['assign', 'none', 1, 10],
      ['model', 'f16', 1, 100],
      ['evaluation_model', 'f16', 1, 100],
    ]);
    expect(meter.take()).toEqual([]);
  });
});
