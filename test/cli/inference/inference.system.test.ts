import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Recommendation } from '../../../src/inference/recommend.js';
import { launch, metafleet } from '../../support/cli/command.js';
import { SIZES, train, writeRatings } from '../../support/inference/trained.js';
import { PATIENCE_MILLIS } from '../../support/patience.js';

const cwd = mkdtempSync(join(tmpdir(), 'metafleet-commands-'));
const RUN = ['--run', 'results/one'];
const LARGE = ['--run', 'results/large'];

type Document = { readonly user: string | null; readonly rated: number; readonly recommendations: readonly Recommendation[] };

beforeAll(async () => {
  writeRatings(cwd);
  await train(cwd, 'one', ...SIZES.metamf);
  // So many users that `--all` is still at work when a signal comes.
  await train(
    cwd,
    'large',
    ...SIZES.fedavg,
    '--data',
    'synthetic:users=20000,items=200,ratings=60000',
    '--epochs',
    '1',
    '--cohort',
    '2000',
  );
}, 120_000);
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const ratedBy = (user: string): ReadonlyMap<string, number> => {
  const lines = readFileSync(join(cwd, 'ratings.csv'), 'utf8').trim().split('\n').slice(1);
  return new Map(
    lines.map((line) => line.split(',')).flatMap(([who, item, rating]) => (who === user ? [[item!, Number(rating)] as const] : [])),
  );
};

const json = async (...words: readonly string[]): Promise<Document> => {
  const { code, out, err } = await metafleet([...words, '--json'], { cwd });
  expect({ code, err }).toEqual({ code: 0, err: expect.any(String) });
  return JSON.parse(out) as Document;
};

const complaint = async (...words: readonly string[]): Promise<string> => {
  const { code, out, err } = await metafleet(words, { cwd });
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err.trim().split('\n')).toHaveLength(1);
  return err.trim();
};

describe('metafleet recommend', () => {
  it('gives the best items that the user has not rated, with titles, and as reasons items that it has', async () => {
    const rated = ratedBy('user 3');
    const { user, rated: count, recommendations } = await json('recommend', 'user 3', ...RUN, '--titles', 'titles.csv', '--top', '30');
    expect({ user, count }).toEqual({ user: 'user 3', count: rated.size });
    expect(recommendations.map(({ rank }) => rank)).toEqual(Array.from({ length: 30 - rated.size }, (_, index) => index + 1));
    expect(recommendations.some(({ because }) => because.length > 0)).toBe(true);
    const predictions = recommendations.map(({ prediction }) => prediction);
    expect(predictions).toEqual(predictions.toSorted((a, b) => b - a));
    for (const { item, title, because } of recommendations) {
      expect(rated.has(item)).toBe(false);
      expect(title).toBe(item === 'i29' ? null : `Title, ${item.slice(1)}`);
      for (const reason of because) expect(rated.get(reason.item)).toBe(reason.rating);
    }
    const { out, err } = await metafleet(['recommend', 'user 3', ...RUN, '--titles', 'titles.csv', '--top', '5'], { cwd });
    expect(err).toBe('');
    expect(out).toMatch(/^user user 3, one \(metamf, best epoch \d+\): 30 items, \d+ rated ones left out\n\n +PREDICTION {2}ITEM +TITLE/);
    expect(out).toContain(`1        ${predictions[0]!.toFixed(2)}  ${recommendations[0]!.item}`);
  });

  it('leaves out only training items where it is told to', async () => {
    const all = await json('recommend', 'user 3', ...RUN, '--top', '30');
    const train = await json('recommend', 'user 3', ...RUN, '--top', '30', '--seen', 'train');
    expect(all.recommendations).toHaveLength(30 - ratedBy('user 3').size);
    expect(train.recommendations.length).toBe(30 - train.rated);
    expect(train.rated).toBeLessThan(all.rated);
  });

  it('recommends to a new user from a file, and says how', async () => {
    writeFileSync(join(cwd, 'my.csv'), 'item,rating\ni0,5\ni2,4\ni1,1\nother,3\n');
    const { code, out, err } = await metafleet(['recommend', '--ratings', 'my.csv', ...RUN, '--json'], { cwd });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ user: null, rated: 3, unknown: 1 });
    expect(err).toContain('a new user gets the models of the trained users that fit these ratings best');
    expect(err).toContain('my.csv: 1 rating of items that the data do not have, passed over');
  });

  it('streams every user as NDJSON, which agrees with single users, and as Parquet', async () => {
    const { code, out, err } = await metafleet(['recommend', '--all', ...RUN, '--top', '3'], { cwd });
    expect({ code, err }).toEqual({ code: 0, err: 'metafleet: recommended to 24 users\n' });
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Document);
    expect(lines.map(({ user }) => user)).toEqual(Array.from({ length: 24 }, (_, user) => `user ${user}`));
    const one = await json('recommend', 'user 7', ...RUN, '--top', '3', '--reasons', '0');
    expect(lines[7]!.recommendations).toEqual(one.recommendations);

    const words = ['recommend', '--all', ...RUN, '--top', '3', '--format', 'parquet', '--out', 'all.parquet', '--titles', 'titles.csv'];
    expect((await metafleet(words, { cwd })).code).toBe(0);
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(join(cwd, 'all.parquet')) });
    expect(rows).toHaveLength(24 * 3);
    const [first] = one.recommendations;
    expect(rows.find(({ user, rank }) => user === 'user 7' && rank === 1)).toMatchObject({
      item: first!.item,
      prediction: first!.prediction,
    });
  });

  it('ends at a signal with whole lines, and leaves no file that is not whole', async () => {
    const temporary = () => readdirSync(cwd).filter((name) => name.endsWith('.tmp'));
    const toFile = launch(['recommend', '--all', ...LARGE, '--out', 'all.ndjson'], { cwd });
    await vi.waitFor(() => expect(temporary()).toHaveLength(1), { timeout: PATIENCE_MILLIS, interval: 5 });
    toFile.kill('SIGTERM');
    expect(await toFile.ended).toMatchObject({ code: 130, err: expect.stringContaining('all.ndjson was not written') });
    const watched = launch(['recommend', '--all', ...LARGE], { cwd });
    await watched.printed();
    watched.kill('SIGTERM');
    const { code, out, err } = await watched.ended;
    expect(code).toBe(130);
    expect(err).toMatch(/stopped after [\d,]+ of 20,000 users/);
    for (const line of out.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('recommendations');
    expect(readdirSync(cwd).filter((name) => name.endsWith('.tmp') || name === 'all.ndjson')).toEqual([]);
  });

  it('says in one line what is wrong', async () => {
    expect(await complaint('recommend', 'nobody', ...RUN)).toBe(
      'metafleet: user: expected an id of one of the 24 users of the data, such as user 0, user 1, user 2, found "nobody"',
    );
    expect(await complaint('recommend', ...RUN)).toBe('metafleet: recommend: expected one of a user, --ratings and --all, found none');
    expect(await complaint('recommend', 'user 3', '--run', 'nowhere')).toBe(
      'metafleet: nowhere: expected the folder of a run, found no config.yaml in it',
    );
    expect(await complaint('recommend', '--all', ...RUN, '--format', 'parquet')).toBe(
      'metafleet: flag --format: expected --all and --out with parquet, found no --out',
    );
  });
});

describe('metafleet predict', () => {
  it('predicts pairs in their order, and leaves unknown ones empty', async () => {
    writeFileSync(join(cwd, 'pairs.csv'), 'item,user\ni3,user 5\ni0,"x, y"\nzz,user 5\ni3,user 1\n');
    const { code, out, err } = await metafleet(['predict', 'pairs.csv', ...RUN], { cwd });
    expect(code).toBe(0);
    expect(out).toMatch(/^user,item,prediction\nuser 5,i3,\d\.\d+\n"x, y",i0,\nuser 5,zz,\nuser 1,i3,\d\.\d+\n$/);
    expect(err).toBe('metafleet: 2 of 4 pairs have no prediction: 1 with a user and 1 with an item that the data do not have\n');
    const lines = (await metafleet(['predict', 'pairs.csv', ...RUN, '--json'], { cwd })).out.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      { user: 'user 5', item: 'i3', prediction: Number(/^user 5,i3,(.*)$/m.exec(out)![1]) },
      { user: 'x, y', item: 'i0', prediction: null },
      { user: 'user 5', item: 'zz', prediction: null },
      { user: 'user 1', item: 'i3', prediction: expect.any(Number) },
    ]);
  });
});

describe('metafleet export', () => {
  it('writes parameters, models of users, ids and a card', async () => {
    const { code, out } = await metafleet(
      ['export', ...RUN, '--out', 'exported', '--users', 'user 2', '--titles', 'titles.csv', '--json'],
      { cwd },
    );
    expect(code).toBe(0);
    const { digest, files } = JSON.parse(out) as { digest: string; files: readonly string[] };
    expect(readdirSync(join(cwd, 'exported')).sort()).toEqual(files.toSorted());
    const read = (name: string): Buffer => readFileSync(join(cwd, 'exported', name));
    const headerOf = (name: string) =>
      JSON.parse(read(name).toString('utf8', 8, 8 + Number(read(name).readBigUInt64LE(0)))) as Record<string, { shape: number[] }>;
    const theta = headerOf('theta.safetensors');
    expect(theta['U']!.shape).toEqual([24, 4]);
    // s = 3 is padded to 4.
    expect(theta['low.weights']!.shape).toEqual([30, 6, 4]);
    expect(theta['__metadata__']).toMatchObject({ run: 'one', digest });
    expect(headerOf('users.safetensors')['user 2/items_low']!.shape).toEqual([30, 3]);
    expect(read('items.ndjson').toString().split('\n')[1]).toEqual(
      expect.stringMatching(/^\{"index":1,"id":"i(\d+)","title":"Title, \1"\}$/),
    );
    expect(read('README.md').toString()).toContain(digest);

    expect(await complaint('export', ...RUN, '--out', 'exported')).toContain(
      'exported: expected a folder that does not exist yet, or is empty',
    );
    expect(await complaint('export', ...RUN, '--out', 'other', '--users', 'nobody')).toContain(
      'flag --users: expected an id of one of the 24 users',
    );
    expect(readdirSync(cwd).filter((name) => name.startsWith('other'))).toEqual([]);
  });
});

describe('metafleet serve', () => {
  it('answers what recommend answers, with the token, until a signal', async () => {
    writeFileSync(join(cwd, 'token'), 'a-token-of-enough-characters\n');
    const server = launch(['serve', ...RUN, '--port', '0', '--token-file', 'token', '--titles', 'titles.csv'], { cwd });
    const [, url] = await server.said(/answers at (http:\S+)\/recommend/);
    expect((await fetch(`${url}/recommend/user%203`)).status).toBe(401);
    const headers = { authorization: 'Bearer a-token-of-enough-characters' };
    const answer = (await (await fetch(`${url}/recommend/user%203?top=4`, { headers })).json()) as Document;
    const { recommendations } = await json('recommend', 'user 3', ...RUN, '--top', '4', '--titles', 'titles.csv');
    expect(answer).toEqual({ user: 'user 3', recommendations });
    const { item, prediction } = recommendations[0]!;
    expect(await (await fetch(`${url}/predict?user=user+3&item=${item}`, { headers })).json()).toEqual({
      user: 'user 3',
      item,
      prediction,
    });
    server.kill('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0, out: `${url}\n` });
  });
});
