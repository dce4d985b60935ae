import type { Page } from 'playwright-core';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { deviceId, millis } from '../../src/base/units.js';
import { recordedDevices } from '../../src/coordinator/round/recorder.js';
import { MAP_CELLS } from '../../src/events/round.js';
import { createLivePage } from '../../src/telemetry/live/live-page.js';
import { startServer } from '../../src/telemetry/server/server.js';
import { backgroundOf, fitsWidth, openBrowser, openPage, textOf, violationsOf } from '../support/browser/chromium.js';
import { launch, SMALL, temporaryFolder } from '../support/cli/command.js';
import { runStarted } from '../support/report/run-events.js';
import { round } from '../support/telemetry/telemetry-events.js';

const LONG = [
  ...['run', ...SMALL, '--epochs', '1000000', '--recorder.share', '0.5', '--checkpoint.every', '0'],
  ...['--name', 'watched', '--baselines', 'false'],
];
const ADDRESS = /page is at (http:\S+?),/;
const RECORDED = recordedDevices(1, 24, 0.5);

const roundIn = async (page: Page): Promise<number> =>
  Number((await page.locator('#tiles dd span').first().textContent())?.replaceAll(',', ''));
const roundAfter = (page: Page, number: number) => expect.poll(() => roundIn(page), { interval: 100 }).toBeGreaterThan(number);

describe('the live page, in a browser', () => {
  it('follows a run, finds a device, changes its colours, and can be used by keyboard', async (ctx) => {
    const browser = await openBrowser(ctx);
    const command = launch(LONG, { cwd: await temporaryFolder() });
    const [, url] = await command.said(ADDRESS);
    const page = await openPage(browser, url!);

    await roundAfter(page, 0);
    await roundAfter(page, await roundIn(page));
    await textOf(page, '#state', /^running$/);
    await textOf(page, 'h1', /^watched$/);
    await textOf(page, '#about', /24 devices, 20 items/);
    // The test error comes with the first epoch, and a line in the log with it.
    await textOf(page, '#tiles > div:nth-child(5) dd span', /^\d\.\d{4}$/);
    await textOf(page, '#log li[data-level="good"]', /best validation MSE/);
    expect(await page.locator('#chart-error canvas').count()).toBe(1);

    await page.locator('#device').focus();
    await page.keyboard.type(String(RECORDED[0]));
    await page.keyboard.press('Enter');
    await textOf(page, '#flight', new RegExp(`^Device ${RECORDED[0]}: .*uploaded after`));
    const other = Array.from({ length: 24 }, (_, id) => deviceId(id)).find((id) => !RECORDED.includes(id))!;
    await page.locator('#device').fill(String(other));
    await page.keyboard.press('Enter');
    await textOf(page, '#flight', /not among the recorded/);

    // End is the slider's last cell: device 23 of 24.
    await page.locator('#map-cell').focus();
    await page.keyboard.press('End');
    await textOf(page, '#map-text', /^Device 23: \d/);

    await page.locator('#theme input[value="auto"]').focus();
    await page.keyboard.press('ArrowRight');
    const light = await backgroundOf(page);
    await page.keyboard.press('ArrowRight');
    const dark = await backgroundOf(page);
    expect(dark).not.toBe(light);
    await page.reload({ waitUntil: 'domcontentloaded' });
    await expect.poll(() => backgroundOf(page)).toBe(dark);

    await textOf(page, '#state', /^running$/);
    command.kill('SIGINT');
    await textOf(page, '#state', /^interrupted$/);
    expect((await command.ended).code).toBe(130);
  });

  it('has no serious violation of accessibility and fits a phone, light and dark', async (ctx) => {
    const browser = await openBrowser(ctx);
    const command = launch([...LONG, '--fleet.profiles', 'mix'], { cwd: await temporaryFolder() });
    const [, url] = await command.said(ADDRESS);
    const page = await openPage(browser, url!);
    await textOf(page, '#log li[data-level="good"]', /best/);
    await textOf(page, '#classes tbody', /phone/);
    await page.locator('#examples button').first().click();
    await textOf(page, '.steps li', /sampled/);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const viewport of [
        { width: 1280, height: 900 },
        { width: 360, height: 740 },
      ]) {
        await page.setViewportSize(viewport);
        await expect.poll(() => fitsWidth(page)).toBe(true);
        expect(await violationsOf(page)).toEqual([]);
      }
    }
  });

  it('stays responsive at 100 rounds a second, and grows no further', async (ctx) => {
    const browser = await openBrowser(ctx);
    const live = createLivePage({ run: { name: 'fast', algorithm: 'metamf', data: 'none' }, recorded: () => [], flights: async () => [] });
    const server = await startServer({ port: 0, registry: new Registry(), status: () => ({}), page: () => live });
    live.observe(runStarted({ devices: 1_000_000, rounds: 1_000_000 }));
    const cells = (busy: number): Uint32Array => Uint32Array.from({ length: MAP_CELLS }, (_, cell) => (cell % 7 < busy ? 1 : 0));
    const map = { asked: cells(3), answered: cells(2) };
    let number = 0;
    const drive = setInterval(() => {
      number += 1;
      live.observe(round(64, { round: number, loss: 1 / number, millis: millis(5 + (number % 10)), map }));
    }, 10);
    const page = await openPage(browser, server.url);
    const session = await page.context().newCDPSession(page);
    const heap = async (): Promise<number> => {
      await session.send('HeapProfiler.collectGarbage');
      return (await session.send('Runtime.getHeapUsage')).usedSize;
    };
    // Until the curves have their full number of points.
    await roundAfter(page, 700);
    const [nodes, before, from] = [await page.locator('*').count(), await heap(), number];
    await roundAfter(page, from + 1300);
    expect(await page.locator('*').count()).toBe(nodes);
    expect((await heap()) - before).toBeLessThan(2_000_000);
    // It answers to what a user does while rounds go on.
    await page.locator('#map-layer input[value="missed"]').check({ force: true });
    await textOf(page, '#scale-high', /unanswered/);
    clearInterval(drive);
    await server.close();
  });
});
