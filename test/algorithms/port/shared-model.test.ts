import { describe, expect, it } from 'vitest';
import type { Wire } from '../../../src/algorithms/port/definition.js';
import { createRuntime } from '../../../src/algorithms/port/runtime.js';
import type { GeneratedModel, UpdateSum } from '../../../src/algorithms/port/server.js';
import { type SharedModel, serveSharedModel } from '../../../src/algorithms/port/shared-model.js';
import { deviceId } from '../../../src/base/units.js';

const WORLD = { devices: 3, items: 4, lowest: 1, highest: 5 };
/** Down in another order than the tensors are kept in, one of which does not travel; up something else. */
const WIRE: Wire = {
  down: [
    { name: 'E', perRow: true, shape: [2] },
    { name: 'b', perRow: false, shape: [] },
  ],
  up: [{ name: 'slope', perRow: false, shape: [3] }],
};
const SUM: UpdateSum = { updates: 2, weight: 2, tensors: [Float32Array.of(1, 2, 3)], rowWeights: new Float32Array(4) };

const serve = (changes: Partial<SharedModel> = {}) => {
  const tensors = createRuntime({ seed: 1, threads: 1, optimizer: null }).createTensors([
    { name: 'b', shape: [], state: ['moment'] },
    { name: 'server', shape: [2] },
    { name: 'E', shape: [4, 2] },
  ]);
  tensors.values('E').set([0, 1, 2, 3, 4, 5, 6, 7]);
  tensors.values('b')[0] = 9;
  const stepped: (readonly [UpdateSum, number, number])[] = [];
  const step: SharedModel['step'] = (sum, rate, round) => {
    stepped.push([sum, rate, round]);
    tensors.values('E')[7] = 70;
    return { gradientNorm: 3, clipped: true };
  };
  return { server: serveSharedModel({ wire: WIRE, world: WORLD, tensors, step, ...changes }), tensors, stepped };
};
const REQUESTS = [0, 2].map((device) => ({ device: deviceId(device) }));
const whole = (model: GeneratedModel): number[][] => model.map((pieces) => pieces.flatMap((piece) => [...piece]));

describe('a server half that sends every device the same model', () => {
  it('sends the tensors that go down, with all rows or those asked for, in their order', () => {
    const { server } = serve();
    server.prepare(REQUESTS, 1);
    const [all, some, none] = server
      .generate(0, [null, Uint32Array.of(1, 3), new Uint32Array(0)])()
      .map(whole);
    expect(all).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], [9]]);
    expect(some).toEqual([[2, 3, 6, 7], [9]]);
    expect(none).toEqual([[], [9]]);
    expect(server.tensors.map(({ name }) => name)).toEqual(['b', 'server', 'E']);
  });

  it('sends what its tensors were when the cohort was taken, whatever steps come before a model is asked for', () => {
    const { server } = serve();
    server.prepare(REQUESTS, 1);
    const begun = server.generate(0, [Uint32Array.of(3)]);
    server.apply!(SUM);
    server.step(1, 1);
    expect(whole(begun()[0]!)[0]).toEqual([6, 7]);
    expect(whole(server.generate(1, [null])()[0]!)[0]!.slice(6)).toEqual([6, 7]);
    server.prepare(REQUESTS, null);
    expect(whole(server.generate(1, [null])()[0]!)[0]!.slice(6)).toEqual([6, 70]);
  });

  it('steps once by each sum it is handed, at the rate of the schedule and for its round, and by nothing otherwise', () => {
    const { server, stepped, tensors } = serve();
    expect(server.step(0.5, 1)).toEqual({ gradientNorm: 0, clipped: false });
    server.apply!(SUM);
    expect([stepped, tensors.values('E')[7]]).toEqual([[], 7]);
    expect(server.step(0.25, 6)).toEqual({ gradientNorm: 3, clipped: true });
    expect(server.step(0.5, 1)).toEqual({ gradientNorm: 0, clipped: false });
    expect(stepped).toEqual([[SUM, 0.25, 6]]);
  });

  it('has no state beside its tensors, or the one that it is given', () => {
    const { server } = serve();
    server.restore(server.state());
    expect(server.state()).toBeNull();
    let steps = 4;
    const counting = serve({ state: () => ({ steps }), restore: (saved) => ({ steps } = saved as { steps: number }) }).server;
    expect(counting.state()).toEqual({ steps: 4 });
    counting.restore({ steps: 11 });
    expect(steps).toBe(11);
  });

  it('makes at least one model at a time, more where they are small, and any number where they have no rows', () => {
    const chunkOf = (items: number, down = WIRE.down) => serve({ world: { ...WORLD, items }, wire: { ...WIRE, down } }).server.chunk;
    expect([1024, 2048, 2 ** 22].map((items) => chunkOf(items))).toEqual([512, 256, 1]);
    expect(chunkOf(1024, [WIRE.down[1]!])).toBeGreaterThanOrEqual(512);
    expect(Number.isSafeInteger(chunkOf(1024, [WIRE.down[1]!]))).toBe(true);
  });

  it('is not made without a tensor that is to go down', () => {
    const down = [...WIRE.down, { name: 'w', perRow: false, shape: [2] }];
    expect(() => serve({ wire: { ...WIRE, down } })).toThrow('expected one of b; b, moment; server; E, found w');
  });
});
