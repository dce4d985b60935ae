// Pictures of the live page and of the report, from real runs, for dashboards/screenshots: npm run screenshots.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { chromiumPath, launchChromium } from './chromium.js';

const FOLDER = 'dashboards/screenshots';
const MAIN = resolve('dist/src/cli/main.js');
const SIZES = { desktop: { width: 1280, height: 900 }, phone: { width: 360, height: 780 } } as const;
/** Devices of every class, some of which fall silent. */
const MIX = ['--fleet.profiles', 'mix', '--fleet.dropoutDuring', '0.05'];
/** Of virtual seconds: later than most answers. */
const DEADLINE = ['--policy.kind', 'deadline', '--policy.deadline', '0.4'];
const COMMON = ['--baselines', 'false', '--metamf.hidden', '64', ...MIX];
const WATCHED = ['--data', 'synthetic:users=4000,items=300,ratings=80000', '--cohort', '128', ...COMMON, ...DEADLINE];
const REPORTED = ['--data', 'synthetic:users=2000,items=300,ratings=60000', '--epochs', '8', '--quiet', ...COMMON];

const shoot = async (browser: Browser, name: string, url: string, ready: (page: Page) => Promise<void>): Promise<void> => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({ viewport, colorScheme });
      const page = await context.newPage();
      await page.goto(url, { waitUntil: 'domcontentloaded' });
      await ready(page);
      await page.screenshot({ path: join(FOLDER, `${name}-${size}-${colorScheme}.png`), fullPage: true });
      await context.close();
    }
  }
};

const livePage = async (browser: Browser, cwd: string, words: readonly string[]): Promise<void> => {
  const run = spawn(process.execPath, [MAIN, 'run', ...words, '--epochs', '1000'], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    const url = await new Promise<string>((settle) => {
      run.stderr.on('data', (text: Buffer) => {
        const found = /page is at (http:\S+?),/.exec(text.toString());
        if (found) settle(found[1]!);
      });
    });
    await shoot(browser, 'live', url, async (page) => {
      // Measured at least twice: curves, not points, and every device sampled.
      await page.locator('#log li[data-level="good"]').nth(1).waitFor({ timeout: 300_000 });
      await page.locator('#examples button').first().click();
      await page.waitForSelector('.steps li');
    });
  } finally {
    run.kill('SIGKILL');
  }
};

const ended = (words: readonly string[], cwd: string): Promise<void> =>
  new Promise((settle, reject) => {
    const child = spawn(process.execPath, [MAIN, ...words], { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('close', (code) => (code === 0 ? settle() : reject(new Error(`metafleet ${words[0]} ended with code ${code}`))));
  });

const cwd = mkdtempSync(join(tmpdir(), 'metafleet-screenshots-'));
const executablePath = chromiumPath();
if (executablePath === undefined) throw new Error('no Chromium on PATH');
const browser = await launchChromium(executablePath);
try {
  await livePage(browser, cwd, [...WATCHED, '--name', 'live', ...process.argv.slice(2)]);
  await ended(['run', ...REPORTED, '--name', 'patient'], cwd);
  await ended(['run', ...REPORTED, '--name', 'hasty', ...DEADLINE], cwd);
  await ended(['report', 'results/patient', 'results/hasty'], cwd);
  await shoot(browser, 'report', pathToFileURL(join(cwd, 'results/patient/report.html')).href, async () => {});
} finally {
  await browser.close();
  rmSync(cwd, { recursive: true, force: true });
}
