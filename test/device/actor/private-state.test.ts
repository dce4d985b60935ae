import { describe, expect, it, vi } from 'vitest';
import type { PrivateStateSpec } from '../../../src/algorithms/port/client.js';
import { random } from '../../../src/base/random.js';
import { deviceId } from '../../../src/base/units.js';
import { createPrivateState, keepState, type PrivateState, stateBefore, stateSize } from '../../../src/device/actor/private-state.js';

const SPEC: PrivateStateSpec = { size: 2, initial: (source) => Float32Array.of(source.uniform(), source.uniform()) };
const FIRST = 100;
const of = (...values: number[]): Float32Array => Float32Array.from(values);

const startOf = (state: PrivateState, index: number, round: number, seed = 1): Float32Array =>
  stateBefore(state, SPEC, index, deviceId(FIRST + index), round, seed);
const initial = (device: number, seed = 1): Float32Array => SPEC.initial(random(seed, 'state', device), 2);

describe('what a device keeps between rounds', () => {
  it('is nothing for an algorithm whose devices keep nothing', () => {
    expect(stateBefore(undefined, undefined, 0, deviceId(0), 1, 1)).toEqual(new Float32Array(0));
    expect(stateBefore(undefined, SPEC, 0, deviceId(0), 1, 1)).toEqual(new Float32Array(0));
    expect(stateBefore(createPrivateState(1, 2), undefined, 0, deviceId(0), 1, 1)).toEqual(new Float32Array(0));
  });

  it('starts from the seed and the device’s id, wherever it lies, until the device takes part', () => {
    const state = createPrivateState(3, 2);
    for (const round of [1, 2, 50]) expect(startOf(state, 1, round)).toEqual(initial(101));
    expect(stateBefore(createPrivateState(9, 2), SPEC, 7, deviceId(101), 1, 1)).toEqual(initial(101));
    expect(startOf(state, 2, 1)).not.toEqual(initial(101));
    expect(startOf(state, 1, 1, 2)).toEqual(initial(101, 2));
    expect(initial(101, 2)).not.toEqual(initial(101));
  });

  it('is the newer version for later rounds, however late', () => {
    const state = createPrivateState(3, 2);
    keepState(state, 1, 4, initial(101), of(7, 8));
    for (const round of [5, 6, 1000, Number.MAX_SAFE_INTEGER]) expect(startOf(state, 1, round)).toEqual(of(7, 8));
  });

  it('is the older version for a round that is run again, as often as it is', () => {
    const state = createPrivateState(3, 2);
    keepState(state, 1, 4, startOf(state, 1, 4), of(7, 8));
    expect(startOf(state, 1, 4)).toEqual(initial(101));
    keepState(state, 1, 4, startOf(state, 1, 4), of(7, 8));
    expect(startOf(state, 1, 4)).toEqual(initial(101));
    keepState(state, 1, 9, startOf(state, 1, 9), of(9, 10));
    for (let again = 0; again < 2; again++) {
      expect(startOf(state, 1, 9)).toEqual(of(7, 8));
      keepState(state, 1, 9, startOf(state, 1, 9), of(9, 10));
    }
    expect(startOf(state, 1, 10)).toEqual(of(9, 10));
  });

  it('is each device’s own', () => {
    const state = createPrivateState(3, 2);
    keepState(state, 0, 1, of(1, 2), of(3, 4));
    keepState(state, 2, 2, of(5, 6), of(7, 8));
    expect([startOf(state, 0, 1), startOf(state, 0, 2)]).toEqual([of(1, 2), of(3, 4)]);
    expect([startOf(state, 2, 2), startOf(state, 2, 3)]).toEqual([of(5, 6), of(7, 8)]);
    expect(startOf(state, 1, 3)).toEqual(initial(101));
    expect([...state.rounds]).toEqual([1, 0, 2]);
  });

  it('may be of another size on each device, none included', () => {
    const sized: PrivateStateSpec = {
      size: (records) => records,
      initial: (source, size) => Float32Array.from({ length: size }, () => source.uniform()),
    };
    const sizes = [3, 0, 1, 2];
    const state = createPrivateState(4, sizes);
    const stateIn = (index: number, round: number) => stateBefore(state, sized, index, deviceId(FIRST + index), round, 1);
    const first = (index: number) => sized.initial(random(1, 'state', FIRST + index), sizes[index]!);
    sizes.forEach((size, index) => {
      expect(stateSize(state, index)).toBe(size);
      expect(stateIn(index, 1)).toHaveLength(size);
      expect(stateIn(index, 1)).toEqual(first(index));
    });
    expect(stateIn(2, 1)[0]).not.toBe(stateIn(3, 1)[0]);
    // Each device's own, in its older and its newer version, in any order.
    const learnedBy = (index: number) => Float32Array.from({ length: sizes[index]! }, (_, i) => 10 * index + i + 1);
    for (const index of [3, 0, 2, 1]) keepState(state, index, 5, stateIn(index, 5), learnedBy(index));
    sizes.forEach((_, index) => {
      expect(stateIn(index, 5)).toEqual(first(index));
      expect(stateIn(index, 6)).toEqual(learnedBy(index));
    });
    keepState(state, 2, 8, stateIn(2, 8), of(-1));
    expect([stateIn(2, 8), stateIn(2, 9)]).toEqual([of(21), of(-1)]);
    for (const index of [0, 1, 3]) expect([stateIn(index, 5), stateIn(index, 9)]).toEqual([first(index), learnedBy(index)]);
    expect([state.versions.length, state.starts!.buffer instanceof SharedArrayBuffer]).toEqual([12, true]);
  });

  it('has the size that was asked for, and none where nothing is kept', () => {
    expect([0, 2].map((index) => stateSize(createPrivateState(3, 5), index))).toEqual([5, 5]);
    expect(stateSize(undefined, 1)).toBe(0);
  });

  it('is handed out as a copy, and kept as one', () => {
    const state = createPrivateState(2, 2);
    const after = of(3, 4);
    keepState(state, 0, 1, of(1, 2), after);
    after[0] = 99;
    startOf(state, 0, 2)[1] = 99;
    startOf(state, 0, 1)[1] = 99;
    expect([startOf(state, 0, 1), startOf(state, 0, 2)]).toEqual([of(1, 2), of(3, 4)]);
  });

  it('lies in memory that outlives the thread it is written on', () => {
    const { rounds, versions } = createPrivateState(2, 3);
    expect([rounds.buffer, versions.buffer].every((buffer) => buffer instanceof SharedArrayBuffer)).toBe(true);
    expect([rounds.length, versions.length]).toEqual([2, 12]);
  });

  it.each([1, 2])('leads to the same start where a thread dies in the middle of keeping it, at write %i', (fatal) => {
    const state = createPrivateState(2, 2);
    keepState(state, 1, 3, initial(101), of(5, 6));
    let writes = 0;
    const genuine = state.versions.set.bind(state.versions);
    vi.spyOn(state.versions, 'set').mockImplementation((values, offset) => {
      writes += 1;
      if (writes === fatal) throw new Error('dead');
      genuine(values, offset);
    });
    expect(() => keepState(state, 1, 8, startOf(state, 1, 8), of(7, 8))).toThrow('dead');
    expect(startOf(state, 1, 8)).toEqual(of(5, 6));
  });

  it('leads to the same start where a thread dies once both versions are written', () => {
    const state = createPrivateState(2, 2);
    keepState(state, 1, 3, initial(101), of(5, 6));
    const rounds = new Proxy(state.rounds, {
      set: (target, key, value: number) => {
        if (state.versions[6] === 7) throw new Error('dead');
        target[Number(key)] = value;
        return true;
      },
    });
    try {
      keepState({ ...state, rounds }, 1, 8, startOf(state, 1, 8), of(7, 8));
    } catch {}
    expect(startOf(state, 1, 8)).toEqual(of(5, 6));
  });
});
