import { expect, it } from 'vitest';
import { createUtilization } from '../../../src/transport/supervisor/utilization.js';

const measured = (threads: number) => {
  const clock = { now: 1000 };
  return { clock, utilization: createUtilization(threads, () => clock.now) };
};

it('is the share of the threads that trained, over the time since the sample before', () => {
  const { clock, utilization } = measured(2);
  utilization.add([300, 200]);
  clock.now += 1000;
  expect(utilization.sample()).toBe(0.25);
  utilization.add([1500]);
  clock.now += 1000;
  expect(utilization.sample()).toBe(0.75);
  clock.now += 1000;
  expect(utilization.sample()).toBe(0);
});

it('of samples that follow one another closely is that of the first', () => {
  const { clock, utilization } = measured(1);
  utilization.add([250]);
  clock.now += 500;
  expect(utilization.sample()).toBe(0.5);
  utilization.add([100]);
  clock.now += 499;
  expect(utilization.sample()).toBe(0.5);
  clock.now += 1;
  expect(utilization.sample()).toBe(0.2);
});

it('never exceeds the whole: work of a long round is known at its end', () => {
  const { clock, utilization } = measured(1);
  utilization.add([5000]);
  clock.now += 1000;
  expect(utilization.sample()).toBe(1);
});
