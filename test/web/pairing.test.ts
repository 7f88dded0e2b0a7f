// The pairing page in a browser, with a phone that scans the code from the screen.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { type PageOptions, phoneSize, sharedBrowser } from '../support/browser.ts';
import { accessibilityFindings, isTooWide } from '../support/console.ts';
import { createPhone, pair, shakeHands } from '../support/phone.ts';
import { codeOnScreen } from '../support/screen-code.ts';
import { type Services, type ServicesOptions, startTestServices } from '../support/services.ts';

const browser = sharedBrowser();

const start = (options: ServicesOptions = {}): Promise<Services> =>
  startTestServices({ ...options, set: ['console.pairing=on', ...(options.set ?? [])] });

async function openPage({ gateway }: Services, options?: PageOptions, user = 'alice'): Promise<Page> {
  return browser().open(`${gateway}/pair/${user}`, options);
}

const state = (page: Page, kind: string): Promise<void> => page.locator(`[data-state="${kind}"]`).waitFor();

/** The handshake URL on the screen, once it is another one than `before`. */
async function scan(page: Page, before?: string): Promise<string> {
  await state(page, 'waiting');
  let found: string | undefined;
  await expect
    .poll(async () => {
      found = await codeOnScreen(page);
      return found !== undefined && found !== before;
    })
    .toBe(true);
  return found ?? '';
}

test.each([
  { name: 'a small phone in the dark', size: { width: 320, height: 640 }, colorScheme: 'dark' as const },
  { name: 'a phone', size: phoneSize, colorScheme: 'light' as const },
  { name: 'a desktop in the dark', size: { width: 1440, height: 900 }, colorScheme: 'dark' as const },
])('a phone pairs with the code that $name shows', async ({ size, colorScheme }) => {
  const services = await start();
  const page = await openPage(services, { size, colorScheme });
  const url = await scan(page);
  expect(url).toMatch(/^http:\/\/.*\/v2\/sync\/users\/alice\/sessions\/[0-9a-f]{32}\/handshake$/);
  expect(await isTooWide(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
  const link = page.getByRole('link', { name: 'Open the app here' });
  expect(await link.getAttribute('href')).toBe(url.replace('http:', 'app:'));
  const phone = createPhone();
  await shakeHands(url, phone);
  await state(page, 'connected');
  await page.getByRole('status').getByText('Enter your password on the phone').waitFor();
  await pair(url, phone, 'correct horse');
  await state(page, 'paired');
  await page.getByText('Your phone is paired').waitFor();
  expect(await accessibilityFindings(page)).toEqual([]);
});

test.each([
  ['fr-CM', 'fr', 'Associer votre téléphone'],
  ['es-MX', 'es', 'Vincular su teléfono'],
  ['de-DE', 'en', 'Pair your phone'],
])('a browser in %s gets the page in %s', async (locale, language, title) => {
  const page = await openPage(await start(), { locale });
  await page.getByRole('heading', { level: 1, name: title }).waitFor();
  expect(await page.title()).toBe(title);
  expect(await page.locator('html').getAttribute('lang')).toBe(language);
  await state(page, 'waiting');
});
