// The Seeds and Outgoing views in a browser: which number works, filter and sort in the URL, the history of one, hostile texts.

import { expect, test } from 'vitest';
import { phoneSize, sharedBrowser } from '../support/browser.ts';
import { accessibilityFindings, isTooWide, openConsole } from '../support/console.ts';
import { startMessaging } from '../support/messaging.ts';
import { post } from '../support/phone.ts';
import { type Services, startTestServices } from '../support/services.ts';

const browser = sharedBrowser();

async function ping({ gateway }: Services, imsi: string, msisdn: string): Promise<void> {
  const response = await post(`${gateway}/seeds/ping`, { IMSI: imsi, MSISDN: msisdn, seed_type: 'seed' });
  expect(response.status).toBe(200);
}

test('on a phone, the numbers that work in Cameroon take two taps', async () => {
  const services = await startTestServices();
  await ping(services, '208010000000001', '+33612345678');
  await ping(services, '624010000000002', '+237650000002');
  await ping(services, '624010000000003', '+237650000003');
  services.clock.advance(30_000);
  await ping(services, '624010000000003', '+237650000003');
  const page = await openConsole(browser(), services, 'seeds', { size: phoneSize });
  await page.getByRole('link', { name: '+33612345678' }).waitFor();
  await page.getByLabel('Country').selectOption('Cameroon');
  await page.getByRole('link', { name: '+33612345678' }).waitFor({ state: 'detached' });
  const numbers = page.getByRole('rowheader').getByRole('link');
  expect(await numbers.allTextContents()).toEqual(['+237650000003', '+237650000002']);
  expect(await isTooWide(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
  await page.getByLabel('Only those that ping').check();
  await page.getByRole('link', { name: '+237650000002' }).waitFor({ state: 'detached' });
  expect(new URL(page.url()).search).toBe('?country=Cameroon&active=1');
  await page.reload();
  expect(await page.getByLabel('Country').inputValue()).toBe('Cameroon');
  await page.getByRole('link', { name: '+237650000003' }).click();
  await page.getByText('first ping since the start of swob').waitFor();
  await page.getByText('back', { exact: false }).first().waitFor();
  await page.getByText('1 of 3 ping now').waitFor();
});

test('a table without seeds says how one appears, and one without matches how to see all', async () => {
  const services = await startTestServices();
  const page = await openConsole(browser(), services, 'seeds');
  await page.getByText('No seed has pinged yet').waitFor();
  await page.getByLabel('Search').fill('4711');
  await page.getByText('No number matches').waitFor();
});

test('hostile texts in URLs and messages are shown as text', async () => {
  const hostile = '<img src=x onerror="document.title=1">\u202e';
  const messaging = await startMessaging();
  await messaging.post({ text: hostile, MSISDN: hostile });
  const query = new URLSearchParams({ text: hostile, country: hostile, seed: hostile.slice(0, 64) });
  const page = await openConsole(browser(), messaging, `seeds?${query}`);
  await page.getByText('No number matches').waitFor();
  await page.getByText('No such number').waitFor();
  expect(await page.locator('main img').count()).toBe(0);
  await page.getByRole('link', { name: 'Messages', exact: true }).click();
  await page.getByText('<img src=x').first().waitFor();
  expect(await page.locator('main img').count()).toBe(0);
  expect(await page.title()).toBe('Messages · swob');
});

test('the view of outgoing SMS says that no broker is configured, and fits a phone', async () => {
  const services = await startTestServices();
  const page = await openConsole(browser(), services, 'outgoing', { size: phoneSize });
  await page.getByText('No broker is configured').waitFor();
  await page.getByText('No outgoing SMS today').waitFor();
  expect(await isTooWide(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
});
