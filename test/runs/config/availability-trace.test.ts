import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deviceId, seconds } from '../../../src/base/units.js';
import { isAvailable } from '../../../src/device/hardware/availability.js';
import { loadTrace } from '../../../src/runs/config/availability-trace.js';
import { temporaryFolder } from '../../support/transport/small-run.js';

const written = async (name: string, text: string): Promise<string> => {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, text);
  return path;
};

/** The whole seconds of [0, until) at which a device can be reached. */
const thereIn = (path: string, device: number, until: number): number[] => {
  const trace = loadTrace(path);
  const there = (at: number) => isAvailable({ kind: 'trace', trace }, 1, deviceId(device), seconds(at), 0);
  return Array.from({ length: until }, (_, at) => at).filter(there);
};

describe('a CSV trace', () => {
  it('says by the second which devices are there, for any order of its lines, and repeats after its last end', async () => {
    const path = await written('trace.csv', 'device,from,to\nb,8,10\na,5,6\na,0,2\n\na,4,7\r\nb,0,1\n');
    expect(thereIn(path, 1, 13)).toEqual([0, 1, 4, 5, 6, 10, 11]);
    expect(thereIn(path, 0, 13)).toEqual([0, 8, 9, 10]);
    expect(thereIn(path, 2, 13)).toEqual(thereIn(path, 0, 13));
  });

  it.each([
    ['no header', 'a,0,5\n', /trace\.csv:1: expected the header device,from,to, found a,0,5$/],
    ['nothing at all', '', /trace\.csv:1: expected the header device,from,to, found $/],
    ['no recording', 'device,from,to\n', /trace\.csv: expected at least one recording, found none$/],
    [
      'a word for a time',
      'device,from,to\na,0,5\na,six,9\n',
      /trace\.csv:3: expected device,from,to with 0 ≤ from < to in seconds, found "a,six,9"$/,
    ],
    ['an empty time', 'device,from,to\na,,5\n', /trace\.csv:2: .* found "a,,5"$/],
    ['a missing time', 'device,from,to\na,5\n', /trace\.csv:2: .* found "a,5"$/],
    ['an end before its begin', 'device,from,to\na,5,5\n', /trace\.csv:2: /],
    ['a negative time', 'device,from,to\na,-1,5\n', /trace\.csv:2: /],
    ['an end that never comes', 'device,from,to\na,0,Infinity\n', /trace\.csv:2: /],
    ['a field too many', 'device,from,to\na,0,5,wifi\n', /trace\.csv:2: /],
    ['a nameless device', 'device,from,to\n,0,5\n', /trace\.csv:2: /],
  ])('with %s is refused by file and line', async (_, text, line) => {
    const path = await written('trace.csv', text);
    expect(() => loadTrace(path)).toThrow(line);
  });

  it('that is not there is refused', () => {
    expect(() => loadTrace('nowhere.csv')).toThrow(
      /^key fleet\.availability: expected always, diurnal, or a readable trace file, found nowhere\.csv: ENOENT/,
    );
  });
});

describe("FedScale's client_behave_trace as JSON", () => {
  it('has devices there from each active to the next inactive, or to its finish_time', async () => {
    const first = { duration: 99, active: [6, 1], inactive: [9, 3], finish_time: 11, model: 'x' };
    const path = await written('trace.json', JSON.stringify({ '7': first, '9': { active: [], inactive: [2], finish_time: 5 } }));
    expect(thereIn(path, 0, 15)).toEqual([1, 2, 6, 7, 8, 12, 13]);
    expect(thereIn(path, 1, 11)).toEqual([]);
  });

  it.each([
    ['a list', '[]', /trace\.json: expected an object of recordings, found a list$/],
    ['no recording', '{}', /trace\.json: expected at least one recording, found none$/],
    [
      'text for a time',
      '{\n"1": {"active": [], "inactive": [], "finish_time": 5},\n"2": {"active": ["x"], "inactive": [], "finish_time": 5}}',
      /trace\.json:3, recording 2: expected active and inactive, lists of seconds, and finish_time in seconds, found active\.0: /,
    ],
    ['no end', '{"1": {"active": [1], "inactive": []}}', /trace\.json:1, recording 1: .* found finish_time: /],
    ['a recording that is none', '{"1": 5}', /trace\.json:1, recording 1: /],
    ['a negative time', '{"1": {"active": [1], "inactive": [-2], "finish_time": 5}}', /recording 1: .* found inactive\.0: /],
  ])('with %s is refused by file, line and recording', async (_, text, line) => {
    const path = await written('trace.json', text);
    expect(() => loadTrace(path)).toThrow(line);
  });

  it('that is no JSON is refused in one line', async () => {
    const path = await written('trace.json', '{"1": {"active": [1,}}');
    expect(() => loadTrace(path)).toThrow(/trace\.json(:1)?: expected JSON, found [^\n]+$/);
  });
});
