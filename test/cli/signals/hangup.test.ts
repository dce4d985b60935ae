import { expect, it } from 'vitest';
import { showsNohup, type Traces } from '../../../src/cli/signals/hangup.js';

const none: Traces = { startedAs: undefined, parentIgnores: undefined, input: undefined, outputs: [] };
const terminal: Traces = {
  startedAs: '/usr/bin/node',
  parentIgnores: '0000000000000006',
  input: { target: '/dev/pts/0', flags: '0100002' },
  outputs: ['/dev/pts/0', '/dev/pts/0'],
};

it.each<[string, Traces, boolean]>([
  ['a system that shows nothing', none, false],
  ['a terminal', terminal, false],
  ['input from /dev/null', { ...terminal, input: { target: '/dev/null', flags: '0100000' } }, false],
  ['a shell that says nohup', { ...none, startedAs: '/usr/bin/nohup' }, true],
  ['a parent that ignores SIGHUP', { ...terminal, parentIgnores: '0000000000000005' }, true],
  ['the input that nohup opens', { ...terminal, input: { target: '/dev/null', flags: '02100001' } }, true],
  ['the output that nohup opens', { ...terminal, outputs: ['/home/me/nohup.out', '/home/me/nohup.out'] }, true],
])('%s: %j shows nohup: %s', (_, traces, shown) => {
  expect(showsNohup(traces)).toBe(shown);
});
