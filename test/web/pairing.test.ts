// The pairing page in a browser, with a phone that scans the code from the screen.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { type PageOptions, phoneSize, sharedBrowser } from '../support/browser.ts';
import { accessibilityFindings, isTooWide } from '../support/console.ts';
import { createPhone, get, pair, shakeHands } from '../support/phone.ts';
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

test('the code changes, expires, and starts again by keyboard', async () => {
  const services = await start({ set: ['sync.session_change_limit=2'] });
  const page = await openPage(services);
  const first = await scan(page);
  await page.getByText('A new code in').waitFor();
  services.clock.advance(15_000);
  const second = await scan(page, first);
  expect(second).not.toBe(first);
  services.clock.advance(15_000);
  await state(page, 'timed out');
  await page.locator('button:focus').waitFor();
  await page.keyboard.press('Enter');
  const third = await scan(page);
  expect([first, second]).not.toContain(third);
  await shakeHands(third, createPhone());
  await state(page, 'connected');
  // In steps, so that the page answers the pings of the service.
  await expect
    .poll(() => {
      services.clock.advance(5_000);
      return page.locator('.panel').getAttribute('data-state');
    })
    .toBe('timed out');
  await page.getByText('did not send the password in time').waitFor();
});

test('the page reconnects by itself when the services are restarted', async () => {
  const services = await start();
  const ports = [services.gateway, services.sync].map((url) => new URL(url).port);
  const expectedErrors =
    /ERR_CONNECTION_REFUSED|WebSocket|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|status of 503/;
  const page = await openPage(services, { expectedErrors });
  await state(page, 'waiting');
  await services.stop();
  await state(page, 'lost');
  const again = await start({
    folder: services.folder,
    set: [`api.port=${ports[0]}`, `websocket.port=${ports[1]}`, 'api.state=production'],
  });
  await pair(await scan(page), createPhone(), 'correct horse');
  await state(page, 'paired');
  expect(again.gateway).toBe(services.gateway);
});

test('too many sessions are refused with the time to wait', async () => {
  const services = await start({ set: ['limits.sessions=1/1m'] });
  await get(`${services.gateway}/v2/sync/users/alice`);
  const page = await openPage(services, { expectedErrors: /429/ });
  await page.getByText('Too many attempts').waitFor();
  await page.getByText(/Wait \d+ s, then start again/).waitFor();
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
