// The Messages view in a browser: search, the timeline of a message, drop with undo, bulk retry.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { phoneSize, sharedBrowser } from '../support/browser.ts';
import { accessibilityFindings, isTooWide, openConsole, untilShown } from '../support/console.ts';
import { type Messaging, startMessaging } from '../support/messaging.ts';

const browser = sharedBrowser();

async function startWithDeadLetters(count: number): Promise<Messaging> {
  const messaging = await startMessaging({ publisher: { mode: 'reject' } });
  for (let n = 0; n < count; n++) await messaging.send(`g:to@example.org:::subject:${n}`);
  return messaging;
}

async function confirm(page: Page, name: string): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name }).click();
}

test('on a phone, a refused SMS is found by its number, with the reason and what to do', async () => {
  const messaging = await startMessaging();
  await messaging.post({ text: 'an ordinary SMS', MSISDN: '+237650000001' });
  await messaging.send('g:to@example.org:::subject:body');
  const page = await openConsole(browser(), messaging, 'messages', { size: phoneSize });
  await page.getByLabel('Number or id').fill('00237 650 00 00 01');
  await page.getByRole('link', { name: '+237650393369' }).waitFor({ state: 'detached' });
  expect(new URL(page.url()).searchParams.get('text')).toBe('00237 650 00 00 01');
  await page.getByRole('link', { name: '+237650000001' }).click();
  const history = page.getByRole('list', { name: 'History' });
  await history.getByText('it is not base64 of an encrypted SMS').waitFor();
  await page.getByText('a phone that forwards all SMS').waitFor();
  expect(await isTooWide(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
});

test('by keyboard alone, a dead letter is dropped, which is undone, and dropped again', async () => {
  const messaging = await startWithDeadLetters(1);
  const page = await openConsole(browser(), messaging, 'messages?state=dead-lettered');
  await page.getByRole('link', { name: '+237650393369' }).focus();
  await page.keyboard.press('Enter');
  const drop = page.getByRole('button', { name: 'Drop', exact: true });
  await drop.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByText('It is deleted after 10 seconds').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await drop.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('Requested: it starts in 10 seconds').waitFor();
  messaging.clock.advance(2_000);
  const undo = page.getByRole('button', { name: /^Undo/ });
  await undo.focus();
  expect(await accessibilityFindings(page)).toEqual([]);
  await page.keyboard.press('Enter');
  await page.getByText('Undone: nothing was changed.').waitFor();
  messaging.clock.advance(10_000);
  await page.getByText('undone', { exact: true }).waitFor();
  expect(await page.getByRole('link', { name: '+237650393369' }).count()).toBe(1);

  await drop.click();
  await confirm(page, 'Drop');
  await page.getByText('Requested: it starts in 10 seconds').waitFor();
  messaging.clock.advance(10_000);
  await untilShown(messaging.clock, page.getByText('No message matches'));
  await page.getByText('1 dropped').waitFor();
});

test('all dead letters are retried after a confirmation, and the result says how many', async () => {
  const messaging = await startWithDeadLetters(3);
  messaging.publisher.setMode('normal');
  const page = await openConsole(browser(), messaging, 'messages');
  await page.getByRole('link', { name: 'Dead-lettered 3' }).click();
  await page.getByRole('button', { name: 'Retry all that match' }).click();
  await confirm(page, 'Retry 3');
  await page.getByText('Requested: it starts in 5 seconds').waitFor();
  messaging.clock.advance(5_000);
  await expect.poll(() => messaging.publisher.messages().length).toBe(3);
  await untilShown(messaging.clock, page.getByText('Retry all dead-lettered messages: 3 retried'));
});

test('what matches cannot be dropped while its number is not known yet', async () => {
  const messaging = await startWithDeadLetters(1);
  const page = await openConsole(browser(), messaging, 'messages?state=dead-lettered', {
    expectedErrors: /net::ERR_/,
  });
  const drop = page.getByRole('button', { name: 'Drop all that match' });
  await drop.waitFor();
  expect(await drop.isEnabled()).toBe(true);
  await messaging.stop();
  await page.getByLabel('State').selectOption('outcome unknown');
  await expect.poll(() => drop.isDisabled()).toBe(true);
});

test('a message that loads is not said to be unknown because the one before was', async () => {
  const messaging = await startWithDeadLetters(1);
  const page = await openConsole(browser(), messaging, `messages?id=${'f'.repeat(32)}`);
  await page.getByText('No such message').waitFor();
  await page.route('**/events?*', () => {});
  await page.getByRole('link', { name: '+237650393369' }).click();
  await page.getByText('No such message').waitFor({ state: 'detached' });
});

test('an unknown message says so, and a shared URL shows the same list', async () => {
  const messaging = await startWithDeadLetters(1);
  const page = await openConsole(browser(), messaging, `messages?state=waiting&id=${'f'.repeat(32)}`);
  await page.getByText('No such message').waitFor();
  await page.getByText('No message matches').waitFor();
  expect(await page.getByLabel('State').inputValue()).toBe('waiting');
});
