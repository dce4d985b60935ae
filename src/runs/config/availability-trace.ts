import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { badInput, messageOf } from '../../base/errors.js';
import type { Trace } from '../../device/hardware/availability.js';

/**
 * Recordings of when devices were there.
 *
 * CSV: a header `device,from,to`, then one line for each interval: the recording's name, and its begin and end in seconds.
 * Each recording repeats after the whole file's last end.
 *
 *   device,from,to
 *   a,0,3600
 *   a,7200,9000
 *
 * JSON: FedScale's `client_behave_trace` (Lai et al., ICML 2022; Yang et al., WWW 2021), written from its pickle with `json.dump`.
 * It is an object of recordings. `active` and `inactive` list the seconds at which the device came and went.
 * After `finish_time` a recording repeats.
 */
type Interval = readonly [from: number, to: number];
type Recording = { readonly name: string; readonly intervals: readonly Interval[]; readonly period: number };

const columnsOf = (recordings: readonly Recording[]): Trace => {
  const all = recordings.flatMap(({ intervals }) => intervals);
  const offsets = new Uint32Array(recordings.length + 1);
  recordings.forEach(({ intervals }, index) => {
    offsets[index + 1] = offsets[index]! + intervals.length;
  });
  return {
    offsets,
    from: Float64Array.from(all, ([from]) => from),
    to: Float64Array.from(all, ([, to]) => to),
    period: Float64Array.from(recordings, ({ period }) => period),
  };
};

/** Ascending; overlapping intervals become one. */
const merged = (intervals: readonly Interval[]): readonly Interval[] => {
  const out: [number, number][] = [];
  for (const [from, to] of intervals.toSorted((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else out.push([from, to]);
  }
  return out;
};

/** NaN for a missing or empty field, which Number would read as 0. */
const secondsIn = (field: string | undefined): number => (field === undefined || field === '' ? Number.NaN : Number(field));

const fromCsv = (text: string, path: string): readonly Recording[] => {
  const byName = new Map<string, Interval[]>();
  const lines = text.split(/\r?\n/);
  if (lines[0]?.trim() !== 'device,from,to') throw badInput('CONFIG', `${path}:1`, 'the header device,from,to', lines[0] ?? 'nothing');
  let period = 0;
  lines.slice(1).forEach((line, index) => {
    if (line.trim() === '') return;
    const [name, from, to, ...more] = line.split(',').map((field) => field.trim());
    const begin = secondsIn(from);
    const end = secondsIn(to);
    if (name === undefined || name === '' || more.length > 0 || !(begin >= 0 && end > begin && Number.isFinite(end)))
      throw badInput('CONFIG', `${path}:${index + 2}`, 'device,from,to with 0 ≤ from < to in seconds', JSON.stringify(line.slice(0, 60)));
    const intervals = byName.get(name) ?? [];
    intervals.push([begin, end]);
    byName.set(name, intervals);
    period = Math.max(period, end);
  });
  return Array.from(byName, ([name, intervals]) => ({ name, intervals: merged(intervals), period }));
};

const moments = z.array(z.number().min(0));
const recordingSchema = z.object({ active: moments, inactive: moments, finish_time: z.number().positive() });

const fromFedScale = (text: string, path: string): readonly Recording[] => {
  const placeAt = (offset: number): string => `${path}:${text.slice(0, offset).split('\n').length}`;
  let tree: unknown;
  try {
    tree = JSON.parse(text);
  } catch (error) {
    const reason = messageOf(error);
    const [, at] = /position (\d+)/.exec(reason) ?? [];
    throw badInput('CONFIG', at === undefined ? path : placeAt(Number(at)), 'JSON', reason.split('\n')[0]!);
  }
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree))
    throw badInput('CONFIG', path, 'an object of recordings', Array.isArray(tree) ? 'a list' : String(tree));
  return Object.entries(tree).map(([name, value]): Recording => {
    const { data, error } = recordingSchema.safeParse(value);
    if (data === undefined) {
      const place = `${placeAt(text.indexOf(JSON.stringify(name)))}, recording ${name}`;
      const { path: within, message } = error.issues[0]!;
      throw badInput(
        'CONFIG',
        place,
        'active and inactive, lists of seconds, and finish_time in seconds',
        `${within.join('.')}: ${message}`,
      );
    }
    const { active, inactive, finish_time: period } = data;
    const leaves = inactive.toSorted((a, b) => a - b);
    const intervals = active.map((from): Interval => [from, leaves.find((to) => to > from) ?? period]);
    return { name, intervals: merged(intervals.filter(([from, to]) => to > from)), period };
  });
};

/** Throws CONFIG naming the file and line. */
export const loadTrace = (path: string): Trace => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw badInput('CONFIG', 'key fleet.availability', 'always, diurnal, or a readable trace file', `${path}: ${messageOf(error)}`);
  }
  const recordings = path.endsWith('.json') ? fromFedScale(text, path) : fromCsv(text, path);
  if (recordings.length === 0) throw badInput('CONFIG', path, 'at least one recording', 'none');
  return columnsOf(recordings);
};
