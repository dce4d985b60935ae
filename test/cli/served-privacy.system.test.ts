import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { launch, SMALL, temporaryFolder } from '../support/cli/command.js';

/** Ratings that nothing else could be mistaken for: exact in binary, with 20 digits. */
const RATINGS = Array.from({ length: 300 }, (_, index) => 1 + (3 * index * 1000 + 7) / 2 ** 20);
const lines = RATINGS.map((rating, index) => `${index % 24},${Math.floor(index / 24)},${rating}`);

/** The forms in which a rating could be served: as text, at full or at float precision. */
const tellTales = RATINGS.flatMap((rating) => [String(rating).slice(0, 12), String(Math.fround(rating)).slice(0, 12)]);

describe('what a run serves', () => {
  it('holds no private rating: page, stream, metrics, status and devices, to the last byte', async () => {
    const cwd = await temporaryFolder();
    const file = join(cwd, 'ratings.csv');
    writeFileSync(file, `user,item,rating\n${lines.join('\n')}\n`);
    const data = ['--data', file, '--columns', '[user, item, rating]', '--scale', '[1, 5]', '--recorder.share', '1'];
    const words = ['run', ...SMALL, ...data, '--epochs', '1000000', '--checkpoint.every', '0'];
    const command = launch(words, { cwd });
    const [, url] = await command.said(/page is at (http:\S+?)\/,/);
    let served = '';
    const read = async (path: string): Promise<string> => {
      const text = await (await fetch(url + path)).text();
      served += text;
      return text;
    };
    await expect.poll(() => read('/metrics'), { interval: 500 }).toMatch(/^metafleet_epochs_total\S* [1-9]/m);
    const stream = (await fetch(`${url}/events`)).body!.pipeThrough(new TextDecoderStream()).getReader();
    for (let chunks = 0; chunks < 30; chunks++) served += (await stream.read()).value;
    await stream.cancel();
    for (const path of ['/', '/status', '/page/main.js']) await read(path);
    for (let device = 0; device < 24; device++) expect(await read(`/device?id=${device}`)).toContain('"uploaded"');
    command.kill('SIGKILL');
    await command.ended;
    expect(served).toContain('event: frame');
    // The search finds what is there.
    expect(tellTales.filter((text) => lines.join().includes(text)).length).toBeGreaterThan(RATINGS.length);
    expect(tellTales.filter((text) => served.includes(text))).toEqual([]);
  });
});
