import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deviceId } from '../../src/base/units.js';
import { recordedDevices } from '../../src/coordinator/round/recorder.js';
import { readFlights } from '../../src/runs/folder/flight-log.js';
import { metafleet, SMALL, temporaryFolder } from '../support/cli/command.js';

const RECORD = ['run', ...SMALL, '--quiet', '--baselines', 'false', '--name', 'one'];

describe('metafleet device', () => {
  it('prints the rounds of a recorded device, and says what is wrong of any other', async () => {
    const cwd = await temporaryFolder();
    const run = join(cwd, 'results', 'one');
    expect((await metafleet([...RECORD, '--epochs', '3', '--recorder.share', '0.2'], { cwd })).code).toBe(0);
    const recorded = recordedDevices(1, 24, 0.2);
    expect(recorded).toHaveLength(5);
    // The sampling is shuffled: every device once an epoch.
    for (const device of recorded)
      expect((await readFlights(join(run, 'flights'), device)).map(({ steps }) => steps.map(({ step }) => step))).toEqual(
        Array.from({ length: 3 }, () => ['sampled', 'asked', 'received', 'trained', 'uploaded']),
      );
    const [known] = recorded;
    const other = Array.from({ length: 24 }, (_, id) => deviceId(id)).find((id) => !recorded.includes(id))!;

    const table = await metafleet(['device', String(known), '--run', run], { cwd });
    expect(table).toMatchObject({ code: 0, err: '' });
    expect(table.out).toMatch(/^ROUND +AFTER +WHAT\n +\d+ +\S+ \w+ +sampled\n(.*\n)+.*received, \d+.* k?B\n.*trained, in .*\n.*uploaded, /);
    const last = await metafleet(['device', String(known), '--run', run, '--last', '1', '--json'], { cwd });
    expect(
      last.out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { device: number }).device),
    ).toEqual([known]);

    for (const [words, complaint] of [
      [
        [String(other), '--run', run],
        `device ${other}: expected one of the 5 recorded devices (recorder.share 0.2): ${recorded.join(', ')}, found one that is not recorded`,
      ],
      [['24', '--run', run], 'device: expected 0 to 23, the devices of this run, found 24'],
      [['x', '--run', run], 'device: expected a device id, from 0, found "x"'],
      [['1', '--run', 'nowhere'], 'nowhere/config.yaml: expected the configuration in the folder of a run, found nothing'],
      [['1', '--run', run, '--last', '0'], 'flag --last: expected a number of rounds, from 1, found 0'],
    ] as const) {
      const { code, err, out } = await metafleet(['device', ...words], { cwd });
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toContain(complaint);
      expect(err.trim().split('\n')).toHaveLength(1);
    }
  });

  it('has each round once of a run that was resumed', async () => {
    const cwd = await temporaryFolder();
    const run = join(cwd, 'results', 'one');
    await metafleet([...RECORD, '--epochs', '2', '--recorder.share', '1'], { cwd });
    expect((await metafleet(['run', '--resume', run, '--epochs', '4', '--quiet'], { cwd })).code).toBe(0);
    const rounds = (await readFlights(join(run, 'flights'), deviceId(3))).map(({ round }) => Math.ceil(round / 3));
    expect(rounds).toEqual([1, 2, 3, 4]);
  });
});
