// The Pairings view of the console in a browser: search, and revocation after a confirmation.

import { expect, test } from 'vitest';
import { phoneSize, sharedBrowser } from '../support/browser.ts';
import { accessibilityFindings, isTooWide, openConsole } from '../support/console.ts';
import { createPhone, handshakeUrlOf, openSession, pair } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';

const browser = sharedBrowser();

test('an operator finds a pairing on a phone and revokes it', async () => {
  const services = await startTestServices();
  const { gateway } = services;
  for (const [user, password] of [
    ['alice', 'correct horse'],
    ['bob', 'battery staple'],
  ] as const)
    await pair(handshakeUrlOf(gateway, await openSession(gateway, user)), createPhone(), password);
  const page = await openConsole(browser(), services, 'pairings', { size: phoneSize });
  await page.getByRole('rowheader', { name: 'bob' }).waitFor();
  expect(await isTooWide(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
  await page.getByLabel('User id begins with').fill('ali<b>');
  await page.getByRole('rowheader', { name: 'bob' }).waitFor({ state: 'detached' });
  expect(new URL(page.url()).search).toBe('?prefix=alib');
  await page.getByLabel('User id begins with').fill('ali');
  await page.getByRole('button', { name: 'Revoke the pairing of alice' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('no SMS is decrypted').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Revoke the pairing of alice' }).click();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('Revoked: nothing is decrypted under the keys of alice any more.').waitFor();
  await page.getByRole('button', { name: 'Revoke the pairing of alice' }).waitFor({ state: 'detached' });
  expect(
    services.log.lines.filter(({ message }) => message === 'revoked the pairing of a user'),
  ).toHaveLength(1);
});
