// The Seeds and Outgoing views in a browser: which number works, filter and sort in the URL, the history of one, hostile texts;
// what became of outgoing SMS, and their cancellation.

import { expect, test } from 'vitest';
import { phoneSize, sharedBrowser } from '../support/browser.ts';
import { accessibilityFindings, isTooWide, openConsole, searchOf } from '../support/console.ts';
import { startWithMessages } from '../support/console-outgoing.ts';
import { startMessaging } from '../support/messaging.ts';
import { messageOf } from '../support/outgoing-messages.ts';
import { post } from '../support/phone.ts';
import { type Services, startTestServices } from '../support/services.ts';

const browser = sharedBrowser();
const hostile = '<img src=x onerror="document.title=1">\u202e';

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
  await expect.poll(() => numbers.allTextContents()).toEqual(['+237650000003', '+237650000002']);
  expect(await isTooWide(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
  await page.getByLabel('Only those that ping').check();
  await page.getByRole('link', { name: '+237650000002' }).waitFor({ state: 'detached' });
  await expect.poll(() => searchOf(page)).toBe('?country=Cameroon&active=1');
  await page.reload();
  // Its options come with the data.
  await expect.poll(() => page.getByLabel('Country').inputValue()).toBe('Cameroon');
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

test('two search fields that are filled in quickly both count', async () => {
  const services = await startTestServices();
  const page = await openConsole(browser(), services, 'seeds');
  await page.getByLabel('Operator').fill('MTN');
  await page.getByLabel('Search').fill('4711');
  await expect.poll(() => searchOf(page)).toBe('?operator=MTN&text=4711');
  expect(await page.getByLabel('Operator').inputValue()).toBe('MTN');
});

test('hostile texts in URLs and messages are shown as text', async () => {
  const messaging = await startMessaging();
  await messaging.post({ text: hostile, MSISDN: hostile });
  const query = new URLSearchParams({ text: hostile, country: hostile, seed: hostile.slice(0, 64) });
  const page = await openConsole(browser(), messaging, `seeds?${query}`);
  await page.getByText('No number matches').waitFor();
  await page.getByText('No such number').waitFor();
  expect(await page.locator('main img').count()).toBe(0);
  await page.getByRole('link', { name: 'Messages', exact: true }).click();
  await expect.poll(() => page.title()).toBe('Messages · swob');
  await page.getByText('<img src=x').first().waitFor();
  expect(await page.locator('main img').count()).toBe(0);
});

test('on a phone, an outgoing SMS is found by its number, and says what became of it', async () => {
  const services = await startWithMessages((now) => {
    const times = { queued: now - 9_000, sent: now - 5_000, failed: now - 1_000 };
    const texts = { uuid: hostile, authId: hostile, operatorName: hostile, reason: hostile };
    return [
      messageOf(now - 9_000, { number: '+237650393369', state: 'failed', times, ...texts }),
      messageOf(now - 8_000),
    ];
  });
  const page = await openConsole(browser(), services, 'outgoing', { size: phoneSize });
  await page.getByText('No broker is configured').waitFor();
  const requests = page.getByRole('table', { name: 'Requests for outgoing SMS' });
  await expect.poll(() => requests.getByRole('rowheader').count()).toBe(2);
  await requests.getByText('1 failed').waitFor();
  expect(await isTooWide(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
  await page.getByRole('navigation', { name: 'List' }).getByRole('link', { name: 'Messages' }).click();
  await page.getByLabel('Number').fill('00237 650 39 33 69');
  await page.getByRole('link', { name: '+237650000001' }).waitFor({ state: 'detached' });
  expect(new URL(page.url()).searchParams.get('number')).toBe('00237 650 39 33 69');
  await page.getByRole('link', { name: '+237650393369' }).click();
  const history = page.getByRole('list', { name: 'History' });
  await history.getByText('a phone has sent it').waitFor();
  await history.getByText(hostile).first().waitFor();
  await page.getByRole('link', { name: 'Its request' }).click();
  await page.getByText('1 failed').last().waitFor();
  expect(await page.locator('main img').count()).toBe(0);
  expect(await page.title()).toBe('Outgoing · swob');
  expect(await isTooWide(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
});

test('by keyboard alone, one SMS is cancelled, then all of its request that wait', async () => {
  const services = await startWithMessages((now) => [
    messageOf(now - 9_000, { number: '+237650000002' }),
    ...[3, 4, 5].map((n) => messageOf(now - 9_000, { number: `+23765000000${n}`, handover: 'pending' })),
  ]);
  const page = await openConsole(browser(), services, 'outgoing?list=messages&state=queued');
  const press = async (name: string | RegExp, role: 'link' | 'button' = 'button') => {
    await page.getByRole(role, { name, exact: true }).focus();
    await page.keyboard.press('Enter');
  };
  await press('+237650000003', 'link');
  await press('Cancel');
  await page.getByRole('dialog').getByText('The SMS to +237650000003 is never sent').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await press('Cancel');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('Cancelled: 1 SMS.').waitFor();
  services.clock.advance(5_000);
  await page.getByRole('list', { name: 'History' }).getByText('cancelled').waitFor();

  await press('Its request', 'link');
  await press(/^Cancel what waits/);
  const dialog = page.getByRole('dialog');
  await dialog.getByText('The other 1 SMS stay as they are').waitFor();
  expect(await accessibilityFindings(page)).toEqual([]);
  await page.keyboard.press('Enter');
  await page.getByText('Cancelled: 2 SMS. 1 could not be cancelled any more.').waitFor();
  services.clock.advance(2_000);
  await page.getByText('1 queued, 3 cancelled').first().waitFor();
  await page.getByRole('button', { name: /^Cancel what waits/ }).waitFor({ state: 'detached' });
});
