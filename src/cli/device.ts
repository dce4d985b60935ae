import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { badInput, messageOf } from '../base/errors.js';
import { type DeviceId, deviceId } from '../base/units.js';
import { recordedDevices } from '../coordinator/round/recorder.js';
import type { FlightStep } from '../events/flights.js';
import { formatBytes, formatMillis, plural } from '../report/format.js';
import { resolveConfig, yamlSource } from '../runs/config/parse-config.js';
import { type FlightLine, readFlights } from '../runs/folder/flight-log.js';
import { resultsPaths } from '../runs/folder/results-folder.js';
import { findSummary } from '../runs/folder/stored-run.js';
import { addJson, answerLines, type JsonFlag } from './json-output.js';

const parseDevice = (text: string): DeviceId => {
  if (!/^\d{1,10}$/.test(text)) throw badInput('CONFIG', 'device', 'a device id, from 0', JSON.stringify(text));
  return deviceId(Number(text));
};

const readConfigFile = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const nothing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw badInput('CHECKPOINT', file, 'the configuration in the folder of a run', nothing ? 'nothing' : messageOf(error));
  }
};

/** Without a summary, of a run that goes on, nobody can say which devices there are. */
const checkRecorded = (folder: string, device: DeviceId): void => {
  const file = resolve(folder, 'config.yaml');
  const { tree, place } = yamlSource(readConfigFile(file), file);
  // Nothing else matters here: a module that the run was trained by may be gone.
  const own = Object.fromEntries(['seed', 'recorder'].flatMap((key) => (Object.hasOwn(tree, key) ? [[key, tree[key]]] : [])));
  const { seed, recorder } = resolveConfig({ tree: own, place });
  const devices = findSummary(folder)?.devices;
  if (devices === undefined || devices === 0) return;
  if (device >= devices) throw badInput('CONFIG', 'device', `0 to ${devices - 1}, the devices of this run`, String(device));
  const recorded = recordedDevices(seed, devices, recorder.share);
  if (recorded.includes(device)) return;
  const some = recorded.slice(0, 8).join(', ');
  throw badInput(
    'CONFIG',
    `device ${device}`,
    recorded.length === 0
      ? 'a run that records devices (recorder.share above 0)'
      : `one of the ${plural(recorded.length, 'recorded device')} (recorder.share ${recorder.share}): ${some}${recorded.length > 8 ? ', …' : ''}`,
    'one that is not recorded',
  );
};

const stepText = ({ step, bytes, took, reason, virtual, left }: FlightStep): string =>
  [
    step,
    bytes === undefined ? '' : formatBytes(bytes),
    took === undefined ? '' : `in ${formatMillis(took)}`,
    reason ?? '',
    virtual === undefined ? '' : `${virtual.toFixed(1)} s of virtual time`,
    left === undefined
      ? ''
      : `left: ${Object.entries(left)
          .map(([resource, share]) => `${resource} ${(share * 100).toFixed(0)} %`)
          .join(', ')}`,
  ]
    .filter((part) => part !== '')
    .join(', ');

/** The timeline as a table: round, time since its start, what happened. */
const timeline = (flights: readonly FlightLine[]): string => {
  const rows = flights.flatMap(({ round, steps }) =>
    steps.map((step, index) => [index === 0 ? String(round) : '', formatMillis(step.millis), stepText(step)] as const),
  );
  const wide = (column: 0 | 1, title: string): number => Math.max(title.length, ...rows.map((row) => row[column].length));
  const [round, time] = [wide(0, 'ROUND'), wide(1, 'AFTER')];
  const line = ([a, b, c]: readonly [string, string, string]): string => `${a.padStart(round)}  ${b.padStart(time)}  ${c}\n`;
  return [line(['ROUND', 'AFTER', 'WHAT']), ...rows.map(line)].join('');
};

/** `metafleet device ID --run results/<run>`: the recorded steps of one device, round by round. */
export const deviceCommand = (): Command =>
  addJson(
    new Command('device')
      .argument('<id>', 'device id, from 0')
      .requiredOption('--run <folder>', 'folder of the run')
      .option('--last <rounds>', 'only the last rounds in which it was sampled'),
    true,
  ).action(async (id: string, { run, last, json }: JsonFlag & { run: string; last?: string }) => {
    const device = parseDevice(id);
    if (last !== undefined && !/^[1-9]\d*$/.test(last)) throw badInput('CONFIG', 'flag --last', 'a number of rounds, from 1', last);
    checkRecorded(run, device);
    const flights = await readFlights(resultsPaths(run, '.').flights, device, last === undefined ? undefined : Number(last));
    if (flights.length === 0) {
      process.stderr.write(
        `metafleet: nothing is recorded of device ${device} in ${run}: it was not sampled, or its rounds made room for later ones\n`,
      );
      return;
    }
    if (json === true) await answerLines(flights);
    else process.stdout.write(timeline(flights));
  });
