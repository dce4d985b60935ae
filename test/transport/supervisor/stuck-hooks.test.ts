import { expect, it, onTestFinished } from 'vitest';
import { enterHook, leaveHook } from '../../../src/definitions/hook-watch.js';
import { type StuckHooksOptions, watchHooks } from '../../../src/transport/supervisor/stuck-hooks.js';

const watched = (timeout: number) => {
  const stuck: string[] = [];
  const onStuck: StuckHooksOptions['onStuck'] = (who, { code, message }) => void stuck.push(`${who} ${code} ${message}`);
  const hooks = watchHooks({ hosts: 2, modules: ['./other.js', './mine.js'], timeout, onStuck });
  onTestFinished(hooks.close);
  const look = (times: number): void => {
    for (let time = 0; time < times; time++) hooks.look();
  };
  return { ...hooks, stuck, look };
};

it('a call that is there for as many looks as there are seconds is named, once', () => {
  const { hosts, stuck, look } = watched(3);
  enterHook(hosts[1]!, './mine.js', 'update', 7);
  look(3);
  expect(stuck).toEqual([]);
  look(1);
  const line = 'host MODULE ./mine.js, hook update, device 7: expected to return within 3 s';
  expect(stuck).toEqual([line]);
  look(10);
  expect(stuck).toEqual([line]);
});

it('the coordinator has hooks without a device', () => {
  const { coordinator, stuck, look } = watched(1);
  enterHook(coordinator, './mine.js', 'step', null);
  look(2);
  expect(stuck).toEqual(['coordinator MODULE ./mine.js, hook step: expected to return within 1 s']);
});

it('many calls of one hook are no long call', () => {
  const { hosts, stuck, look } = watched(2);
  for (let call = 0; call < 20; call++) {
    enterHook(hosts[0]!, './mine.js', 'update', 7);
    look(2);
    leaveHook(hosts[0]!);
  }
  expect(stuck).toEqual([]);
});

it('a thread between calls is never stuck', () => {
  const { hosts, stuck, look } = watched(2);
  enterHook(hosts[0]!, './mine.js', 'plan', 3);
  leaveHook(hosts[0]!);
  look(20);
  expect(stuck).toEqual([]);
});

it('a thread is timed anew for its next call', () => {
  const { hosts, stuck, look } = watched(3);
  enterHook(hosts[0]!, './mine.js', 'plan', 3);
  look(2);
  enterHook(hosts[0]!, './mine.js', 'update', 3);
  look(3);
  expect(stuck).toEqual([]);
  look(1);
  expect(stuck).toHaveLength(1);
});
