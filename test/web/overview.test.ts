// The Overview in a browser: the verdict, plots, ranges in the URL, live values, both layouts, accessibility.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { desktopSize, phoneSize, sharedBrowser } from '../support/browser.ts';
import { accessibilityFindings, isTooWide, openConsole, searchOf } from '../support/console.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { startMessaging } from '../support/messaging.ts';

const browser = sharedBrowser();

/** Each second lets what it started settle: counts of the outbox, and reading for pages. */
async function seconds(clock: FakeClock, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * Lets time pass until the page shows it. Two seconds are what lies between two readings of this range, so that the checks that one
 * starts have real time to end before the clock advances.
 */
const untilShown = (clock: FakeClock, read: () => Promise<string | null>) =>
  expect.poll(
    () => {
      clock.advance(2_000);
      return read();
    },
    { interval: 500 },
  );

const verdictOf = (page: Page) => page.locator('p.verdict');
/** The description of a plot, with its last values. */
const labelOf = (page: Page, title: string) =>
  page.getByRole('region', { name: title }).getByRole('img').getAttribute('aria-label');

test('an operator sees that messages flow, then that the Publisher fails and how many wait, without loading the page again', async () => {
  const services = await startMessaging();
  for (const text of ['one', 'two', 'three']) expect((await services.send(`g:${text}:a:b`)).status).toBe(200);
  await seconds(services.clock, 3);
  const page = await openConsole(browser(), services, 'overview');
  const verdict = () => verdictOf(page).textContent();
  await untilShown(services.clock, verdict).toMatch(
    /^Messages flow: 3 in, 3 published in the last 5 minutes/,
  );
  await untilShown(services.clock, () => labelOf(page, 'Outbox')).toContain('waiting 0');

  await services.publisher.close();
  expect((await services.send('g:four:a:b')).status).toBe(202);
  const failure = /^Publisher (fails|is unreachable) since .+: 1 message waits$/;
  await untilShown(services.clock, verdict).toMatch(failure);
  await untilShown(services.clock, () => labelOf(page, 'Outbox')).toContain('waiting 1');
  await page.getByRole('list', { name: 'Dependencies of this node' }).getByText('publisher').waitFor();
});

test('the range is in the URL, and each range is reached by the keyboard', async () => {
  const services = await startMessaging();
  await services.send('g:one:a:b');
  await seconds(services.clock, 5);
  const page = await openConsole(browser(), services, 'overview');
  await expect.poll(() => labelOf(page, 'Inbound SMS')).toContain('per minute');
  for (const [name, period] of [
    ['10 min', 'per second'],
    ['24 hours', 'per 5 minutes'],
    ['30 days', 'per hour'],
  ] as const) {
    await page.getByRole('link', { name, exact: true }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => labelOf(page, 'Inbound SMS')).toContain(period);
  }
  await expect.poll(() => searchOf(page)).toBe('?range=30d');
  await page.reload();
  await expect.poll(() => labelOf(page, 'Inbound SMS')).toContain('per hour');
});

test.each([
  { name: 'a phone', size: phoneSize, colorScheme: 'dark' as const },
  { name: 'a desktop', size: desktopSize, colorScheme: 'light' as const },
])('on $name it fits, is accessible, and reads values under the cursor', async ({ size, colorScheme }) => {
  const services = await startMessaging();
  await services.send('g:one:a:b');
  await seconds(services.clock, 5);
  const page = await openConsole(browser(), services, 'overview', { size, colorScheme });
  await verdictOf(page).waitFor();
  const plot = page.getByRole('region', { name: 'Inbound SMS' });
  await plot.locator('canvas').waitFor();
  expect(await isTooWide(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
  const values = plot.locator('.u-legend .u-value');
  // Without a cursor they are the last ones.
  await expect.poll(() => values.nth(1).textContent()).toBe('1');
  await plot.locator('.u-over').hover({ position: { x: 5, y: 20 } });
  await expect.poll(() => values.nth(1).textContent()).toBe('–');
});
