import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { backgroundOf, fitsWidth, openBrowser, openPage, violationsOf } from '../support/browser/chromium.js';
import { metafleet, SMALL, temporaryFolder } from '../support/cli/command.js';

const FLEET = ['--data', 'synthetic:users=60,items=30,ratings=1500', '--epochs', '4', '--quiet', '--baselines', 'false'];

describe('the report, in a browser', () => {
  it('fits desktop and phone, light and dark, without a serious violation, and gives its data', async (ctx) => {
    const browser = await openBrowser(ctx);
    const cwd = await temporaryFolder();
    for (const [name, rate] of [
      ['slow', '0.0001'],
      ['fast', '0.01'],
    ] as const)
      expect((await metafleet(['run', ...SMALL, ...FLEET, '--name', name, '--optimizer.rate', rate], { cwd })).code).toBe(0);
    const made = await metafleet(['report', 'results/slow', 'results/fast'], { cwd });
    expect(made.code).toBe(0);
    expect(made.out).toBe(`${join('results', 'slow', 'report.html')}\n`);
    const url = pathToFileURL(join(cwd, 'results/slow/report.html')).href;
    const backgrounds = new Set<string>();
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const viewport of [
        { width: 1280, height: 900 },
        { width: 360, height: 740 },
      ]) {
        const page = await openPage(browser, url, { colorScheme, viewport });
        expect(await page.locator('svg[role="img"]:visible').count()).toBeGreaterThan(6);
        expect(await fitsWidth(page)).toBe(true);
        expect(await violationsOf(page)).toEqual([]);
        backgrounds.add(await backgroundOf(page));
        // The theme is a matter of style alone: there is no script.
        await page.locator('#theme-light').focus();
        await page.keyboard.press('Space');
        backgrounds.add(await backgroundOf(page));
        await page.context().close();
      }
    }
    expect(backgrounds.size).toBe(2);

    const page = await openPage(browser, url);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'fast-epochs.csv' }).click()]);
    const text = readFileSync(await download.path(), 'utf8');
    expect(text).toMatch(/^epoch,round,trainLoss,validMae,/);
    expect(text.trim().split('\r\n')).toHaveLength(5);
    const row = page.locator('#significance tbody tr');
    const compared = (metric: string) => ['slow', 'fast', metric, '60', expect.stringMatching(/^\+0\.\d{4}$/), expect.stringMatching(/\d/)];
    expect(await row.locator('th, td').allTextContents()).toEqual([...compared('MAE'), ...compared('MSE')]);
  });
});
