import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect, onTestFinished, type TestContext } from 'vitest';
import { chromiumPath, launchChromium } from '../../../scripts/chromium.js';
import { PATIENCE_MILLIS } from '../patience.js';

/** A browser of the test's own; the test is skipped where there is none. */
export const openBrowser = async (ctx: TestContext): Promise<Browser> => {
  const browser = await launchChromium(chromiumPath() ?? ctx.skip('no Chromium on PATH'), PATIENCE_MILLIS);
  onTestFinished(() => browser.close());
  return browser;
};

/** A page that fails the test when its scripts do, when its policy is broken, and when it asks for anything from elsewhere. */
export const openPage = async (browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MILLIS);
  const wrong: string[] = [];
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on(
    'console',
    (message) => message.type() === 'error' && !/ERR_(CONNECTION|INCOMPLETE|EMPTY)/.test(message.text()) && wrong.push(message.text()),
  );
  page.on(
    'request',
    (request) => new URL(request.url()).origin !== new URL(url).origin && !request.url().startsWith('data:') && wrong.push(request.url()),
  );
  onTestFinished(() => expect(wrong).toEqual([]));
  await page.goto(url, { waitUntil: 'domcontentloaded' });
  return page;
};

/** What axe-core finds that is serious or worse, one line each. */
export const violationsOf = async (page: Page): Promise<string[]> => {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' | ')}`);
};

/** Whether everything fits the width of the screen. */
export const fitsWidth = (page: Page): Promise<boolean> => page.evaluate('document.documentElement.scrollWidth <= innerWidth');

/** The text of the first element of a selector, as soon as it matches. */
export const textOf = async (page: Page, selector: string, pattern: RegExp): Promise<string> => {
  const read = async (): Promise<string> => (await page.locator(selector).first().textContent()) ?? '';
  await expect.poll(read, { interval: 100 }).toMatch(pattern);
  return read();
};

/** A style of the body, as the browser has it. */
export const backgroundOf = (page: Page): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor');
